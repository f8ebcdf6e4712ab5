"""Bracket expressions of ignore files as git reads them.

pathspec hands them to `re` nearly as they are, which knows no ``[:alpha:]``, warns of ``[[``, and
lets ``[!a]`` match a slash. So they are taken out before pathspec sees a line, and put back after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\v\f\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_ESCAPE_OR_OPENING = re.compile(r"\\.|\[", re.DOTALL)
_CLASS = re.compile(r"\[:([^\]]*):\]")
# Noncharacters: no file name and no ignore file has a use for them.
_FIRST_STAND_IN = 0xFDD0


def taken_out(line: str) -> tuple[str, dict[str, str]]:
    """Replace each bracket expression by one character.

    Returns:
        The line without them, and the regular expression each character stands for.

    Raises:
        ValueError: the line can never match: an expression is not closed, or names an unknown
            class.
    """
    kept: list[str] = []
    sets: dict[str, str] = {}
    at = 0
    while opening := _ESCAPE_OR_OPENING.search(line, at):
        kept.append(line[at : opening.start()])
        at = opening.end()
        if opening[0] != "[":
            kept.append(opening[0])
            continue
        source, at = _set(line, at)
        stand_in = chr(_FIRST_STAND_IN + len(sets))
        if len(sets) == 32 or stand_in in line:
            raise ValueError(line)
        sets[stand_in] = source
        kept.append(stand_in)
    return "".join((*kept, line[at:])), sets


def put_back(source: str, sets: dict[str, str]) -> str:
    """Replace the characters that `taken_out` left by what they stand for."""
    for stand_in, expression in sets.items():
        source = source.replace(stand_in, expression)
    return source


def _set(line: str, at: int) -> tuple[str, int]:
    """Read the expression whose content begins at `at`; return its regex and where it ends."""
    negated = line[at : at + 1] in ("!", "^")
    members: list[str] = []
    end = at + negated
    for member, following in _members(line, at + negated):
        members.append(member)
        end = following
    content = "".join(members)
    if negated:
        return f"[^/{content}]", end + 1
    return f"(?:(?!/)[{content}])" if content else "(?!)", end + 1


def _members(line: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield each member as `re` writes it, and where it ends; stop at the closing ``]``."""
    first = at
    while at == first or line[at : at + 1] != "]":
        if found := _CLASS.match(line, at):
            if found[1] not in _CLASSES:
                raise ValueError(line)
            at = found.end()
            yield _CLASSES[found[1]], at
            continue
        low, at = _character(line, at)
        if line[at : at + 1] == "-" and line[at + 1 : at + 2] not in ("", "]"):
            high, at = _character(line, at + 1)
            yield f"{re.escape(low)}-{re.escape(high)}" if low <= high else re.escape(low), at
        else:
            yield re.escape(low), at


def _character(line: str, at: int) -> tuple[str, int]:
    at += line[at : at + 1] == "\\"
    if at >= len(line):
        raise ValueError(line)
    return line[at], at + 1
