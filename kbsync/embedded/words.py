"""Text as the index sees it: words, keywords, and queries that are never a syntax error."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import Final

# Scripts written without spaces: each character is a word of its own there, and two neighbours
# make a phrase. Thai to Khmer, kana, bopomofo, Han with its extensions, Hangul.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_UNSPACED_CHARACTER: Final = re.compile(f"([{_UNSPACED}])")
_TERM: Final = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
KEYWORDS: Final = 10

_COMMON_TEXT: Final = """
    a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further get had
    has have having he her here hers him his how i if in into is it its just me more most my no nor
    not now of off on once only or other our ours out over own same she should so some such than
    that the their theirs them then there these they this those through to too under until up very
    was we were what when where which while who whom why will with would you your yours
"""
_COMMON: Final = frozenset(_COMMON_TEXT.split())


def spaced(text: str) -> str:
    """The text with a space around every character of a script that has no spaces."""
    plain = unicodedata.normalize("NFC", text)
    return plain if plain.isascii() else _UNSPACED_CHARACTER.sub(r" \1 ", plain)


def keywords(text: str) -> list[str]:
    """Up to ten telling words of a chunk, the most frequent first."""
    counted = Counter(
        term for term in _TERM.findall(text) if len(term) > 1 and term.lower() not in _COMMON
    )
    return [term for term, _ in counted.most_common(KEYWORDS)]


def match_expression(query: str) -> str | None:
    """The query for FTS5: any of its words may match, each quoted. None when it has no words.

    Words such as "the" only count when there is nothing else to look for. Neighbouring words count
    once more together, so that a sentence finds the chunk that says it and not one of its words.
    """
    words = _TERM.findall(unicodedata.normalize("NFC", query))
    terms = dict.fromkeys(words)
    telling = [term for term in terms if term.lower() not in _COMMON] or list(terms)
    phrases = [phrase for term in telling for phrase in _phrases(term)]
    phrases += [f"{first} {second}" for first, second in pairwise(words) if _both(first, second)]
    return " OR ".join(f'"{phrase}"' for phrase in dict.fromkeys(phrases)) or None


def _both(first: str, second: str) -> bool:
    """Whether two neighbours are words with a space between them."""
    unspaced = _UNSPACED_CHARACTER.match(first) or _UNSPACED_CHARACTER.match(second)
    return not unspaced


def _phrases(term: str) -> list[str]:
    """A word as it is; a run of unspaced script as its pairs of neighbours."""
    if not _UNSPACED_CHARACTER.match(term):
        return [term]
    if len(term) == 1:
        return [term]
    return [f"{first} {second}" for first, second in pairwise(term)]
