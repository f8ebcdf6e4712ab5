"""Media types by extension: servers only store them (docs/dify-api.md section 4.1)."""

from __future__ import annotations

_TYPES = {
    "txt": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "mdx": "text/mdx",
    "csv": "text/csv",
    "vtt": "text/vtt",
    "properties": "text/x-java-properties",
    "htm": "text/html",
    "html": "text/html",
    "xml": "application/xml",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
    "epub": "application/epub+zip",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def media_type(extension: str) -> str:
    """Return the media type of an extension (lower case, without the dot)."""
    return _TYPES.get(extension, "application/octet-stream")
