"""A mount below the root that goes: what was on it is neither removed, moved nor written over."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import anyio
import pytest

from kbsync.engine.control.controller import Phase
from kbsync.engine.execute.results import Report
from kbsync.engine.ports import Seen
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit
from kbsync.messages import guard as say
from kbsync.model import Allowed, Delete, DocKey, Halted
from tests.model.folder import File

from .controlled import GRACE, controlled
from .fakes import Stage, stage

pytestmark = pytest.mark.anyio
POINT = "disks/nas"


async def _filled(beside: int = 5) -> tuple[Stage, Reconciler]:
    """Five files on a mount below the root and some beside it, in sync, and the mount recorded."""
    on = stage(settle=0.0)
    on.source.nested = {POINT: True}
    for n in range(5):
        on.synced(f"{POINT}/{n}.md", f"disk {n}".encode())
    for n in range(beside):
        on.synced(f"{n}.md", f"page {n}".encode())
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    await _applied(on, engine)
    assert on.ledger.mounts("docs").keys() == {POINT}
    on.server.calls.clear()
    return on, engine


async def _applied(on: Stage, engine: Reconciler, read: frozenset[str] = frozenset()) -> Report:
    report = await engine.apply(await engine.plan(), observe=on.events.append, read=read)
    del report.done["set_metadata"]
    return report


async def _halted(engine: Reconciler) -> Halted:
    found = (await engine.plan()).guard
    assert isinstance(found, Halted)
    return found


async def test_a_mount_that_is_gone_halts_what_was_on_it_and_nothing_else() -> None:
    on, engine = await _filled()
    on.source.nested[POINT] = False
    on.source.remove("0.md")
    on.source.write("new.md", b"new")
    assert [why.message for why in (await _halted(engine)).why] == [say.HALTED_MOUNT]
    report = await _applied(on, engine)
    assert (report.exit, report.done) == (Exit.HALTED, {"create": 1, "delete": 1})
    on.source.nested[POINT] = True
    assert (await engine.plan()).guard == Allowed()
    assert not (await engine.plan()).plan.actions


async def test_a_person_releases_it_by_its_digest_and_it_is_no_mount_point_any_more() -> None:
    on, engine = await _filled()
    on.source.nested[POINT] = False
    read = (await _halted(engine)).members
    assert len(read) == 5
    assert (await _applied(on, engine, read)).done == {"delete": 5}
    assert not (await engine.plan()).plan.actions
    assert not on.ledger.mounts("docs")


async def test_it_stays_halted_however_often_it_is_looked_at() -> None:
    on, engine = await _filled()
    on.source.nested[POINT] = False
    for _ in range(3):
        assert (await _applied(on, engine)).exit is Exit.HALTED
    assert on.server.count("delete") == 0


async def test_what_stands_below_an_empty_mount_point_is_not_sent_over_what_was_on_it() -> None:
    on, engine = await _filled()
    on.source.nested = {}  # the folder underneath, with files of the same names
    on.source.write(f"{POINT}/0.md", b"an older copy")
    on.source.write(f"{POINT}/more.md", b"written while nothing was mounted")
    report = await _applied(on, engine)
    assert (report.exit, report.done) == (Exit.HALTED, {"create": 1})
    read = (await _halted(engine)).members
    assert (await _applied(on, engine, read)).done == {"update": 1}


async def test_a_copy_of_every_file_in_its_place_is_a_folder_like_any_other() -> None:
    on, engine = await _filled()
    on.source.nested = {}
    for n in range(5):
        on.source.write(f"{POINT}/{n}.md", f"disk {n}".encode())
    for _ in range(2):  # read once, and found unchanged afterwards
        report = await _applied(on, engine)
        assert (report.exit, report.done) == (Exit.OK, {})
    assert not on.ledger.mounts("docs")
    on.source.remove(f"{POINT}/0.md")
    assert (await _applied(on, engine)).done == {"delete": 1}


async def test_another_disk_in_its_place_removes_nothing() -> None:
    on, engine = await _filled()
    for n in range(5):
        on.source.remove(f"{POINT}/{n}.md")
    on.source.write(f"{POINT}/other.md", b"another disk's")
    assert [why.message for why in (await _halted(engine)).why] == [say.HALTED_MOUNT]
    assert (await _applied(on, engine)).done == {"create": 1}


async def test_a_mount_that_hides_files_sent_from_the_folder_beneath_removes_nothing() -> None:
    on, engine = await _filled()
    on.synced("part/a.md", b"a")
    on.synced("part/b.md", b"b")
    await _applied(on, engine)
    hidden = on.source.files.pop("part/a.md")
    on.source.nested["part"] = True  # a copy of b.md is on it
    on.source.write("copy.md", b"a")
    for _ in range(2):
        held = await _halted(engine)
        assert {key.path for key in held.keys} == {"part/a.md"}
        assert say.NEWLY_MOUNTED(path="part").text in held.why[0].text
        assert "delete" not in (await _applied(on, engine)).done
    del on.source.nested["part"]
    on.source.files["part/a.md"] = hidden
    assert not (await engine.plan()).plan.actions


async def _covered() -> tuple[Stage, Reconciler, File]:
    """A mount over a folder that a file was sent from, and a file of its own, sent too."""
    on, engine = await _filled()
    on.synced("part/a.md", b"a")
    await _applied(on, engine)
    hidden = on.source.files.pop("part/a.md")
    on.source.nested["part"] = True
    on.source.write("part/on it.md", b"on the mount")
    assert (await _applied(on, engine)).done == {"create": 1}
    assert on.ledger.mounts("docs") == {POINT: False, "part": True}
    return on, engine, hidden


@pytest.mark.parametrize("back", [True, False])
async def test_what_was_sent_from_a_mount_that_hid_files_stays_when_it_goes(*, back: bool) -> None:
    on, engine, hidden = await _covered()
    on.source.remove("part/on it.md")
    del on.source.nested["part"]
    if back:
        on.source.files["part/a.md"] = hidden
    for _ in range(2):
        held = await _halted(engine)
        assert [why.message for why in held.why] == [say.HALTED_MOUNT]
        assert {key.path for key in held.keys} >= {"part/on it.md"}
        assert "delete" not in (await _applied(on, engine)).done


async def test_a_mount_covers_until_nothing_is_hidden_by_it_any_more() -> None:
    on, engine, _ = await _covered()
    on.source.write("part/more.md", b"more")
    await _applied(on, engine)
    on.source.remove("part/more.md")
    held = await _halted(engine)
    assert {key.path for key in held.keys} == {"part/a.md", "part/more.md"}
    assert (await _applied(on, engine, held.members)).done == {"delete": 2}
    await _applied(on, engine)
    assert not any(on.ledger.mounts("docs").values())
    on.source.write("part/more.md", b"more")
    await _applied(on, engine)
    on.source.remove("part/more.md")
    assert (await _applied(on, engine)).done == {"delete": 1}


async def test_a_mount_that_comes_back_over_files_that_were_sent_meanwhile_removes_none() -> None:
    on, engine = await _filled()
    away = {path: file for path, file in on.source.files.items() if path.startswith(POINT)}
    for path in away:
        del on.source.files[path]
    on.source.nested = {}
    on.source.write(f"{POINT}/more.md", b"written while nothing was mounted")
    assert (await _applied(on, engine)).done == {"create": 1}
    on.source.nested = {POINT: True}
    on.source.remove(f"{POINT}/more.md")
    on.source.files |= away
    for _ in range(2):
        held = await _halted(engine)
        assert {key.path for key in held.keys} == {f"{POINT}/more.md"}
        assert "delete" not in (await _applied(on, engine)).done


async def test_a_mount_that_comes_amid_a_walk_hides_nothing_from_the_next() -> None:
    on, engine = await _filled()
    on.synced("part/a.md", b"a")
    on.synced("part/b.md", b"a copy of it is on the mount")
    await _applied(on, engine)
    scan = on.source.scan

    def mounted_amid(*_: object) -> Iterator[Seen]:
        yield from scan()
        on.source.nested["part"] = True
        on.source.files.pop("part/a.md", None)

    with mock.patch.object(on.source, "scan", mounted_amid):
        await _applied(on, engine)
    held = await _halted(engine)
    assert {key.path for key in held.keys} == {"part/a.md"}


async def test_the_daemon_keeps_what_it_sent_from_under_a_mount_that_comes_back() -> None:
    on, _ = await _filled()
    away = {path: file for path, file in on.source.files.items() if path.startswith(POINT)}
    async with controlled(on) as it:
        on.source.files = {p: f for p, f in on.source.files.items() if p not in away}
        on.source.nested = {}
        it.changes.report(root=True)
        await anyio.sleep(3 * GRACE)
        on.source.write(f"{POINT}/more.md", b"written while nothing was mounted")
        it.changes.report(f"{POINT}/more.md")
        await anyio.sleep(3 * GRACE)
        assert on.server.count("create") == 1
        on.source.files.pop(f"{POINT}/more.md")
        on.source.files |= away
        on.source.nested = {POINT: True}
        it.changes.report(root=True)
        await anyio.sleep(3 * GRACE)
        assert on.server.count("delete") == 0
        why = it.controller.status.why
        assert why is not None
        assert why.message is say.HALTED_MOUNT


async def test_a_file_that_is_deleted_on_its_mount_is_removed() -> None:
    on, engine = await _filled()
    on.source.remove(f"{POINT}/0.md")
    report = await _applied(on, engine)
    assert (report.exit, report.done) == (Exit.OK, {"delete": 1})


async def test_a_file_of_the_same_content_elsewhere_is_no_rename_of_what_a_mount_took_along() -> (
    None
):
    on, engine = await _filled()
    on.source.nested[POINT] = False
    on.source.write("copy.md", b"disk 3")
    report = await _applied(on, engine)
    assert report.done == {"create": 1}
    assert on.ledger.entry(DocKey(mirror="docs", path=f"{POINT}/3.md")) is not None


async def test_of_two_mounts_one_inside_the_other_each_is_judged_by_itself() -> None:
    on, engine = await _filled()
    inner = f"{POINT}/inner"
    on.source.nested[inner] = True
    on.synced(f"{inner}/deep.md", b"deep")
    await _applied(on, engine)
    assert on.ledger.mounts("docs").keys() == {POINT, inner}
    on.source.nested[inner] = False
    on.source.remove(f"{POINT}/0.md")
    held = await _halted(engine)
    assert {key.path for key in held.keys} == {f"{inner}/deep.md"}
    on.source.nested[POINT] = False
    held = await _halted(engine)
    assert len(held.keys) == 6
    assert (await _applied(on, engine)).done == {}


async def test_a_plan_for_some_paths_is_held_as_the_whole_is() -> None:
    on, engine = await _filled()
    on.source.nested[POINT] = False
    cut = engine.narrow(await engine.plan(), lambda key: key.path == f"{POINT}/2.md")
    assert isinstance(cut.plan.actions[0], Delete)
    assert isinstance(cut.guard, Halted)
    assert len(cut.guard.keys) == 1


async def test_a_mount_that_goes_after_the_plan_takes_no_document_along() -> None:
    on, engine = await _filled()
    on.source.write(f"{POINT}/0.md", b"edited")
    planned = await engine.plan()
    on.source.nested = {}
    on.source.write(f"{POINT}/0.md", b"an older copy")
    report = await engine.apply(planned, observe=on.events.append)
    assert report.done["update"] == 0
    assert {why.message for _, why in report.stopped.values()} == {say.HELD_UNMOUNTED}


async def test_the_daemon_keeps_what_was_on_a_mount_and_says_why() -> None:
    on, _ = await _filled()
    async with controlled(on) as it:
        on.source.nested[POINT] = False
        it.changes.report(*(f"{POINT}/{n}.md" for n in range(5)))
        await anyio.sleep(3 * GRACE)
        assert on.server.count("delete") == 0
        why = it.controller.status.why
        assert why is not None
        assert why.message is say.HALTED_MOUNT
        on.source.nested[POINT] = True
        it.changes.report(root=True)
        await anyio.sleep(3 * GRACE)
        assert it.controller.status.phase is Phase.WATCHING
        assert it.controller.status.why is None
        assert it.writes() == []


@pytest.mark.parametrize("others", [0, 4])
async def test_another_disk_is_noticed_though_a_document_is_still_indexed(others: int) -> None:
    on, engine = await _filled()
    for n in range(others + 1, 5):
        on.source.remove(f"{POINT}/{n}.md")
    await _applied(on, engine)
    on.server.calls.clear()
    on.source.edit(f"{POINT}/0.md", b"edited")
    on.server.indexing = 100.0
    await engine.apply(await engine.plan(), observe=on.events.append, wait=False)
    on.source.nested[POINT] = False
    on.source.strange = {POINT}
    assert [why.message for why in (await _halted(engine)).why] == [say.HALTED_MOUNT]
    report = await engine.apply(await engine.plan(), observe=on.events.append)
    assert report.exit is Exit.HALTED
    assert on.server.count("delete") == 0
