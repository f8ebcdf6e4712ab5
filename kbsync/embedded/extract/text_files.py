"""Plain text and Markdown, and the guess of a charset that every text type needs."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from charset_normalizer import from_bytes

_HEADING: Final = re.compile(r"#+\s")


def read_plain(content: bytes) -> list[str]:
    """The text of a plain text file."""
    return [decode(content)]


def read_markdown(content: bytes) -> Iterator[str]:
    """The sections of a Markdown file, each with its heading as first line.

    The text before the first heading (a front matter, for one) is a section of its own.
    """
    return (_section_text(heading, body) for heading, body in _sections(decode(content)))


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
    body = "\n".join(map(_without_tags, body.split("\n"))).strip()
    title = heading.replace("#", "").strip()
    return f"\n\n{title}\n{body}" if title else body


def _without_tags(line: str) -> str:
    """The line without `<…>`: the real server takes even `List<String>` for a tag."""
    if "<" not in line:
        return line
    kept, start = [], 0
    # By hand: a pattern would look for the end of each `<` of a line that has no end of any.
    while (tag := line.find("<", start)) >= 0 and (end := line.find(">", tag)) >= 0:
        kept.append(line[start:tag])
        start = end + 1
    return "".join(kept) + line[start:]


def cell_text(value: object) -> str:
    """A cell without blank ends; a whole number without its `.0`."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
