"""What searches prove of a document: by what only its own chunks carry, and no more than that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from kbsync.engine.observe.search_proof import FEW, MANY, READ, prove
from kbsync.model import (
    Chunk,
    ChunkPage,
    Done,
    EntryState,
    LedgerEntry,
    Outcome,
    Rejected,
    SearchHit,
    SearchProof,
)

from .fakes import stage
from .words import BASE, WHY, key_of

pytestmark = pytest.mark.anyio
OURS = LedgerEntry(
    key=key_of("a.md"), document_id="D", document_name="a.md", state=EntryState.SYNCED, rev="r1"
)


@dataclass
class Index:
    """A keyword table as a real server has it: the most words in common come first.

    Attributes:
        chunks: those of our document.
        others: keywords of chunks of other documents, in the order the server prefers.
        lost: ids of chunks that are not in the table.
        marked: of a search by meaning within a mark: what it finds.
    """

    chunks: list[Chunk]
    others: list[tuple[str, ...]] = field(default_factory=list)
    lost: frozenset[str] = frozenset()
    marked: tuple[SearchHit, ...] = ()
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def page(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        start = (number - 1) * rows
        return Done(
            ChunkPage(chunks=tuple(self.chunks[start : start + rows]), total=len(self.chunks))
        )

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        assert base_id == BASE
        assert 1 <= len(query) <= 250
        self.asked.append((query, top))
        if not economy:
            return Done(self.marked)
        words = set(query.split())
        table = [
            SearchHit(id=f"x{number}", document_id="X", keywords=keywords)
            for number, keywords in enumerate(self.others)
        ]
        table += [
            SearchHit(id=each.id, document_id="D", keywords=each.keywords)
            for each in self.chunks
            if each.id not in self.lost
        ]
        hits = [(len(words & set(hit.keywords)), hit) for hit in table]
        hits = sorted((each for each in hits if each[0]), key=lambda each: -each[0])
        return Done(tuple(hit for _, hit in hits[:top]))


def chunk(number: int, *keywords: str, text: str = "some text") -> Chunk:
    return Chunk(id=f"c{number}", text=text, keywords=keywords or (f"word{number}", "page"))


async def proof(index: Index, *, most: int = 5, **declared: object) -> SearchProof:
    on = stage(**declared)
    on.server.chunks, on.server.search = index.page, index.search  # type: ignore[method-assign, assignment]
    outcome = await prove(on.world, OURS, most=most)
    assert isinstance(outcome, Done)
    return outcome.value


async def test_a_chunk_is_asked_for_by_its_own_keywords() -> None:
    index = Index([chunk(1)])
    assert await proof(index) == SearchProof(found=True, asked=1, chunks=1)
    assert index.asked == [("word1 page", FEW)]


@pytest.mark.parametrize(("count", "most"), [(1, 5), (4, 5), (9, 5), (9, 2), (9, 1), (70, 5)])
async def test_the_first_and_the_last_chunk_and_some_between(count: int, most: int) -> None:
    index = Index([chunk(n, f"word{n}") for n in range(count)])
    made = await proof(index, most=most)
    assert made == SearchProof(found=True, asked=min(count, most), chunks=count)
    asked = [query.split()[0] for query, _ in index.asked]
    assert asked[0] == "word0"
    if most > 1:
        assert asked[-1] == f"word{count - 1}"


@pytest.mark.parametrize("gone", ["c0", f"c{READ + 30}", "c10"])
async def test_a_document_that_is_lost_in_part_is_lost(gone: str) -> None:
    index = Index([chunk(n) for n in range(READ + 31)], lost=frozenset({gone}))
    assert (await proof(index)).found is False


async def test_words_that_many_others_have_too_hide_nothing() -> None:
    shared = [("page",)] * 300
    assert (await proof(Index([chunk(1)], others=shared))).found is True
    assert (await proof(Index([chunk(1)], others=shared, lost=frozenset({"c1"})))).found is False


async def test_of_copies_of_one_text_no_search_can_tell() -> None:
    copies = [("word1", "page")] * MANY
    assert (await proof(Index([chunk(1)], others=copies))).found is None
    fewer = copies[: MANY - 2]
    assert (await proof(Index([chunk(1)], others=fewer))).found is True
    assert (await proof(Index([chunk(1)], others=fewer, lost=frozenset({"c1"})))).found is False


async def test_what_one_search_shows_is_not_asked_for_again() -> None:
    index = Index([chunk(1, "same"), chunk(2, "same")])
    assert await proof(index) == SearchProof(found=True, asked=2, chunks=2)
    assert len(index.asked) == 1


async def test_a_long_keyword_and_many_fit_into_a_query() -> None:
    words = tuple(f"{n:03}" + "x" * 100 for n in range(10))
    assert (await proof(Index([chunk(1, *words)]))).found is True
    assert (await proof(Index([chunk(1, "y" * 400)]))).found is None


async def test_without_a_keyword_only_much_text_can_be_lost() -> None:
    bare = replace(chunk(1), keywords=())
    assert (await proof(Index([replace(bare, text="12 34")]))).found is None
    assert (await proof(Index([replace(bare, text="only these words")]))).found is None
    many = " ".join(letter * 5 for letter in "abcdefghijkl")
    assert (await proof(Index([replace(bare, text=many)]))).found is False


async def test_chunks_that_are_switched_off_are_not_asked_for() -> None:
    off = replace(chunk(1), searched=False)
    assert await proof(Index([off])) == SearchProof(found=None, asked=0, chunks=1)
    assert (await proof(Index([off, chunk(2)]))).asked == 1


@pytest.mark.parametrize(
    ("found", "marked", "told"),
    [
        ((SearchHit(id="c1", document_id="D"),), False, True),
        ((SearchHit(id="x1", document_id="X"),), False, None),
        ((), False, None),
        ((), True, False),
        ((SearchHit(id="x1", document_id="X"),), True, None),
    ],
)
async def test_by_meaning_nothing_found_says_something_only_within_a_mark(
    found: tuple[SearchHit, ...], marked: bool, told: bool | None
) -> None:
    on = stage()
    on.world = replace(on.world, technique="high_quality")
    index = Index([chunk(1)], marked=found)
    on.server.chunks, on.server.search = index.page, index.search  # type: ignore[method-assign, assignment]
    entry = replace(OURS, metadata_hash="read back" if marked else None)
    outcome = await prove(on.world, entry, most=1)
    assert isinstance(outcome, Done)
    assert outcome.value.found is told


async def test_what_refuses_to_be_asked_is_passed_on() -> None:
    on = stage()
    on.server.always["chunks"] = Rejected(WHY)
    assert await prove(on.world, OURS, most=1) == Rejected(WHY)
