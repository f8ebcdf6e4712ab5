"""The one list of file types: what each is called, and what it means to kbsync.

Sources: docs/dify-api.md sections 4.9 (accepted types) and 4.11 (encodings). The embedded knowledge
base has its own list: it stands in for a server, which is not asked either.
"""

from __future__ import annotations

from kbsync.lazy_dataclass import dataclass

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of files, known by its extension.

    Args:
        extension: lower case, without the dot.
        media_type: sent with an upload; servers only store it (docs/dify-api.md section 4.1).
        text: plain text, which `convert: utf-8` sends as UTF-8. Markup that names its own encoding
            (HTML, XML) is not: its bytes are sent as they are.
        accepted: taken by a server whose operator changed nothing; the default of `extensions`.
    """

    extension: str
    media_type: str
    text: bool = False
    accepted: bool = True


FILE_TYPES = {
    each.extension: each
    for each in (
        FileType("txt", "text/plain", text=True),
        FileType("markdown", "text/markdown", text=True),
        FileType("md", "text/markdown", text=True),
        FileType("mdx", "text/mdx", text=True),
        FileType("pdf", "application/pdf"),
        FileType("html", "text/html"),
        FileType("htm", "text/html"),
        FileType("xlsx", f"{_OFFICE}.spreadsheetml.sheet"),
        FileType("xls", "application/vnd.ms-excel"),
        FileType("docx", f"{_OFFICE}.wordprocessingml.document"),
        FileType("csv", "text/csv", text=True),
        FileType("vtt", "text/vtt", text=True),
        FileType("properties", "text/x-java-properties", text=True),
        FileType("doc", "application/msword", accepted=False),
        FileType("ppt", "application/vnd.ms-powerpoint", accepted=False),
        FileType("pptx", f"{_OFFICE}.presentationml.presentation", accepted=False),
        FileType("xml", "application/xml", accepted=False),
        FileType("eml", "message/rfc822", accepted=False),
        FileType("msg", "application/vnd.ms-outlook", accepted=False),
        FileType("epub", "application/epub+zip", accepted=False),
    )
}
ACCEPTED = tuple(each.extension for each in FILE_TYPES.values() if each.accepted)


def extension(name: str) -> str:
    """Return what follows the last dot of a file name, in lower case.

    Empty for a name without a dot, or with its only dot at the start (``.md``) or the end.
    """
    stem, _, ending = name.rpartition(".")
    return ending.lower() if stem else ""


def media_type(extension: str) -> str:
    """Return the media type of an extension (lower case, without the dot)."""
    known = FILE_TYPES.get(extension)
    return known.media_type if known else UNKNOWN_MEDIA_TYPE


def is_text(extension: str) -> bool:
    """Whether files with this extension (lower case, without the dot) are plain text."""
    known = FILE_TYPES.get(extension)
    return known is not None and known.text
