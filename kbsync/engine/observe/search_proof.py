"""Whether searches find a document, asked by what only its own chunks carry (design section 7).

In an economy base that are the keywords the server shows of a chunk: other words of its text need
not be found. Elsewhere it is a sentence of the chunk, and an answer of nothing proves something
only where a mark tells the document from all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

from kbsync.engine.context import Context
from kbsync.model import Chunk, Done, Failure, LedgerEntry, Outcome, SearchHit, SearchProof

# Parts of a document may be lost, and to ask for more chunks than these costs too much.
MOST_CHUNKS = 5
LONGEST_QUERY = 200
READ = 20
FEW, MANY = 10, 100
# So many different words and none of them a keyword: the server made no keywords of this chunk.
WORDY = 10


T = TypeVar("T")


class _Unanswered(Exception):  # noqa: N818 - it never leaves this module
    """A call of the proof was not answered with what it asks for."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


async def prove(context: Context, entry: LedgerEntry, *, most: int) -> Outcome[SearchProof]:
    """Return whether searches find the document of `entry`.

    Args:
        context: of its mirror, with its base.
        entry: of a document that is indexed.
        most: ask for so many of its chunks, the first and the last among them.
    """
    try:
        chunks, total = await _chosen(context, entry.document_id, most)
        return Done(await _asked(context, entry, chunks, total))
    except _Unanswered as unanswered:
        return unanswered.failure


async def _asked(
    context: Context, entry: LedgerEntry, chunks: Sequence[Chunk], total: int
) -> SearchProof:
    questions = Questions(context, entry)
    answers = [await questions.finds(chunk) for chunk in chunks]
    known = [answer for answer in answers if answer is not None]
    return SearchProof(found=all(known) if known else None, asked=len(known), chunks=total)


async def _chosen(context: Context, document_id: str, most: int) -> tuple[list[Chunk], int]:
    """Return the first and the last chunks and some between them, and how many there are."""
    base_id, remote = context.base_id or "", context.remote
    page = _value(await remote.chunks(base_id, document_id, 1, rows=READ))
    chunks = list(page.chunks)
    if page.total > len(chunks) and most > 1:
        chunks += _value(await remote.chunks(base_id, document_id, page.total, rows=1)).chunks
    return _spread([chunk for chunk in chunks if chunk.searched], most), page.total


def _spread(chunks: Sequence[Chunk], most: int) -> list[Chunk]:
    """Return so many of `chunks`, the first and the last among them."""
    if len(chunks) <= most:
        return list(chunks)
    gap = (len(chunks) - 1) / max(1, most - 1)
    return [chunks[round(number * gap)] for number in range(most)]


class Questions:
    """Asks for chunks of one document; what one answer shows is not asked for again."""

    def __init__(self, context: Context, entry: LedgerEntry) -> None:
        self._context = context
        self._document_id = entry.document_id
        # Only a mark that was read back tells its document from all others.
        self._rev = entry.rev if entry.metadata_hash is not None else None
        self._seen: set[str] = set()

    async def finds(self, chunk: Chunk) -> bool | None:
        """Return whether a search finds `chunk`, None when none can tell."""
        if chunk.id in self._seen:
            return True
        if not self._context.economy:
            return await self._by_meaning(chunk)
        words = _query(chunk.keywords)
        return await self._by_keywords(chunk, words) if words else await self._by_text(chunk)

    async def _by_keywords(self, chunk: Chunk, words: str) -> bool | None:
        for top in (FEW, MANY):
            found = await self._search(words, top)
            if chunk.id in self._seen:
                return True
            # The most words in common come first, and this chunk has all of them.
            if len(found) < top or not _all_have(found, words):
                break
        else:
            return None  # copies of one text: the server leaves out which it likes
        # A server may cut the query into other words than the text; one word is one word.
        await self._search(max(chunk.keywords, key=len)[:LONGEST_QUERY], MANY)
        return chunk.id in self._seen

    async def _by_text(self, chunk: Chunk) -> bool | None:
        words = dict.fromkeys(re.findall(r"[^\W\d_]{4,}", chunk.text))
        if not words:
            return None
        await self._search(_query(words), FEW)
        if chunk.id in self._seen:
            return True
        return False if len(words) >= WORDY else None

    async def _by_meaning(self, chunk: Chunk) -> bool | None:
        text = " ".join(chunk.text.split())[:LONGEST_QUERY]
        if not text:
            return None
        found = await self._search(text, FEW, rev=self._rev)
        if any(each.document_id == self._document_id for each in found):
            return True
        return False if self._rev is not None and not found else None

    async def _search(
        self, query: str, top: int, *, rev: str | None = None
    ) -> tuple[SearchHit, ...]:
        found = _value(
            await self._context.remote.search(
                self._context.base_id or "", query, economy=self._context.economy, top=top, rev=rev
            )
        )
        self._seen |= {each.id for each in found if each.document_id == self._document_id}
        return found


def _all_have(found: Iterable[SearchHit], words: str) -> bool:
    """Whether each of what was found carries every one of `words`, or does not tell."""
    wanted = set(words.split())
    return all(not hit.keywords or wanted <= set(hit.keywords) for hit in found)


def _query(words: Iterable[str]) -> str:
    """Return as many of `words` as a query may hold."""
    given = [word for word in words if word.strip()]
    lengths = accumulate(len(word) + 1 for word in given)
    return " ".join(word for word, end in zip(given, lengths, strict=True) if end <= LONGEST_QUERY)


def _value(outcome: Outcome[T]) -> T:
    if isinstance(outcome, Done):
        return outcome.value
    raise _Unanswered(outcome)
