"""Hashed words: the embedding of this server. It is computed, so no model has to be downloaded.

Each word of a text and each three neighbouring letters of a longer word are hashed to one of
`PLACES` places and a sign, and summed up there. Texts that share words or parts of words point in
a like direction. It knows nothing of what words mean: no synonyms, no other languages.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from typing import Final

from .words import COMMON, is_unspaced, terms

# With 256 places chance likeness outweighs a shared word; more than 1024 find hardly more.
PLACES: Final = 1024
_LETTERS: Final = 3
_COMMON_WEIGHT: Final = 0.1
_LARGEST: Final = 127


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A vector as the data file keeps it: a signed byte for each place, and its length."""

    places: bytes
    length: float


class QueryVector:
    """A query, ready to be compared with stored vectors.

    Args:
        text: the query.
    """

    def __init__(self, text: str) -> None:
        vector = _vector(text)
        length = _length(vector.values())
        # Of a query nearly all places are empty, and need not be looked at.
        self._places = tuple(vector)
        self._values = tuple(value / length for value in vector.values())

    def __bool__(self) -> bool:
        return bool(self._places)

    def likeness(self, stored: StoredVector) -> float:
        """The cosine of the angle between both, -1 to 1."""
        places = memoryview(stored.places).cast("b")
        product: float = sum(map(mul, map(places.__getitem__, self._places), self._values))
        return min(product / stored.length, 1.0)


def embed(text: str) -> StoredVector | None:
    """The vector of a text; None when it has no words."""
    vector = _vector(text)
    if not vector:
        return None
    largest = max(map(abs, vector.values()))
    scaled = {place: round(value * _LARGEST / largest) for place, value in vector.items()}
    places = bytearray(PLACES)
    for place, value in scaled.items():
        places[place] = value & 0xFF
    return StoredVector(bytes(places), _length(scaled.values()))


def count_tokens(text: str) -> int:
    """How many words of a text this embedding reads."""
    return len(terms(text))


def _vector(text: str) -> dict[int, float]:
    """The places of a text that are not empty."""
    vector: dict[int, float] = {}
    for term, times in Counter(terms(text)).items():
        weight = 1.0 + math.log(times)
        for place, value in _features(term):
            vector[place] = vector.get(place, 0.0) + weight * value
    return {place: value for place, value in vector.items() if value}


@lru_cache(maxsize=50_000)
def _features(term: str) -> tuple[tuple[int, float], ...]:
    """Where a word stands and how much it weighs there: as a whole, and by its letters."""
    weight = _COMMON_WEIGHT if term in COMMON else 1.0
    features = [_placed(term, weight)]
    if len(term) > _LETTERS and not is_unspaced(term):
        edged = f"<{term}>"
        parts = [edged[at : at + _LETTERS] for at in range(len(edged) - _LETTERS + 1)]
        share = weight / math.sqrt(len(parts))
        features += [_placed(f"<{part}", share) for part in parts]
    return tuple(features)


def _placed(feature: str, weight: float) -> tuple[int, float]:
    # Not Python's own hash, which differs from process to process.
    digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
    place = int.from_bytes(digest[:4], "big") % PLACES
    return place, weight if digest[4] & 1 else -weight


def _length(values: Iterable[float]) -> float:
    return math.sqrt(math.fsum(value * value for value in values))
