"""YAML front matter: a block between two lines of dashes at the very beginning of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from kbsync.model import Typed
from kbsync.source.yaml_fields import NotUsableError, mapping_of, typed

LONGEST = 1 << 16
"""So many characters of a text are looked through for the end of its front matter."""

# A dashed line also is a rule across the page, so that the first line has to be a key.
_BLOCK = re.compile(
    r"---[ \t]*\r?\n"
    r"(?P<yaml>(?:[ \t]*(?:\#[^\n]*)?\r?\n)*"
    r"(?:(?:[^\W\d][^\n:]*|\"[^\n\"]*\"|'[^\n']*'):(?:[ \t][^\n]*)?\r?\n(?:[^\n]*\n)*?)?)"
    r"(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)"
)
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")


def front_matter(text: str) -> tuple[str, int]:
    """Return the YAML that a text begins with, and where what follows it begins.

    Args:
        text: at least the first `LONGEST` characters of a text, or all of it.

    Returns:
        Empty text and 0 where there is none. Blank lines behind it are a part of it.
    """
    if not text.startswith("---"):
        return "", 0
    found = _BLOCK.match(text, 0, LONGEST)
    if found is None:
        return "", 0
    behind = _BLANK_LINES.match(text, found.end())
    return found["yaml"], behind.end() if behind else found.end()


def chosen(yaml: str, fields: Sequence[str]) -> Mapping[str, Typed | None]:
    """Return the values of `fields` in front matter; None for one that has no value.

    Raises:
        NotUsableError: it is no YAML mapping, or one of these values is none that can be stored.
    """
    if not fields:
        return {}
    top = mapping_of(yaml)
    found: dict[str, Typed | None] = {}
    for name in fields:
        if name not in top:
            continue
        try:
            found[name] = typed(top[name], quoted_times=True)
        except NotUsableError as error:
            raise NotUsableError(f"{name}, {error}") from None
    return found


def behind_front_matter(text: Iterator[str]) -> Iterator[str]:
    """Yield a text without its front matter."""
    head = ""
    for piece in text:
        head += piece
        if len(head) > LONGEST or not (head.startswith("---") or "---".startswith(head)):
            break
    yield head[front_matter(head)[1] :]
    yield from text
