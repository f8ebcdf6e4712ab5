"""Into the trash, back out of it, and out of it for good."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute.results import Report
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit
from kbsync.messages import guard as guard_say
from kbsync.messages import remote as remote_say
from kbsync.messages import trash as say
from kbsync.model import Capability, Cause, EntryState, Gone, Halted, NotReady, Op, Throttled
from kbsync.model.ledger import TRASHING
from tests.model.stored_document import FAILS

from .controlled import controlled
from .fakes import Stage, stage
from .server import DROPPED, LOST, REFUSED, UNSENT, Late
from .words import EPOCH, WHY, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")
DAY = 86_400.0
LOCKED = NotReady(remote_say.SWITCH_LOCKED(what="disable document"), 600.0)


def removed(on_delete: str = "disable", **declared: object) -> Stage:
    """A mirror whose a.md was sent, and is gone."""
    on = stage({"b.md": b"b"}, on_delete=on_delete, settle=0.0, **declared)
    on.synced("b.md", b"b")
    on.synced("a.md", b"old")
    on.source.remove("a.md")
    return on


def engine_of(on: Stage) -> Reconciler:
    return Reconciler(on.world.mirror, on.ledger, on.server, on.clock)


async def applied(on: Stage, read: frozenset[str] = frozenset()) -> Report:
    engine = engine_of(on)
    report = await engine.apply(await engine.plan(), observe=on.events.append, read=read)
    del report.done["set_metadata"]
    return report


def document(on: Stage) -> object:
    return on.server.documents[on.ledger.held[A].document_id]


@pytest.mark.parametrize(("on_delete", "enabled"), [("disable", False), ("keep", True)])
async def test_a_deleted_file_puts_its_document_into_the_trash(
    on_delete: str, enabled: bool
) -> None:
    on = removed(on_delete, trash_for=DAY)
    report = await applied(on)
    entry = on.ledger.held[A]
    assert (report.done, report.exit) == ({"trash": 1}, Exit.OK)
    assert (entry.state, document(on).enabled) == (EntryState.TRASHED, enabled)
    assert entry.expires_at - entry.trashed_at == pytest.approx(DAY, abs=10)
    assert on.ledger.intents == {}
    assert on.server.count("delete") == 0
    assert on.server.count("switch") == (not enabled)


@pytest.mark.parametrize("on_delete", ["disable", "keep"])
async def test_the_file_came_back_and_nothing_is_sent(on_delete: str) -> None:
    on = removed(on_delete, trash_for=DAY)
    await applied(on)
    on.source.write("a.md", b"old")
    report = await applied(on)
    assert (report.done, report.exit) == ({"restore": 1}, Exit.OK)
    entry = on.ledger.held[A]
    assert (entry.state, entry.fingerprint) == (EntryState.SYNCED, fingerprint_of(b"old"))
    assert (entry.trashed_at, entry.expires_at, entry.reason) == (None, None, None)
    assert document(on).enabled
    assert on.server.count("create") + on.server.count("update") == 0
    assert not (await engine_of(on).plan()).plan.changes


async def test_it_came_back_with_another_content() -> None:
    on = removed()
    await applied(on)
    on.source.write("a.md", b"new")
    report = await applied(on)
    assert report.done == {"restore": 1, "update": 1}
    assert [each.content for each in on.server.by_name("a.md")] == [b"new"]


async def test_what_rests_costs_no_call_and_appears_when_it_is_due() -> None:
    on = removed(trash_for=DAY)
    await applied(on)
    calls = len(on.server.calls)
    planned = await engine_of(on).plan(listing=False)
    assert (planned.tally.recorded, planned.plan.actions) == (1, ())
    assert not [what for _, _, what in on.server.calls[calls:] if what == A.path]
    await anyio.sleep(DAY)
    report = await applied(on)
    assert report.done == {"delete": 1}
    assert on.ledger.journal[-1].detail == Cause.EXPIRED
    assert A not in on.ledger.held
    assert on.server.by_name("a.md") == []


async def test_without_a_time_it_rests_until_a_person_empties_the_trash() -> None:
    on = removed()
    await applied(on)
    await anyio.sleep(4000 * DAY)
    assert (await applied(on)).done == {}
    on.world = replace(on.world, mirror=replace(on.world.mirror, empty_trash=True))
    assert (await applied(on)).done == {"delete": 1}
    assert on.ledger.journal[-1].detail == Cause.EMPTIED


async def test_what_was_deleted_there_is_forgotten() -> None:
    on = removed()
    await applied(on)
    on.server.documents.pop(on.ledger.held[A].document_id)
    assert (await applied(on)).done == {"forget": 1}
    assert A not in on.ledger.held


async def test_what_an_operator_enabled_is_not_deleted_when_its_time_is_over() -> None:
    on = removed(trash_for=DAY)
    await applied(on)
    document(on).enabled = True
    await anyio.sleep(DAY)
    report = await applied(on)
    assert report.stopped[A][1].message is say.ENABLED_THERE
    assert report.exit is Exit.OK
    assert document(on).enabled


# -- the guard -----------------------------------------------------------------------------------


async def test_the_guard_counts_what_goes_into_the_trash_and_out_of_it() -> None:
    on = stage({"b.md": b"b"}, on_delete="disable", trash_for=DAY, settle=0.0)
    on.synced("b.md", b"b")
    for number in range(20):
        on.synced(f"{number}.md", f"text {number}".encode())
        on.source.remove(f"{number}.md")
    engine = engine_of(on)
    planned = await engine.plan()
    assert isinstance(planned.guard, Halted)
    assert [why.message for why in planned.guard.why] == [guard_say.HALTED_REMOVALS]
    assert (await applied(on)).done == {}
    assert on.server.count("switch") == 0
    assert (await applied(on, planned.guard.members)).done == {"trash": 20}
    await anyio.sleep(DAY)
    assert (await applied(on)).exit is Exit.HALTED
    assert on.server.count("delete") == 0


async def test_an_empty_root_puts_nothing_into_the_trash() -> None:
    on = removed()
    on.source.remove("b.md")
    report = await applied(on)
    assert report.exit is Exit.HALTED
    assert on.server.count("switch") == 0


async def test_what_is_in_the_trash_does_not_count_as_the_size_of_the_mirror() -> None:
    on = stage({"b.md": b"b"}, on_delete="keep", settle=0.0)
    on.synced("b.md", b"b")
    for number in range(200):
        on.synced(f"{number}.md", b"x", state=EntryState.TRASHED)
        on.source.remove(f"{number}.md")
    assert (await engine_of(on).plan()).facts.documents == 1


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [UNSENT, NotReady(WHY, 5.0), LOCKED, Throttled(10.0), Gone(), LOST, DROPPED, Late(20.0)],
)
@pytest.mark.parametrize("back", [False, True])
async def test_a_switch_that_went_astray_is_made_good(fault: object, back: bool) -> None:
    on = removed()
    if back:
        await applied(on)
        on.source.write("a.md", b"old")
    on.server.faults["switch"].append(fault)  # type: ignore[arg-type]
    for _ in range(3):
        await applied(on)
        await anyio.sleep(1000)
    state = EntryState.SYNCED if back else EntryState.TRASHED
    assert (on.ledger.held[A].state, document(on).enabled) == (state, back)
    assert on.ledger.intents == {}
    assert on.server.count("create") + on.server.count("update") + on.server.count("delete") == 0


async def test_a_404_does_not_take_back_what_a_call_before_it_may_still_do() -> None:
    on = removed()
    on.server.faults["switch"].extend([Late(100.0), Gone()])
    on.server.on_call["switch"] = lambda _: (
        on.source.write("a.md", b"old") if on.server.count("switch") == 2 else None
    )
    for _ in range(3):
        await applied(on)
        await anyio.sleep(1000)
    assert (on.ledger.held[A].state, document(on).enabled) == (EntryState.SYNCED, True)
    assert on.ledger.intents == {}


async def test_a_lock_is_waited_out_and_said() -> None:
    on = removed()
    on.server.faults["switch"].extend([LOCKED] * 4)
    report = await applied(on)
    assert report.done == {"trash": 1}
    assert on.clock.now() - EPOCH > 500
    said = [event.why.message for event in on.events if event.why is not None]
    assert said.count(say.WAITS_FOR_SWITCH) == 1


async def test_a_refused_switch_leaves_the_document_and_says_so() -> None:
    on = removed()
    entry = on.ledger.held[A]
    on.server.always["switch"] = REFUSED
    report = await applied(on)
    assert report.stopped[A][0] == "failed"
    held = on.ledger.held[A]
    assert (held.state, held.document_id) == (EntryState.SYNCED, entry.document_id)
    assert on.ledger.intents == {}


async def test_a_server_that_cannot_disable_is_said_and_nothing_goes() -> None:
    on = removed()
    on.server.capabilities = on.server.capabilities.noting(Capability.SWITCH, able=False)
    report = await applied(on)
    assert report.stopped[A][1].message is say.CANNOT_DISABLE
    assert report.exit is Exit.INCOMPLETE


async def test_the_intent_is_there_before_the_call_and_says_what_it_is_for() -> None:
    on = removed()
    seen = []
    on.server.on_call["switch"] = lambda _: seen.append((on.ledger.intents[A], on.ledger.held[A]))
    await applied(on)
    ((intent, entry),) = seen
    assert (intent.op, intent.attempt, entry.state) == (Op.SWITCH, TRASHING, EntryState.TRASHED)


async def test_a_file_that_came_back_before_the_lost_call_is_known_is_not_disabled() -> None:
    on = removed()
    on.server.faults["switch"].append(Late(60.0))
    on.server.on_call["switch"] = lambda _: on.source.write("a.md", b"old")
    await applied(on)
    await anyio.sleep(1000)
    await applied(on)
    assert (on.states()["a.md"], document(on).enabled) == ("synced", True)


@pytest.mark.parametrize("hidden", ["locked", "unmounted"])
async def test_what_was_never_disabled_is_out_of_the_trash_where_its_file_may_stand(
    hidden: str,
) -> None:
    on, gone = stage({"b.md": b"b"}, on_delete="disable", settle=0.0), key_of("d/a.md")
    for path in ("b.md", "d/a.md", "d/b.md"):
        on.synced(path, path.encode())
    on.source.remove("d/a.md")
    on.source.nested = {"d": True}
    on.ledger.note_mounts(gone.mirror, {"d": False})
    intents = []
    on.server.on_call["switch"] = lambda _: intents.append(on.ledger.intents[gone])
    await applied(on)
    # As a process leaves it that was killed before the call went out.
    stored = on.server.documents[on.ledger.held[gone].document_id]
    stored.enabled, on.ledger.intents[gone] = True, intents[0]
    on.source.locked = {"d/"} if hidden == "locked" else set()
    on.source.nested = {"d": hidden == "locked"}
    await applied(on)
    await anyio.sleep(1000)
    await applied(on)
    assert (on.ledger.held[gone].state, stored.enabled) == (EntryState.INDEXING, True)
    assert (on.server.count("switch"), on.ledger.intents) == (1, {})
    on.source.locked, on.source.nested = set(), {"d": True}
    await applied(on)
    assert (on.ledger.held[gone].state, stored.enabled) == (EntryState.TRASHED, False)


async def test_what_was_never_disabled_is_for_the_guard_to_judge_again() -> None:
    on = stage({"b.md": b"b"}, on_delete="disable", settle=0.0)
    for path in ("a.md", "b.md"):
        on.synced(path, path.encode())
    on.source.remove("a.md")
    intents = []
    on.server.on_call["switch"] = lambda _: intents.append(on.ledger.intents[A])
    await applied(on)
    # As a process leaves it that was killed before the call went out.
    stored = on.server.documents[on.ledger.held[A].document_id]
    stored.enabled, on.ledger.intents[A] = True, intents[0]
    on.source.remove("b.md")  # as where a mount vanished
    report = await applied(on)
    await anyio.sleep(1000)
    await applied(on)
    assert report.halted is not None
    assert stored.enabled
    assert (on.ledger.held[A].state, on.ledger.intents) == (EntryState.INDEXING, {})
    on.source.write("b.md", b"b.md")
    await applied(on)
    assert (on.ledger.held[A].state, stored.enabled) == (EntryState.TRASHED, False)


async def test_a_document_in_error_is_deleted_and_not_kept() -> None:
    on = removed()
    document(on).fate = FAILS
    on.ledger.held[A] = replace(on.ledger.held[A], state=EntryState.FAILED, failures=1)
    assert (await applied(on)).done == {"delete": 1}


async def test_what_failed_is_sent_again_when_its_file_comes_back() -> None:
    on = removed("keep")
    on.ledger.held[A] = replace(
        on.ledger.held[A], state=EntryState.FAILED, reason=("KB-E999", "no"), failures=1
    )
    await applied(on)
    assert (on.ledger.held[A].state, on.ledger.held[A].fingerprint) == (EntryState.TRASHED, None)
    on.source.write("a.md", b"old")
    report = await applied(on)
    assert report.done == {"restore": 1, "update": 1}


async def test_a_lost_ledger_takes_its_trash_in_again() -> None:
    on = removed(trash_for=DAY)
    await applied(on)
    stored = document(on)
    on.server.mark(stored, "a.md")
    del on.ledger.held[A]
    assert (await applied(on)).done == {"trash": 1}
    entry = on.ledger.held[A]
    assert (entry.state, entry.expires_at) == (EntryState.TRASHED, None)
    on.source.write("a.md", b"old")
    assert (await applied(on)).done == {"restore": 1}
    assert on.server.count("create") + on.server.count("update") == 0


async def test_a_rename_is_a_move_and_nothing_goes_into_the_trash() -> None:
    on = removed()
    on.source.write("c.md", b"old")
    assert (await applied(on)).done == {"move": 1}
    assert on.server.count("switch") == 0


# -- the daemon ----------------------------------------------------------------------------------


async def test_the_daemon_puts_it_into_the_trash_and_takes_it_out() -> None:
    on = stage({"b.md": b"b"}, on_delete="disable")
    on.synced("b.md", b"b")
    on.synced("a.md", b"old")
    async with controlled(on) as mirror:
        await anyio.sleep(60)
        mirror.remove("a.md")
        await anyio.sleep(20)
        assert on.states()["a.md"] == "synced"
        await anyio.sleep(60)
        assert (on.states()["a.md"], document(on).enabled) == ("trashed", False)
        mirror.write("a.md", b"old")
        await anyio.sleep(60)
        assert (on.states()["a.md"], document(on).enabled) == ("synced", True)
    assert on.server.count("create") + on.server.count("update") + on.server.count("delete") == 0


async def test_the_daemon_deletes_what_is_due() -> None:
    on = stage({"b.md": b"b"}, on_delete="disable", trash_for=2000.0)
    on.synced("b.md", b"b")
    on.synced("a.md", b"old")
    async with controlled(on) as mirror:
        await anyio.sleep(60)
        mirror.remove("a.md")
        await anyio.sleep(1500)
        assert on.states()["a.md"] == "trashed"
        await anyio.sleep(2500)
        assert "a.md" not in on.states()
