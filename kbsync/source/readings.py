"""How likely a piece of text is what it says, read in one encoding or another.

Two things speak: a library that knows which letters follow which in each language, and what text
never does whatever its language, such as a capital in the middle of a word.
"""

from __future__ import annotations

import codecs
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

# What programs wrote before UTF-8, one name for those that agree in letters.
_WRITTEN = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("iso8859-2", "iso8859-5", "iso8859-15", "koi8-r", "koi8-u", "cp866", "cp850", "cp852"),
    *("cp437", "mac-roman", "cp874", "cp932", "euc-jp", "gb18030", "big5hkscs", "cp949"),
)
# Systems that are long gone: their files have to be plainly theirs.
_RARE, _RARER = frozenset({"cp850", "cp852", "mac-roman", "cp866", "iso8859-5"}), 0.6
_LOOKED_AT = 3000
_SAME = {"cp437": "cp850", "euc_jis_2004": "euc_jp"}
_INSIDE = frozenset("'’‘-‐‑–—·‧\u00ad\u200c\u200d・·")
# Read in another encoding these are letters: at the start of a word, and not after a number.
_LETTERS_ELSEWHERE = frozenset("¶®¯¨´¸¹²³¼½¾¤¦¬ª")
_AT_THE_END = frozenset("ךםןףץς")  # letters that only end a word
_STEERING = frozenset("\u200e\u200f")
_ASIAN = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC"}
)
_ANYWHERE = frozenset({"MODIFIER", "MICRO", "MASCULINE", "FEMININE"})
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
_WITHOUT_KANA = frozenset({"gb18030", "big5hkscs", "cp949"})
_EASTERN = _WITHOUT_KANA | {"cp932", "euc_jp"}


class Reading(NamedTuple):
    """A sample read in one encoding.

    Args:
        odd: how often it does what text does not do.
        likeness: how much it is like a language, beside other readings of the same sample.
    """

    encoding: str
    text: str
    odd: int
    likeness: float

    @property
    def scripts(self) -> frozenset[str]:
        """The scripts its letters are of, ASCII aside."""
        return frozenset(script(char) for char in self.letters)

    @property
    def letters(self) -> frozenset[str]:
        """Its letters beyond ASCII."""
        return frozenset(char for char in self.text if char.isalpha() and not char.isascii())


def readings(sample: bytes) -> list[Reading]:
    """Return the readings of `sample` that differ, the likeliest first; often there is one."""
    # Imported here: most folders hold UTF-8 alone and never need it.
    import chardet  # noqa: PLC0415

    found: dict[str, Reading] = {}
    ranked = chardet.detect_all(
        sample,
        ignore_threshold=True,
        compat_names=False,
        include_encodings=_WRITTEN,
        no_match_encoding="cp1252",
        empty_input_encoding="cp1252",
    )
    for each in ranked:
        name = codecs.lookup(each["encoding"] or "cp1252").name
        encoding = _SAME.get(name, name)
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = oddities(text) + (encoding in _WITHOUT_KANA and has_kana(text))
        likeness = each["confidence"] * (_RARER if encoding in _RARE else 1)
        found.setdefault(text, Reading(encoding, text, odd, likeness))
    return sorted(found.values(), key=lambda each: (each.odd, -each.likeness))


def is_eastern(encoding: str) -> bool:
    """Whether two bytes are a character in `encoding`."""
    return encoding in _EASTERN


def has_kana(text: str) -> bool:
    """Whether `text` has letters that only Japanese has."""
    return any(script(char) in _KANA for char in text)


def oddities(text: str) -> int:
    """Return how often `text` does what no text does; of a long one, in a hundred words."""
    words = set(text[:_LOOKED_AT].split())
    odd = sum(map(_odd_word, words))
    # No long text is without a name or a formula that is odd.
    return odd * 100 // max(100, len(words))


def _odd_word(word: str) -> int:
    if word.isascii():
        return 0
    odd = sum(char in _STEERING or _unwritten(char) for char in word)
    odd += sum(_odd_pair(first, second) for first, second in pairwise(word))
    odd += sum(_odd_inside(*three) for three in zip(word, word[1:], word[2:], strict=False))
    return odd + _odd_start(word)


def _unwritten(char: str) -> bool:
    """Whether `char` is none, or one of those that only old books have."""
    if unicodedata.category(char) in {"Cc", "Co", "Cn", "Cs"}:
        return True
    return "\u3400" <= char <= "\u4dbf" or char >= "\U00020000"


def _odd_start(word: str) -> bool:
    if unicodedata.category(word[0]) == "Mn":
        return True
    return word[0] in _LETTERS_ELSEWHERE and word[1:2].isalpha()


def _odd_pair(first: str, second: str) -> bool:
    if (first + second).isascii() or not (first.isalpha() and second.isalpha()):
        return False
    if first.islower() and second.isupper() and first != "ß":
        return True
    if first in _AT_THE_END:
        return True
    both = {script(first), script(second)}
    return len(both) > 1 and not both & _ANYWHERE and not both <= _ASIAN | {"LATIN", "HANGUL"}


def _odd_inside(before: str, char: str, after: str) -> bool:
    """Whether `char` stands between two letters, and is nothing that does."""
    if char.isascii() or char.isalpha() or char in _INSIDE or _of_asia(char):
        return False
    return before.isalpha() and after.isalpha() and unicodedata.category(char)[0] in "SPN"


def _of_asia(char: str) -> bool:
    return "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef" or char in "،؛؟۔״׳…“”"


@lru_cache(maxsize=4096)
def script(char: str) -> str:
    """Return the first word of a character's name, which for letters is their script."""
    return unicodedata.name(char, "").partition(" ")[0]
