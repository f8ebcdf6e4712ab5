"""Guessing the encoding of a text that is not UTF-8.

A server guesses too, but turns French into Czech (docs/dify-api.md section 4.11). So Western text,
which is most of what is not UTF-8, is recognised by rule; the rest is left to charset-normalizer,
asked only about encodings that people write documents in.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    # UTF-32's little-endian mark begins with UTF-16's: the longer ones first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WRITTEN = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("iso8859_2", "koi8_r", "cp866", "cp874"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_LOWER = "àáâãäåæçèéêëìíîïñòóôõöøùúûüÿœß"
_UPPER = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŸŒ"
_MARKS = "\xa0\xad«»°§©®·€™†•–—‘’‚“”„…‹›‰"
_RARE_MARKS = "¡¿£¥±²³ªº´µ¶¹¼½¾×÷"
_WESTERN = re.compile(f"[\0-\x7f{_LOWER}{_UPPER}{_MARKS}{_RARE_MARKS}]*")
_ACCENTED = re.compile(f"[{_LOWER}{_UPPER}]")
_LETTER = f"A-Za-z{_LOWER}{_UPPER}"
# What Western words do not do, and others do when they are misread as Western.
_FOREIGN = re.compile(
    f"[{_LOWER}{_UPPER}]{{3}}|[a-z{_LOWER}][{_UPPER}]|[{_LETTER}][{_RARE_MARKS}][{_LETTER}]"
)


def byte_order_mark(start: bytes) -> str | None:
    """Return the encoding that the first bytes of a text name, UTF-8 aside."""
    return next((name for mark, name in _BOMS if start.startswith(mark)), None)


def guess(sample: bytes) -> str:
    """Return the encoding of `sample`, a piece of a text that is not valid UTF-8."""
    # Lines of plain ASCII fit every encoding and would drown the ones that tell.
    sample = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())
    if _damaged_utf8(sample):
        return "utf-8"
    if _western(sample):
        return "cp1252"
    # Imported here: most folders hold UTF-8 alone and never need it.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    best = from_bytes(sample, cp_isolation=_WRITTEN, preemptive_behaviour=False).best()
    return best.encoding if best else "cp1252"


def _damaged_utf8(sample: bytes) -> bool:
    """Whether stray bytes stand in what is UTF-8 otherwise."""
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    sound = len(text.encode()) - len(text) - 2 * bad
    return sound > 2 * bad


def _western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    if not _WESTERN.fullmatch(text) or _FOREIGN.search(text):
        return False
    # Portuguese has both; Hungarian, misread, only the first.
    if "õ" in text and "ã" not in text and "ões" not in text:
        return False
    accented = len(_ACCENTED.findall(text))
    return accented <= 2 + sum(map(str.isalpha, text)) // 3
