"""UTF-16, UTF-32 and ISO 2022 without a mark: much of it is sound UTF-8, and means nothing as such.

Text has no control characters. Where there are some, the bytes may be halves or quarters of
characters, or steer between alphabets; each is believed only if what comes out is text throughout.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator

from kbsync.source.readings import oddities, script

WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_STEERED = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_ext"), (b"\x1b(J", "iso2022_jp_ext"))
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0e-\x1f]")
_LOOKED_AT = 1 << 12
_EAST = ("gb2312", "cp932", "big5", "euc_kr")
_OF_THE_EAST = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH", "IDEOGRAPHIC", "HALFWIDTH"}


def unmarked(head: bytes, size: int) -> str | None:
    """Return the encoding of a text that has no mark and no bytes of its own kind.

    Args:
        head: its first bytes.
        size: how many it has.

    Returns:
        The one encoding in which it is text; None where there is none, or more than one.
    """
    head = head[:_LOOKED_AT]
    if not _CONTROL.search(head):
        return None
    steered = next((name for mark, name in _STEERED if mark in head), None)
    if steered is not None and b"\0" not in head:
        text = _decoded(head, steered, whole=False)
        return steered if text and not text.isascii() else None
    found = list(_wide(head, size))
    return found[0] if len(found) == 1 else None


def may_be(encoding: str, head: bytes, size: int, stray: int) -> bool:
    """Whether a text may be in `encoding`, which a person named; to be decoded whole then.

    Args:
        encoding: its name.
        head: the first bytes of the text.
        size: how many it has.
        stray: where the first byte stands that is not UTF-8; -1 where there is none.
    """
    name = codecs.lookup(encoding).name
    if name.startswith(("utf-16", "utf-32")):
        # Nearly all bytes are some characters there, but few of them are written.
        cut = head[: len(head) - len(head) % 4] if size > len(head) else head
        text = _decoded(cut, name, whole=size <= len(head))
        return text is not None and not any(map(_unwritten, text))
    return stray >= 0 or name.startswith(("iso2022", "hz", "utf-7"))


def has_control(head: bytes) -> bool:
    """Whether a text begins with what no text holds that is written in single bytes."""
    return _CONTROL.search(head[:_LOOKED_AT]) is not None


def _wide(head: bytes, size: int) -> Iterator[str]:
    # A quarter of UTF-32 is always NUL, so it never passes as UTF-16, nor the other way.
    for name in reversed(WIDE):
        unit = 4 if name.startswith("utf-32") else 2
        if size % unit:
            continue
        text = _decoded(head[: len(head) - len(head) % unit], name, whole=size <= len(head))
        if text and _is_text(text):
            yield name


def _decoded(data: bytes, encoding: str, *, whole: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError:
        return None


def _is_text(text: str) -> bool:
    if any(_unwritten(char) for char in text) or oddities(text):
        return False
    if not any(char.isascii() or "\u3000" <= char <= "\u3002" for char in text):
        return False  # not a blank, a digit or the end of a sentence
    scripts = {script(char) for char in text if char.isalpha() and not char.isascii()}
    east = scripts & _OF_THE_EAST
    if east:
        # Halves of another text come out as characters of every kind, mostly rare ones.
        letters = "".join(char for char in text if script(char) in {"CJK", "HANGUL"})
        return scripts <= _OF_THE_EAST | {"LATIN", "GREEK"} and _in_one(letters)
    return len(scripts - {"LATIN", "MODIFIER"}) <= 1


def _unwritten(char: str) -> bool:
    if char in "\t\n\r\f\ufeff":
        return False
    return unicodedata.category(char) in {"Cc", "Co", "Cn", "Cs"}


def _in_one(letters: str) -> bool:
    """Whether one country's common characters suffice."""
    return any(_encodes(letters, name) for name in _EAST)


def _encodes(letters: str, encoding: str) -> bool:
    try:
        letters.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
