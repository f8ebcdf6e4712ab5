"""A comparison of everything: what has not rested, what was refused, what is never uploaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from kbsync.engine.reconciler import Reconciler
from kbsync.model import Capability, Create, Rejection, Skipped

from .fakes import Stage, run_pool, stage
from .server import REFUSED
from .words import EPOCH, WHY, VirtualClock, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


class Meanwhile(VirtualClock):
    """Something happens while it is waited for."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._happens()
        await anyio.sleep(seconds)


def engine_of(on: Stage, clock: VirtualClock | None = None) -> Reconciler:
    return Reconciler(on.world.mirror, on.ledger, on.server, clock or on.clock)


def unmarked() -> Stage:
    """On a server without metadata nothing is left to do for a document that was sent."""
    on = stage(settle=0.0)
    on.server.capabilities = on.server.capabilities.noting(Capability.METADATA, able=False)
    return on


def young(on: Stage, path: str, content: bytes, *, age: float = 0.0) -> None:
    on.source.write(path, content)
    on.source.files[path].mtime_ns = time.time_ns() - int(age * 1e9)


async def test_a_file_that_has_not_rested_is_looked_at_again() -> None:
    on = stage({"old.md": b"old"}, settle=60.0)
    young(on, "a.md", b"half")
    young(on, "gone.md", b"soon gone")

    def go_on() -> None:
        young(on, "a.md", b"half and whole")
        on.source.remove("gone.md")

    clock = Meanwhile(go_on)
    planned = await engine_of(on, clock).plan()
    sizes = {a.key.path: a.stat.size for a in planned.plan.actions if isinstance(a, Create)}
    assert sizes == {"old.md": 3, "a.md": len(b"half and whole")}
    assert clock.slept == [60.0]


@pytest.mark.parametrize("age", [120.0, -3600.0])
async def test_a_file_that_rested_or_comes_from_the_future_is_not_waited_for(age: float) -> None:
    on = stage(settle=60.0)
    young(on, "a.md", b"a", age=age)
    clock = Meanwhile(lambda: pytest.fail("waited"))
    planned = await engine_of(on, clock).plan()
    assert planned.plan.counts == {"create": 1}


async def test_a_refusal_goes_with_its_file() -> None:
    on = stage({"a.md": b"a", "b.md": b"b"}, settle=0.0)
    on.server.faults["create"].append(REFUSED)
    await run_pool(on, ["a.md"])
    held = await engine_of(on).plan()
    assert held.plan.counts == {"create": 1, "hold": 1}
    on.source.remove("a.md")
    planned = await engine_of(on).plan()
    assert planned.plan.counts == {"create": 1}
    assert on.ledger.rejections == {}


async def test_a_refused_file_is_shown_however_settled_it_looks() -> None:
    on = unmarked()
    on.synced("a.md", b"a")
    refusal = Rejection(key=A, fingerprint=fingerprint_of(b"x"), reason=("X", "no"), at=EPOCH)
    on.ledger.rejections[A] = refusal
    planned = await engine_of(on).plan()
    assert (planned.plan.actions, planned.plan.unchanged) == ((), 1)


async def test_what_is_never_uploaded_is_counted_and_named() -> None:
    on = stage({"a.md": b"a"}, settle=0.0)
    on.source.states["b.bin"] = Skipped(key=key_of("b.bin"), why=WHY)
    planned = await engine_of(on).plan()
    assert [each.key.path for each in planned.plan.skipped] == ["b.bin"]
    assert planned.plan.counts == {"create": 1}


async def test_a_touched_file_is_read_once() -> None:
    on = unmarked()
    entry = on.synced("a.md", b"a")
    on.source.write("a.md", b"a")
    assert (await engine_of(on).plan()).plan.unchanged == 1
    kept = on.ledger.held[A]
    assert kept.stat == on.source.files["a.md"].stat != entry.stat
    assert replace(kept, stat=entry.stat) == entry
