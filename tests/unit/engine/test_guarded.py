"""The guard in a pass: what is held back stays held back, whatever the world turns into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from declared import one_rule

from kbsync.engine.execute.results import Report
from kbsync.engine.observe.adoption import Trust
from kbsync.engine.reconciler import Planned, Reconciler
from kbsync.engine.source_port import Seen
from kbsync.messages import Exit, Message, Problem
from kbsync.messages import engine as engine_say
from kbsync.messages import guard as say
from kbsync.model import Absent, Allowed, Cause, DocKey, EntryState, Halted, Unknown
from tests.model.folder import EMPTY, GONE, MOUNTED

from .fakes import Stage, stage
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
HALF = 20
ALL = 40
MINUTE = 60.0


def _filled(count: int = ALL) -> tuple[Stage, Reconciler]:
    on = stage(settle=0.0)
    for n in range(count):
        on.synced(_path(n), f"page {n}".encode())
    return on, Reconciler(on.world.mirror, on.ledger, on.server, on.clock)


def _path(number: int) -> str:
    return f"{number:02}.md"


def _halted(planned: Planned) -> Halted:
    found = planned.guard
    assert isinstance(found, Halted)
    return found


def _reasons(planned: Planned) -> list[Message]:
    return [why.message for why in _halted(planned).why]


async def _applied(
    engine: Reconciler, planned: Planned, read: frozenset[str] = frozenset()
) -> Report:
    report = await engine.apply(planned, observe=lambda event: None, read=read)
    del report.done["set_metadata"]  # marks are written beside; they are none of the guard's
    return report


async def test_too_many_removals_wait_and_everything_else_goes_on() -> None:
    on, engine = _filled()
    for n in range(HALF):
        on.source.remove(_path(n))
    on.source.write("new.md", b"new")
    on.source.write(_path(30), b"edited")
    planned = await engine.plan()
    assert _reasons(planned) == [say.HALTED_REMOVALS]
    report = await _applied(engine, planned)
    assert report.exit is Exit.HALTED
    assert report.done == {"create": 1, "update": 1}
    assert on.server.count("delete") == 0
    assert len(on.server.documents) == ALL + 1


async def test_a_release_removes_exactly_what_was_read_and_starts_the_hour_anew() -> None:
    on, engine = _filled()
    for n in range(HALF):
        on.source.remove(_path(n))
    read = _halted(await engine.plan())
    assert on.ledger.halts(read.digest[:8]) == {read.digest: read.members}
    report = await _applied(engine, await engine.plan(), read.members)
    assert (report.exit, report.done) == (Exit.OK, {"delete": HALF})
    on.source.remove(_path(HALF))
    assert (await engine.plan()).guard == Allowed()


async def test_one_removal_more_than_was_read_and_none_goes() -> None:
    on, engine = _filled()
    for n in range(HALF):
        on.source.remove(_path(n))
    read = _halted(await engine.plan())
    on.source.remove(_path(HALF))
    report = await _applied(engine, await engine.plan(), read.members)
    assert (report.exit, report.done) == (Exit.HALTED, {})
    on.source.write(_path(HALF), b"back")
    on.source.write(_path(0), b"also back")
    report = await _applied(engine, await engine.plan(), read.members)
    assert report.done["delete"] == HALF - 1


async def test_the_hour_before_counts_and_passes() -> None:
    on, engine = _filled()
    for first, last, exit_ in ((0, 8, Exit.OK), (8, 12, Exit.OK), (12, 13, Exit.HALTED)):
        for n in range(first, last):
            on.source.remove(_path(n))
        report = await _applied(engine, await engine.plan())
        assert report.exit is exit_
    await on.clock.sleep(61 * MINUTE)
    assert (await _applied(engine, await engine.plan())).done == {"delete": 1}


async def test_a_small_mirror_is_not_annoyed() -> None:
    on, engine = _filled(3)
    on.source.remove(_path(0))
    on.source.remove(_path(1))
    report = await _applied(engine, await engine.plan())
    assert (report.exit, report.done) == (Exit.OK, {"delete": 2})


def _emptied(on: Stage) -> None:
    on.source.files.clear()


def _replaced(on: Stage) -> None:
    on.source.files.clear()
    on.source.write("other.md", b"another tree")


def _another_device(on: Stage) -> None:
    on.source.remove(_path(0))
    on.source.edit(_path(1), b"another disk's")
    on.source.mounted_device = 2


def _unreadable_folder(on: Stage) -> None:
    on.source.remove(_path(0))
    on.source.locked = {"zz/"}


def _unreadable_file(on: Stage) -> None:
    on.source.remove(_path(0))
    on.source.states["zz.md"] = Unknown(key=key_of("zz.md"), why=WHY)


@pytest.mark.parametrize(
    "happens", [_emptied, _replaced, _another_device, _unreadable_folder, _unreadable_file]
)
async def test_a_doubtful_source_removes_nothing_however_little(happens: object) -> None:
    on, engine = _filled(3)
    await _applied(engine, await engine.plan())
    assert callable(happens)
    happens(on)
    planned = await engine.plan()
    assert _reasons(planned) == [say.HALTED_ROOT]
    report = await _applied(engine, planned)
    assert report.exit is Exit.HALTED
    assert on.server.count("delete") == 0
    read = _halted(planned).members
    report = await _applied(engine, await engine.plan(), read)
    assert report.done["delete"] == len(read)


@pytest.mark.parametrize("mount", [GONE, MOUNTED])
async def test_a_source_that_is_not_there_is_an_error_and_no_server_is_asked(mount: str) -> None:
    on, engine = _filled(3)
    on.source.mount = mount
    on.source.locked = {""}
    with pytest.raises(Problem) as caught:
        await engine.plan()
    assert (caught.value.notice.message, caught.value.exit) == (
        engine_say.SOURCE_BLOCKED,
        Exit.INCOMPLETE,
    )
    assert mount == MOUNTED or not on.server.calls


async def test_a_source_that_is_not_there_offers_nothing_to_take_over() -> None:
    on, engine = _filled(3)
    on.source.mount = GONE
    with pytest.raises(Problem, match="does not exist"):
        await engine.offer(lambda files, documents: None, cause=Cause.NAME, trust=Trust.NONE)  # type: ignore[arg-type,return-value]
    assert not on.server.calls


async def test_a_new_device_is_believed_once_a_pass_found_nothing_to_remove() -> None:
    on, engine = _filled(3)
    await _applied(engine, await engine.plan())
    on.source.mounted_device = 2
    assert (await _applied(engine, await engine.plan())).exit is Exit.OK
    on.source.remove(_path(0))
    assert (await _applied(engine, await engine.plan())).done == {"delete": 1}


async def test_a_new_device_is_doubted_until_it_is_released() -> None:
    on, engine = _filled(3)
    await _applied(engine, await engine.plan())
    on.source.mounted_device = 2
    on.source.remove(_path(0))
    on.source.remove(_path(1))
    for _ in range(2):
        planned = await engine.plan()
        assert (await _applied(engine, planned)).exit is Exit.HALTED
    await _applied(engine, planned, _halted(planned).members)
    on.source.write(_path(3), b"new")
    await _applied(engine, await engine.plan())
    on.source.remove(_path(2))
    assert (await _applied(engine, await engine.plan())).done == {"delete": 1}


async def test_a_new_device_number_with_the_files_there_halts_nothing() -> None:
    on, engine = _filled(3)
    await _applied(engine, await engine.plan())
    on.source.mounted_device = 2
    on.source.remove(_path(0))
    assert (await _applied(engine, await engine.plan())).done == {"delete": 1}
    binding = on.ledger.binding("docs")
    assert binding is not None
    assert binding.device == 2


async def test_documents_found_missing_are_not_made_again_unasked() -> None:
    on, engine = _filled()
    for each in list(on.server.documents)[:HALF]:
        del on.server.documents[each]
    planned = await engine.plan()
    assert _reasons(planned) == [say.HALTED_REMOVALS]
    report = await _applied(engine, planned)
    assert (report.exit, on.server.count("create")) == (Exit.HALTED, 0)
    read = _halted(await engine.plan()).members
    report = await _applied(engine, await engine.plan(), read)
    assert (report.exit, on.server.count("create")) == (Exit.OK, HALF)
    assert not (await engine.plan()).plan.actions


async def test_changed_settings_do_not_embed_everything_again_unasked() -> None:
    on, _ = _filled(60)
    mirror = replace(on.world.mirror, document_rules=one_rule("settings-2"))
    engine = Reconciler(mirror, on.ledger, on.server, on.clock)
    planned = await engine.plan()
    assert _reasons(planned) == [say.HALTED_UPLOADS]
    assert (await _applied(engine, planned)).exit is Exit.HALTED
    assert on.server.count("update") == 0
    report = await _applied(engine, await engine.plan(), _halted(planned).members)
    assert (report.exit, report.done) == (Exit.OK, {"update": 60})


async def test_a_restored_server_is_adopted_but_not_embedded_again_unasked() -> None:
    on, engine = _filled(60)
    for n in range(60):
        stored = on.server.by_name(_path(n))[0]
        key = key_of(_path(n))
        on.ledger.held[key] = replace(on.ledger.held[key], fingerprint=None, stat=None)
        assert stored.id == on.ledger.held[key].document_id
    planned = await engine.plan()
    assert _reasons(planned) == [say.HALTED_UPLOADS]
    await _applied(engine, planned)
    assert on.server.count("update") == 0


# -- the world turns while a pass is under way -----------------------------------------------------


async def test_a_source_emptied_while_a_pass_runs_removes_nothing_the_plan_kept() -> None:
    on, engine = _filled(3)
    for n in range(3):
        on.source.write(_path(n), b"edited")
    planned = await engine.plan()
    on.source.files.clear()
    report = await _applied(engine, planned)
    assert on.server.count("delete") == 0
    assert report.exit is Exit.INCOMPLETE
    assert {why.message for _, why in report.stopped.values()} == {say.HELD_REMOVAL}


async def test_what_was_just_uploaded_is_not_removed_by_the_same_pass() -> None:
    on = stage({"a.md": b"hello"}, settle=0.0)
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    planned = await engine.plan()
    on.server.on_call["create"] = lambda _: on.source.files.clear()
    report = await _applied(engine, planned)
    assert (on.server.count("create"), on.server.count("delete")) == (1, 0)
    assert [(kind, why.message) for kind, why in report.stopped.values()] == [
        ("held", say.HELD_REMOVAL)
    ]


async def test_a_document_still_being_indexed_is_removed_in_the_same_pass() -> None:
    on, engine = _filled(20)
    on.source.write("late.md", b"late")
    await engine.apply(await engine.plan(), wait=False, observe=lambda event: None)
    assert on.ledger.held[key_of("late.md")].state is EntryState.INDEXING
    on.source.remove("late.md")
    report = await _applied(engine, await engine.plan())
    assert (report.exit, on.server.count("delete")) == (Exit.OK, 1)


async def test_what_is_still_being_indexed_counts_as_removed() -> None:
    on = stage({_path(n): b"x" for n in range(15)}, settle=0.0)
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    await engine.apply(await engine.plan(), wait=False, observe=lambda event: None)
    for n in range(14):
        on.source.remove(_path(n))
    planned = await engine.plan()
    report = await _applied(engine, planned)
    assert on.server.count("delete") == 0
    assert report.exit is Exit.HALTED


# -- narrowed plans ------------------------------------------------------------------------------


async def test_a_narrowed_plan_is_guarded_by_itself() -> None:
    on, engine = _filled()
    for n in range(HALF):
        on.source.remove(_path(n))
    planned = await engine.plan()

    def early(key: DocKey) -> bool:
        return key.path < _path(5)

    narrow = engine.narrow(planned, early)
    assert narrow.guard == Allowed()
    assert narrow.plan.counts == {"delete": 5}
    assert (await _applied(engine, narrow)).done == {"delete": 5}
    assert isinstance(on.source.look(_path(7)), Absent)
    assert len(on.server.documents) == ALL - 5


async def test_the_forecast_knows_how_fast_the_server_indexed() -> None:
    on = stage({_path(n): b"x" for n in range(10)}, settle=0.0, requests_per_minute=5)
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    planned = await engine.plan()
    forecast = planned.plan.forecast
    assert (forecast.writes, forecast.upload_bytes, forecast.minutes) == (10, 10, 2.0)
    assert forecast.indexing_minutes is None
    await _applied(engine, planned)
    on.source.write("more.md", b"more")
    later = (await engine.plan()).plan.forecast.indexing_minutes
    assert later is not None
    assert 0.0 < later < 1.0


async def test_a_disk_that_goes_after_the_walk_removes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the walk found proves nothing about the empty folder that was under the disk."""
    on, engine = _filled(3)
    await engine.apply(await engine.plan(), observe=lambda event: None)
    for n in range(3):
        on.source.edit(_path(n), b"edited")
    walked = on.source.scan

    def scan(*_: object) -> Iterator[Seen]:
        met = list(walked())
        on.source.mount = EMPTY
        return iter(met)

    monkeypatch.setattr(on.source, "scan", scan)
    planned = await engine.plan()
    assert not isinstance(planned.guard, Allowed)
    await _applied(engine, planned)
    assert on.server.count("delete") == 0
