"""Documents of what a file held before: counted apart, and gone when a person says so."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute.results import Report
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit
from kbsync.messages import engine as say
from kbsync.messages import source as source_say
from kbsync.model import Delete, Halted, Hold, Rejected, Skipped, Unknown

from .controlled import GRACE, controlled
from .fakes import Stage, stage
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
PATH = "page.md"


async def _synced() -> tuple[Stage, Reconciler]:
    on = stage(settle=0.0)
    on.synced(PATH, b"the password is swordfish")
    on.synced("other.md", b"other")
    engine = _engine(on)
    await _applied(engine)  # marks are written once
    return on, engine


def _engine(on: Stage, *, prune: bool = False) -> Reconciler:
    mirror = replace(on.world.mirror, prune_stale=prune)
    return Reconciler(mirror, on.ledger, on.server, on.clock)


async def _applied(engine: Reconciler, read: frozenset[str] = frozenset()) -> Report:
    report = await engine.apply(await engine.plan(), observe=lambda event: None, read=read)
    del report.done["set_metadata"]
    return report


def _emptied(on: Stage) -> None:
    on.source.write(PATH, b"")


def _outgrown(on: Stage) -> None:
    on.source.states[PATH] = Skipped(
        key=key_of(PATH), why=source_say.TOO_LARGE(size="2", limit="1")
    )
    on.source.remove(PATH)


def _refused(on: Stage) -> None:
    on.source.write(PATH, b"refused now")
    on.server.faults["update"].append(Rejected(WHY))


@pytest.mark.parametrize("happens", [_emptied, _outgrown, _refused])
async def test_it_is_recorded_kept_counted_and_gone_once_a_person_says_so(happens: object) -> None:
    on, engine = await _synced()
    assert callable(happens)
    happens(on)
    await _applied(engine)
    planned = await engine.plan()
    assert [action.cause for action in planned.plan.actions] == ["stale"]
    assert (planned.plan.stale, planned.plan.changes, planned.plan.unmet) == (1, False, True)
    entry = on.ledger.entry(key_of(PATH))
    assert entry is not None
    assert entry.stale is not None
    report = await _applied(engine)
    assert (report.exit, report.done) == (Exit.INCOMPLETE, {})
    assert [kind for kind, _ in report.stopped.values()] == ["stale"]
    report = await _applied(_engine(on, prune=True))
    assert report.done == {"delete": 1}
    assert on.ledger.entry(key_of(PATH)) is None
    assert [each.name for each in on.server.documents.values()] == ["other.md"]
    assert (await engine.plan()).plan.stale == 0


async def test_a_file_that_is_itself_again_is_stale_no_more_without_an_upload() -> None:
    on, engine = await _synced()
    before = on.source.files[PATH]
    on.source.files[PATH] = replace(before, content=b"")
    await engine.plan()
    on.source.files[PATH] = before
    assert not (await engine.plan()).plan.actions
    entry = on.ledger.entry(key_of(PATH))
    assert entry is not None
    assert entry.stale is None


async def test_a_file_that_is_mended_is_sent_and_stale_no_more() -> None:
    on, engine = await _synced()
    _emptied(on)
    await engine.plan()
    on.source.write(PATH, b"mended")
    assert (await _applied(engine)).done == {"update": 1}
    entry = on.ledger.entry(key_of(PATH))
    assert entry is not None
    assert entry.stale is None


async def test_an_unreadable_file_is_shown_as_stale_and_never_pruned() -> None:
    on, _ = await _synced()
    why = source_say.FILE_UNREADABLE(cause="Permission denied")
    on.source.states[PATH] = Unknown(key=key_of(PATH), why=why)
    on.source.remove(PATH)
    engine = _engine(on, prune=True)
    report = await _applied(engine)
    assert (report.exit, report.done) == (Exit.INCOMPLETE, {})
    assert report.stopped[key_of(PATH)][0] == "stale"
    entry = on.ledger.entry(key_of(PATH))
    assert entry is not None
    assert entry.stale == (why.code, why.text)


async def test_files_below_a_folder_that_cannot_be_listed_are_not_called_stale() -> None:
    on, engine = await _synced()
    on.synced("locked/a.md", b"a")
    on.source.locked = {"locked/"}
    assert (await engine.plan()).plan.stale == 0


async def test_what_is_pruned_counts_as_a_removal() -> None:
    on = stage(settle=0.0)
    for n in range(40):
        on.synced(f"{n:02}.md", f"page {n}".encode())
    for n in range(20):
        on.source.write(f"{n:02}.md", b"")
    engine = _engine(on, prune=True)
    planned = await engine.plan()
    deletes = [action for action in planned.plan.actions if isinstance(action, Delete)]
    assert len(deletes) == 20
    assert isinstance(planned.guard, Halted)
    report = await _applied(engine)
    assert (report.exit, on.server.count("delete")) == (Exit.HALTED, 0)
    assert (await _applied(engine, planned.guard.members)).done == {"delete": 20}


async def test_a_daemon_counts_it_and_says_it_once() -> None:
    on, _ = await _synced()
    async with controlled(on) as it:
        it.write(PATH, b"")
        await anyio.sleep(3 * GRACE)
        assert it.controller.status.stale == 1
        told = [event for event in it.events if event.why and event.why.message is say.HELD_STALE]
        assert len(told) == 1
        it.write(PATH, b"mended")
        await anyio.sleep(3 * GRACE)
        assert it.controller.status.stale == 0


async def test_a_daemon_notices_that_a_verb_took_it_out() -> None:
    on, _ = await _synced()
    async with controlled(on) as it:
        it.write(PATH, b"")
        await anyio.sleep(3 * GRACE)
        async with it.controller.suspended():
            assert (await _applied(_engine(on, prune=True))).done == {"delete": 1}
        await anyio.sleep(3 * GRACE)
        assert it.controller.status.stale == 0


async def test_the_advice_is_to_mend_it_or_to_take_the_old_text_out() -> None:
    on, engine = await _synced()
    _emptied(on)
    (action,) = (await engine.plan()).plan.actions
    assert isinstance(action, Hold)
    assert action.why.message is say.HELD_STALE
    assert "kbsync apply --prune-stale" in action.why.next
    assert ".kbsyncignore" not in action.why.next
