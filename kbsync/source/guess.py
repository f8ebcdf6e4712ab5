"""What a text is written in that is not UTF-8: the likeliest encoding, and whether that is sure."""

from __future__ import annotations

import re
from typing import NamedTuple

from kbsync.source.readings import Reading, has_kana, is_eastern, readings

# How much likelier than another reading the best one has to be, by what competes.
OTHER_SCRIPT, SAME_SCRIPT, SURELY = 1.5, 1.1, 4.0
FEW = 4  # letters that tell little
NOISE = 0.002  # a likeness of no language
PLAUSIBLE = 10.0
"""Readings that are less likely by more than this are no candidates at all."""

WESTERN, CYRILLIC = "cp1252", "cp1251"
_KOI8 = frozenset({"koi8-r", "koi8-u"})

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


class Guess(NamedTuple):
    """What a text is taken as.

    Args:
        encoding: the likeliest.
        rivals: other readings that are nearly as likely, best first; empty when it is sure.
        readings: all that are plausible, the likeliest first.
    """

    encoding: str
    rivals: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()


def guess(sample: bytes) -> Guess:
    """Return what `sample` is taken as, a piece of a text that is not valid UTF-8."""
    # Lines of plain ASCII fit every encoding and would drown the others.
    sample = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())
    if _damaged_utf8(sample):
        return Guess("utf-8")
    found = readings(sample)
    if not found:
        return Guess(WESTERN)
    best = found[0]
    found = [
        each
        for each in found
        if each.odd == best.odd and each.likeness * PLAUSIBLE >= best.likeness
    ]
    western = next((each for each in found if each.encoding == WESTERN), None)
    if western and _western(western.text) and western.likeness * _west(western) >= best.likeness:
        return Guess(WESTERN)
    rivals = [
        each.encoding for each in found[1:] if each.likeness * _needed(best, each) >= best.likeness
    ]
    return Guess(best.encoding, tuple(rivals), tuple(found))


def _west(reading: Reading) -> float:
    """Return how much likelier another reading has to be than a Western one, which is most common.

    The languages of the West share their letters, and the library is split over them.
    """
    # Signs alone are of no language.
    return OTHER_SCRIPT if _ACCENTED.search(reading.text) else PLAUSIBLE


def _needed(best: Reading, other: Reading) -> float:
    """Return how much likelier `best` has to be for `other` not to be meant as well."""
    if best.likeness < NOISE:
        return PLAUSIBLE
    japanese = {best.encoding, other.encoding} == {"gb18030", "euc_jp"}
    # Han characters alone look alike in both, and short texts of them are all there is in a list.
    if japanese and not has_kana(best.text if best.encoding == "euc_jp" else other.text):
        return SURELY if len(best.letters) >= 2 * FEW else PLAUSIBLE
    if other.encoding == WESTERN and len(other.letters) < FEW and _western(other.text):
        return SURELY
    if {best.encoding, other.encoding} & _KOI8 and CYRILLIC in (best.encoding, other.encoding):
        return PLAUSIBLE  # capitals of one are small letters of the other
    eastern = is_eastern(best.encoding) or is_eastern(other.encoding)
    alike = best.scripts == other.scripts and not eastern and len(best.letters) >= FEW
    return SAME_SCRIPT if alike else OTHER_SCRIPT


def _damaged_utf8(sample: bytes) -> bool:
    """Whether stray bytes stand in what is UTF-8 otherwise."""
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    sound = len(text.encode()) - len(text) - 2 * bad
    return sound > 2 * bad


def _western(text: str) -> bool:
    if not _WESTERN.fullmatch(text) or _FOREIGN.search(text):
        return False
    # Portuguese has both; Hungarian, misread, only the first.
    if "õ" in text and "ã" not in text and "ões" not in text:
        return False
    accented = len(_ACCENTED.findall(text))
    return accented <= 2 + sum(map(str.isalpha, text)) // 3
