"""Names are proved by a listing as long as it holds, and by another one where that is cheaper."""

from __future__ import annotations

from collections import Counter

import anyio
import pytest

from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.name_proofs import HOLDS_FOR
from kbsync.engine.observe.remote_state import keep_listing, refresh
from kbsync.engine.ports import ObservedListing

from .fakes import Stage, run_pool, stage
from .words import key_of

pytestmark = pytest.mark.anyio


def _asked(on: Stage) -> Counter[str]:
    return Counter(call for _, call, _ in on.server.calls)


async def _decided(on: Stage, collector: EvidenceCollector, *names: str) -> list[tuple[str, ...]]:
    cases = [await collector.case(key_of(name)) for name in names]
    return [tuple(each.id for each in case.evidence.namesakes) for case in cases]


async def test_in_a_base_that_was_made_just_now_no_name_is_searched_for() -> None:
    names = [f"{number:03}.md" for number in range(150)]
    on = stage(dict.fromkeys(names, b"x"))
    made = ObservedListing(started_at=on.clock.now(), complete=True, documents=0)
    collector = EvidenceCollector(context=on.world, listing=made)
    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(_decided, on, collector, name)
    assert (_asked(on)["named"], _asked(on)["page"]) == (0, 1)


async def test_after_a_minute_the_base_is_listed_again_instead() -> None:
    on = stage({f"{number}.md": b"x" for number in range(200)})
    for number in range(250):
        on.server.put(f"there {number}.md", b"y")
    collector = EvidenceCollector(context=on.world, listing=await refresh(on.world))
    for number in range(200):
        await anyio.sleep(1.0)
        await _decided(on, collector, f"{number}.md")
    asked = _asked(on)
    # Three listings more, of three pages each, and so many searches before each.
    assert asked["named"] <= 12
    assert asked["page"] <= 15


async def test_what_another_program_made_meanwhile_is_seen_within_a_minute() -> None:
    on = stage({"a.md": b"x", "b.md": b"x", "c.md": b"x"})
    collector = EvidenceCollector(context=on.world, listing=await refresh(on.world))
    await _decided(on, collector, "a.md")
    stranger = on.server.put("c.md", b"by hand")
    await anyio.sleep(HOLDS_FOR)
    assert await _decided(on, collector, "b.md", "c.md") == [(), (stranger.id,)]
    assert _asked(on)["named"] <= 1


async def test_a_base_that_never_rests_is_searched() -> None:
    on = stage({"a.md": b"x"})
    for number in range(150):
        on.server.put(f"there {number}.md", b"y")
    collector = EvidenceCollector(context=on.world, listing=await refresh(on.world))
    await anyio.sleep(HOLDS_FOR)
    on.server.latency = 1.0

    async def write() -> None:
        for number in range(30):
            await anyio.sleep(0.5)
            on.server.put(f"other {number}.md", b"z")

    async with anyio.create_task_group() as group:
        group.start_soon(write)
        for name in ("x.md", "y.md", "a.md"):
            assert await _decided(on, collector, name) == [()]
    assert _asked(on)["named"] >= 3


async def test_a_listing_that_another_mirror_began_meanwhile_is_left_alone() -> None:
    on = stage()
    on.server.put("there.md", b"y")
    await refresh(on.world)
    on.server.latency = 1.0

    async def other() -> None:
        await anyio.sleep(0.5)
        on.ledger.begin_listing(on.world.base_id or "")

    async with anyio.create_task_group() as group:
        group.start_soon(other)
        assert await keep_listing(on.world) is None
    assert on.ledger.documents == {}


async def test_a_long_first_upload_costs_hardly_more_than_its_uploads() -> None:
    names = [f"{number:03}.md" for number in range(60)]
    on = stage(dict.fromkeys(names, b"x"))
    on.server.latency = 4.0  # longer than a minute altogether
    made = ObservedListing(started_at=on.clock.now(), complete=True, documents=0)
    report = await run_pool(on, names, listing=made)
    assert report.done == {"create": 60}
    assert on.clock.now() - made.started_at > HOLDS_FOR
    assert len(on.server.documents) == 60
    assert _asked(on)["named"] <= 80  # one for each document that was looked at alone, once indexed
