"""The ways to search a knowledge base: by words, by likeness, by both (section 10).

What is found are chunks, or in the hierarchical form child chunks: those have the vectors there.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from .embedding import QueryVector, StoredVector
from .words import match_expression

# Chunks a hybrid search takes from the search for words.
_WORD_HITS: Final = 200
_FROM: Final = """
FROM segment JOIN document ON document.id = segment.document {joined}
WHERE segment.knowledge_base = ? AND segment.status = 'completed' AND segment.enabled = 1
  AND segment.lost = 0 AND document.enabled = 1 AND document.archived = 0
  AND (? IS NULL OR document.id IN (SELECT value FROM json_each(?)))
"""
_VECTORS: Final = f"""
SELECT vector.segment, vector.child, vector.places, vector.length
{_FROM.format(joined="JOIN vector ON vector.segment = segment.number")}
"""
_CHUNK_WORDS: Final = f"""
SELECT segment.number AS segment, 0 AS child, -bm25(segment_text) AS rank
{_FROM.format(joined="JOIN segment_text ON segment_text.rowid = segment.number")}
  AND segment_text MATCH ? ORDER BY rank DESC, segment.number LIMIT ?
"""
_CHILD_WORDS: Final = f"""
SELECT segment.number AS segment, child_chunk.number AS child, -bm25(child_text) AS rank
{
    _FROM.format(
        joined="JOIN child_chunk ON child_chunk.segment = segment.id "
        "JOIN child_text ON child_text.rowid = child_chunk.number"
    )
}
  AND child_text MATCH ? ORDER BY rank DESC, child_chunk.number LIMIT ?
"""


class ScoredChunk(NamedTuple):
    """What was found: a chunk, or a child chunk of it (0: none), by number."""

    segment: int
    child: int
    score: float


class Searched:
    """The part of one knowledge base that a search looks at.

    Args:
        db: the connection.
        base: the id of the knowledge base.
        documents: the ids of the only documents to search; None for all.
        hierarchical: whether child chunks are searched.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        base: str,
        documents: Sequence[str] | None,
        *,
        hierarchical: bool,
    ) -> None:
        allowed = None if documents is None else json.dumps(documents)
        self._db = db
        self._within = (base, allowed, allowed)
        self._words = _CHILD_WORDS if hierarchical else _CHUNK_WORDS

    def by_words(self, query: str, top: int) -> list[ScoredChunk]:
        """The chunks with words of the query, best first by BM25; the best one scores 1."""
        expression = match_expression(query)
        if expression is None:
            return []
        rows = self._db.execute(self._words, (*self._within, expression, top)).fetchall()
        return [
            ScoredChunk(row["segment"], row["child"], row["rank"] / rows[0]["rank"]) for row in rows
        ]

    def by_likeness(self, query: str) -> list[ScoredChunk]:
        """Every chunk that is like the query at all, in no order."""
        wanted = QueryVector(query)
        if not wanted:
            return []
        scored = (
            ScoredChunk(segment, child, wanted.likeness(StoredVector(places, length)))
            for segment, child, places, length in self._db.execute(_VECTORS, self._within)
        )
        return [each for each in scored if each.score > 0.0]


def by_keyword(searched: Searched, query: str, top: int) -> list[ScoredChunk]:
    """Search an economy base: by BM25, all with score 0."""
    return [each._replace(score=0.0) for each in searched.by_words(query, top)]


def by_full_text(searched: Searched, query: str, top: int) -> list[ScoredChunk]:
    """Search for words in a high-quality base."""
    return searched.by_words(query, top)


def by_likeness(searched: Searched, query: str, top: int, least: float) -> list[ScoredChunk]:
    """Search by the vectors alone.

    Args:
        searched: where.
        query: the text to be like.
        top: how many.
        least: the lowest score.
    """
    return _best(searched.by_likeness(query), top, least)


def by_both(
    searched: Searched, query: str, top: int, least: float, weights: tuple[float, float]
) -> list[ScoredChunk]:
    """Search by the sum of both scores.

    Args:
        searched: where.
        query: the text to be like, and whose words count.
        top: how many.
        least: the lowest score, of the sum.
        weights: what likeness counts, and what words count.
    """
    likeness, words = weights
    scores = {each[:2]: likeness * each.score for each in searched.by_likeness(query)}
    for each in searched.by_words(query, _WORD_HITS):
        scores[each[:2]] = scores.get(each[:2], 0.0) + words * each.score
    return _best((ScoredChunk(*found, score) for found, score in scores.items()), top, least)


def _best(scored: Iterable[ScoredChunk], top: int, least: float) -> list[ScoredChunk]:
    enough = (each for each in scored if each.score >= least)
    # The older chunk first where two score the same.
    return heapq.nsmallest(top, enough, key=lambda each: (-each.score, each.segment, each.child))
