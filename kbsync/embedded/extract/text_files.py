"""Plain text, Markdown and CSV, and the guess of a charset that every text type needs."""

from __future__ import annotations

import codecs
import csv
import io
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from charset_normalizer import from_bytes

from . import ExtractionError

_HEADING: Final = re.compile(r"#+\s")
_TAG: Final = re.compile(r"<.*?>")
_csv_limit = threading.Lock()


def read_plain(content: bytes) -> list[str]:
    """The text of a plain text file."""
    return [decode(content)]


def read_markdown(content: bytes) -> list[str]:
    """The sections of a Markdown file, each with its heading as first line.

    The text before the first heading (a front matter, for one) is a section of its own.
    """
    return [_section_text(heading, body) for heading, body in _sections(decode(content))]


def read_csv(content: bytes) -> list[str]:
    """The rows below the header; a file without any bytes is refused (section 4.11)."""
    text = decode(content)
    if not text.strip():
        raise ExtractionError("No columns to parse from file")
    # The limit is one of the whole process; two files at once must not lower it again.
    with _csv_limit:
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        table = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise ExtractionError(f"Error tokenizing data: {error}") from error
    header, *body = [row for row in table if row]
    return _csv_rows(header, body)


def decode(content: bytes) -> str:
    """The characters of the bytes, with `\\n` line ends. Never fails (section 4.11).

    UTF-8 is taken as it is, its byte order mark included; for anything else the charset is
    guessed and may be guessed wrong.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = _guess(content)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(content) % 2 == 0:
        return content.decode("utf-16", "replace")
    best = from_bytes(content).best()
    return content.decode("utf-8", "replace") if best is None else str(best)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    heading, body = "", ""
    fenced = False
    for line in text.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        if not fenced and _HEADING.match(line):
            yield heading, body
            heading, body = line, ""
        else:
            body += line + "\n"
    yield heading, body


def _section_text(heading: str, body: str) -> str:
    # The real server takes whatever stands in `<…>` for a tag, even `List<String>`.
    body = _TAG.sub("", body).strip()
    title = heading.replace("#", "").strip()
    return f"\n\n{title}\n{body}" if title else body


def _csv_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """One text per row that holds anything: `column: value;column: value`."""
    names = [cell_text(cell) for cell in header]
    found = []
    for row in rows:
        cells = [cell_text(cell) for cell in row[: len(names)]]
        cells += [""] * (len(names) - len(cells))
        if any(cells):
            pairs = zip(names, cells, strict=True)
            found.append(";".join(f"{name}: {cell}" for name, cell in pairs))
    return found


def cell_text(value: object) -> str:
    """A cell without blank ends; a whole number without its `.0`."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
