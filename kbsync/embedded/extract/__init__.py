"""File bytes to texts: the extension decides how (docs/dify-api.md sections 4.9 and 4.11)."""

from __future__ import annotations

from collections.abc import Callable


class ExtractionError(Exception):
    """The file could not be read; the message becomes the document's error."""


def texts_of(extension: str, content: bytes) -> list[str]:
    """The texts of a file in reading order, each of which is split on its own.

    Args:
        extension: lower case, without a dot.
        content: the whole file.

    Raises:
        ExtractionError: the file is not what its extension says.
    """
    return _reader(extension)(content)


def _reader(extension: str) -> Callable[[bytes], list[str]]:
    """The reader of a file type; its libraries are loaded when the first such file comes."""
    match extension:
        case "md" | "markdown" | "mdx":
            from .markdown import read
        case "html" | "htm":
            from .html import read
        case "csv":
            from .csv_rows import read
        case "xlsx":
            from .xlsx import read
        case "xls":
            from .xls import read
        case "docx":
            from .docx import read
        case "pdf":
            from .pdf import read
        case "properties":
            from .properties import read
        case "vtt":
            from .vtt import read
        case _:
            from .plain import read
    return read
