"""Words of a text: as the full-text index, the keywords and the embedding see them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Final

# Scripts written without spaces (Thai to Khmer, kana, bopomofo, Han, Hangul): each character is
# indexed as a word of its own, and a query looks for pairs of neighbours.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
MAX_KEYWORDS: Final = 10

_COMMON_TEXT: Final = """
    a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further get had
    has have having he her here hers him his how i if in into is it its just me more most my no nor
    not now of off on once only or other our ours out over own same she should so some such than
    that the their theirs them then there these they this those through to too under until up very
    was we were what when where which while who whom why will with would you your yours
"""
COMMON: Final = frozenset(_COMMON_TEXT.split())


# These scripts take long to compile, and most processes never look at a word.
@cache
def _unspaced_character() -> re.Pattern[str]:
    return re.compile(f"([{_UNSPACED}])")


@cache
def _word() -> re.Pattern[str]:
    return re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")


def spaced(text: str) -> str:
    """The text with a space around every character of a script that has no spaces."""
    plain = unicodedata.normalize("NFC", text)
    return plain if plain.isascii() else _unspaced_character().sub(r" \1 ", plain)


def keywords(text: str) -> list[str]:
    """Up to ten significant words of a chunk, the most frequent first."""
    counted = Counter(
        word for word in _word().findall(text) if len(word) > 1 and word.lower() not in COMMON
    )
    return [word for word, _ in counted.most_common(MAX_KEYWORDS)]


def terms(text: str) -> list[str]:
    """Every word, without regard to case and accents; pairs of neighbours in unspaced scripts."""
    return [term for word in _word().findall(_folded(text)) for term in _parts(word, "")]


def match_expression(query: str) -> str | None:
    """The query for FTS5: any of its words may match. None when it has no words.

    Words such as "the" only count when the query has no others. Neighbouring words count once more
    as a phrase, which ranks the chunk with the whole sentence above chunks with a single word.
    """
    # Quoted words cannot be FTS5 syntax, whatever the caller wrote.
    words = _word().findall(unicodedata.normalize("NFC", query))
    distinct = dict.fromkeys(words)
    significant = [word for word in distinct if word.lower() not in COMMON] or list(distinct)
    phrases = [phrase for word in significant for phrase in _parts(word, " ")]
    phrases += [f"{first} {second}" for first, second in pairwise(words) if _both(first, second)]
    return " OR ".join(f'"{phrase}"' for phrase in dict.fromkeys(phrases)) or None


def is_unspaced(word: str) -> bool:
    """Whether the word is of a script that is written without spaces."""
    return _unspaced_character().match(word) is not None


def _both(first: str, second: str) -> bool:
    """Whether two neighbours are words with a space between them."""
    return not (is_unspaced(first) or is_unspaced(second))


def _parts(word: str, between: str) -> list[str]:
    """A word as it is; a run of unspaced script as its pairs of neighbours."""
    if len(word) == 1 or not is_unspaced(word):
        return [word]
    return [f"{first}{between}{second}" for first, second in pairwise(word)]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text)
        if not unicodedata.combining(letter)
    )
    # Composed again, for the decomposition takes Hangul syllables apart.
    return unicodedata.normalize("NFC", bare).casefold()
