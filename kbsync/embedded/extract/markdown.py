"""Markdown: one text per heading; whatever stands in `<…>` is lost, as on the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .plain import decode

_HEADING: Final = re.compile(r"#+\s")
_TAG: Final = re.compile(r"<.*?>")


def read(content: bytes) -> list[str]:
    """The sections of a Markdown file, each with its heading as first line.

    The text before the first heading (a front matter, for one) is a section of its own.
    """
    return [_text(heading, body) for heading, body in _sections(decode(content))]


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


def _text(heading: str, body: str) -> str:
    body = _TAG.sub("", body).strip()
    title = heading.replace("#", "").strip()
    return f"\n\n{title}\n{body}" if title else body
