"""A comparison of everything: what has not rested, what was refused, what is never uploaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from kbsync.engine.reconciler import Reconciler
from kbsync.model import Allowed, Capability, Create, Halted, Rejection, Skipped, Unknown
from kbsync.planning.path_range import PathRange, PathScope
from tests.model.folder import EMPTY

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


def part_of(on: Stage, within: PathRange) -> Reconciler:
    mirror = replace(on.world.mirror, scope=PathScope(within))
    return Reconciler(mirror, on.ledger, on.server, on.clock)


async def test_parts_plan_together_what_the_whole_plans() -> None:
    on = stage({"b/new.md": b"new"}, settle=0.0)
    for path in ("a/kept.md", "a/edited.md", "b/kept.md", "b/gone.md", "c/gone.md"):
        on.synced(path, b"as it was")
    on.source.edit("a/edited.md", b"edited")
    for path in ("b/gone.md", "c/gone.md"):
        on.source.remove(path)
    whole = await engine_of(on).plan()
    parts = [PathRange("", "b/"), PathRange("b/", "b/l"), PathRange("b/l", "c/"), PathRange("c/")]
    plans = [await part_of(on, part).plan(listing=False) for part in parts]
    found = sorted(action.key for each in plans for action in each.plan.actions)
    assert found == sorted(action.key for action in whole.plan.actions)
    assert sum(each.plan.unchanged for each in plans) == whole.plan.unchanged
    assert all(isinstance(each.guard, Allowed) for each in plans)


async def test_a_part_that_is_empty_is_gone_only_while_a_file_elsewhere_proves_the_source() -> None:
    on = stage(settle=0.0)
    for path in ("a/1.md", "b/1.md", "b/2.md"):
        on.synced(path, path.encode())
    for path in ("b/1.md", "b/2.md"):
        on.source.remove(path)
    proved = await part_of(on, PathRange("b/", "c/")).plan(listing=False)
    assert proved.plan.counts == {"delete": 2}
    assert isinstance(proved.guard, Allowed)
    on.source.mount = EMPTY
    halted = await part_of(on, PathRange("b/", "c/")).plan(listing=False)
    assert isinstance(halted.guard, Halted)


async def test_a_part_says_nothing_of_what_the_others_left_as_it_was() -> None:
    on = stage({"a/x.exe": b"x", "c/x.exe": b"x"}, settle=0.0)
    for path in ("a/x.exe", "c/x.exe"):
        on.source.states[path] = Unknown(key=key_of(path), why=WHY)
    name = on.world.mirror.name
    await engine_of(on).plan()
    assert [*on.ledger.unmet(name)] == ["a/x.exe", "c/x.exe"]
    for path in ("a/x.exe", "c/x.exe"):
        del on.source.states[path]
        on.source.remove(path)
    await part_of(on, PathRange("b/")).plan()
    assert [*on.ledger.unmet(name)] == ["a/x.exe"]


async def test_a_part_forgets_no_mount_point_that_it_did_not_walk_as_a_whole() -> None:
    on = stage({"a/1.md": b"1", "nas/2.md": b"2"}, settle=0.0)
    on.ledger.note_mounts(on.world.mirror.name, {"nas": True, "other": True})
    await part_of(on, PathRange("nas/2", "z")).plan(listing=False)
    assert on.ledger.mounts(on.world.mirror.name) == {"nas": True}
