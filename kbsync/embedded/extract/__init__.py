"""File bytes to texts: the extension decides how (docs/dify-api.md sections 4.9 and 4.11)."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from importlib import import_module
from typing import Final

# Extension to module and function.
_READERS: Final = {
    "md": ("text_files", "read_markdown"),
    "markdown": ("text_files", "read_markdown"),
    "mdx": ("text_files", "read_markdown"),
    "html": ("html", "read_html"),
    "htm": ("html", "read_html"),
    "csv": ("tables", "read_csv"),
    "xlsx": ("workbooks", "read_xlsx"),
    "xls": ("workbooks", "read_xls"),
    "docx": ("word", "read_docx"),
    "pdf": ("pdf", "read_pdf"),
}
_PLAIN: Final = ("text_files", "read_plain")


class ExtractionError(Exception):
    """The file could not be read; the message becomes the document's error."""


def texts_of(extension: str, content: bytes) -> Generator[str]:
    """The texts of a file in reading order, each of which is split on its own.

    Args:
        extension: lower case, without a dot; one without a reader is read as plain text, as the
            real server reads `.vtt` and `.properties`.
        content: the whole file.

    Raises:
        ExtractionError: the file is not what its extension says, or passes a bound.
        MemoryError: this process may have no more.
    """
    # Loaded with the first file of its type: each library takes up to a tenth of a second.
    bounded = import_module(".bounds", __name__).bounded
    module, function = _READERS.get(extension, _PLAIN)
    reader = getattr(import_module(f".{module}", __name__), function)
    try:
        texts: Iterable[str] = reader(content)
        yield from bounded(texts)
    except (ExtractionError, MemoryError):
        raise
    # The libraries fail in many ways on a broken file.
    except Exception as error:
        raise ExtractionError(str(error) or type(error).__name__) from error
