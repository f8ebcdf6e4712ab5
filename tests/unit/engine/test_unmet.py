"""What work could not do stays among what is unmet until it is done, or nothing is to be done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute.results import Report
from kbsync.engine.reconciler import Reconciler
from kbsync.model import EntryState

from .controlled import controlled
from .fakes import Stage, stage
from .server import REFUSED
from .words import key_of

pytestmark = pytest.mark.anyio
GONE, DAY = "gone.md", 86_400.0


def _stage() -> Stage:
    return stage({path: path.encode() for path in (GONE, "kept.md", "other.md")})


def _loses(on: Stage) -> None:
    """A file is gone, and the server does not delete its document."""
    on.source.remove(GONE)
    on.server.always["delete"] = REFUSED


@asynccontextmanager
async def applied(on: Stage) -> AsyncIterator[Reconciler]:
    """Apply twice; the second time leaves the document that is not deleted."""
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    await _apply(engine)
    _loses(on)
    report = await _apply(engine)
    assert report.stopped.keys() == {key_of(GONE)}
    assert on.ledger.unmet("docs").keys() == {GONE}
    yield engine


async def _apply(engine: Reconciler) -> Report:
    return await engine.apply(await engine.plan(), observe=lambda event: None)


async def _plan(engine: Reconciler) -> None:
    await engine.plan()


async def _plan_without_listing(engine: Reconciler) -> None:
    await engine.plan(listing=False)


@pytest.mark.parametrize("look", [_plan, _plan_without_listing])
async def test_a_look_forgets_nothing_that_is_still_to_be_done(
    look: Callable[[Reconciler], Awaitable[None]],
) -> None:
    on = _stage()
    async with applied(on) as engine:
        before = on.ledger.unmet("docs")
        await look(engine)
        assert on.ledger.unmet("docs") == before
        on.server.always.clear()
        await _apply(engine)
        assert on.ledger.unmet("docs") == {}


async def test_what_needs_nothing_any_more_is_forgotten() -> None:
    on = _stage()
    async with applied(on) as engine:
        on.source.write(GONE, GONE.encode())  # the file is back as it was sent
        await _plan(engine)
        assert on.ledger.unmet("docs") == {}


async def test_what_an_entry_tells_by_now_is_not_told_twice() -> None:
    on = _stage()
    async with applied(on) as engine:
        failed = replace(on.ledger.held[key_of(GONE)], state=EntryState.FAILED)
        on.ledger.held[key_of(GONE)] = failed
        await _plan(engine)
        assert on.ledger.unmet("docs") == {}


async def test_the_daemon_names_it_all_day_long() -> None:
    on, named = _stage(), list[set[str]]()
    async with controlled(on, rest=60.0) as it:
        it.remove(GONE)
        on.server.always["delete"] = REFUSED
        await anyio.sleep(300.0)
        for _ in range(round(DAY / 20)):
            named.append(set(on.ledger.unmet("docs")))
            await anyio.sleep(20.0)
        assert on.server.count("delete") > 1
        assert named == [{GONE}] * len(named)
        on.server.always.clear()
        await anyio.sleep(7200.0)
        assert on.ledger.unmet("docs") == {}
        assert it.exact()
