"""File bytes to texts: the extension decides how (docs/dify-api.md sections 4.9 and 4.11)."""

from __future__ import annotations

from importlib import import_module
from typing import Final

_READERS: Final = {
    "md": "markdown",
    "markdown": "markdown",
    "mdx": "markdown",
    "html": "html",
    "htm": "html",
    "csv": "csv_rows",
    "xlsx": "xlsx",
    "xls": "xls",
    "docx": "docx",
    "pdf": "pdf",
}


class ExtractionError(Exception):
    """The file could not be read; the message becomes the document's error."""


def texts_of(extension: str, content: bytes) -> list[str]:
    """The texts of a file in reading order, each of which is split on its own.

    A reader and its library are loaded when the first file of that type comes.

    Args:
        extension: lower case, without a dot; one without a reader is read as plain text, as the
            real server reads `.vtt` and `.properties`.
        content: the whole file.

    Raises:
        ExtractionError: the file is not what its extension says.
    """
    reader = import_module(f".{_READERS.get(extension, 'plain')}", __name__)
    texts: list[str] = reader.read(content)
    return texts
