"""Economy bases of the newest versions lose what is indexed at the same time from search."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from embedded_client import AUTOMATIC, HIGH, SEMANTIC, Base, new_base

pytestmark = pytest.mark.anyio

WORDS = ("walrus", "lantern", "granite", "meadow", "trumpet", "harbour", "cobalt", "thistle")
# So long a document is indexed that all of them are read before the first one is written.
SLOW = {"indexing_delay": 0.2, "workers": len(WORDS)}


async def sent_together(base: Base) -> list[str]:
    replies = []

    async def send(word: str) -> None:
        replies.append(await base.upload(f"{word}.txt", f"{word} {word} notes"))

    async with anyio.create_task_group() as group:
        for word in WORDS:
            group.start_soon(send, word)
    ids = [reply.json()["document"]["id"] for reply in replies]
    for document in ids:
        assert (await base.settled(document))["indexing_status"] == "completed"
    return ids


async def found(base: Base) -> list[str]:
    return [word for word in WORDS if await base.search(word)]


async def test_documents_that_are_indexed_together_are_lost_until_they_are_enabled_again(
    tmp_path: Path,
) -> None:
    async with new_base(tmp_path / "store.db", **SLOW) as base:
        ids = await sent_together(base)
        assert len(await found(base)) < len(WORDS)
        for document in ids:  # nothing else shows it
            assert len(await base.chunks(document)) == 1
            for action in ("disable", "enable"):
                assert (await base.toggle(action, document)).status_code == 200
        assert await found(base) == list(WORDS)


async def test_one_at_a_time_nothing_is_lost(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", workers=4) as base:
        for word in WORDS:
            await base.indexed(f"{word}.txt", f"{word} notes")
        assert await found(base) == list(WORDS)


@pytest.mark.parametrize(
    "options", [{"dify": "1.12"}, {"quirks": ["lost-keywords=off"]}, {"dify": "1.5"}]
)
async def test_other_versions_lose_nothing(tmp_path: Path, options: dict[str, object]) -> None:
    async with new_base(tmp_path / "store.db", **SLOW, **options) as base:
        await sent_together(base)
        assert await found(base) == list(WORDS)


async def test_a_base_of_high_quality_loses_nothing(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", **SLOW) as base:
        await base.indexed("first.txt", "walrus", AUTOMATIC | HIGH)
        await sent_together(base)
        assert all([await base.search(word, **SEMANTIC) for word in WORDS])


async def test_what_was_read_before_it_was_lost_is_written_back(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", **SLOW) as base:
        await base.indexed("old.txt", "ancient parchment")
        await sent_together(base)
        assert await base.search("parchment")
