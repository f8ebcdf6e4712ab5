"""Deletes, adoptions, restores and what needs no call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.observe.remote_state import refresh
from kbsync.messages import Exit, Problem
from kbsync.messages import engine as say
from kbsync.model import EntryState, Intent, NotReady, Op, Rejection, Throttled, Unauthorized
from tests.model.stored_document import FAILS

from .fakes import run_pool, stage
from .server import REFUSED, UNSENT
from .words import EPOCH, WHY, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


async def test_a_removed_file_takes_its_document_along() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.remove("a.md")
    seen: list[Intent | None] = []
    on.server.on_call["delete"] = lambda _: seen.append(on.ledger.intents.get(A))
    report = await run_pool(on, ["a.md"])
    assert seen[0] is not None
    assert (seen[0].op, seen[0].document_id) == (Op.DELETE, entry.document_id)
    assert (on.server.documents, on.ledger.held, on.ledger.intents) == ({}, {}, {})
    assert report.done == {"delete": 1}
    last = on.ledger.commits[-1]
    assert (last.entry, last.intent, last.journal[0].outcome) == (None, None, "done")


async def test_a_document_that_was_gone_already_is_a_success_while_the_base_answers() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.documents.clear()
    report = await run_pool(on, ["a.md"])
    assert (on.ledger.held, on.ledger.intents) == ({}, {})
    assert report.exit is Exit.OK


async def test_a_404_while_the_base_is_gone_is_a_problem_and_the_entry_stays() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.base_there = False
    with pytest.raises(Problem) as caught:
        await run_pool(on, ["a.md"])
    assert caught.value.notice.message is say.BASE_GONE
    assert caught.value.exit is Exit.REFUSED
    assert on.ledger.held == {A: entry}
    assert on.ledger.intents == {}


@pytest.mark.parametrize("fault", [UNSENT, NotReady(WHY, 5.0), Throttled(10.0)])
async def test_a_delete_that_did_not_happen_is_made_later(fault: object) -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.faults["delete"].append(fault)  # type: ignore[arg-type]
    report = await run_pool(on, ["a.md"])
    assert (on.server.documents, on.ledger.held, on.ledger.intents) == ({}, {}, {})
    assert on.server.count("delete") == 2
    assert report.exit is Exit.OK


async def test_a_refused_delete_keeps_the_entry_and_says_so() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.faults["delete"].append(REFUSED)
    report = await run_pool(on, ["a.md"])
    kind, why = report.stopped[A]
    assert (kind, why.message) == ("failed", say.ACTION_REFUSED)
    assert (on.ledger.held, on.ledger.intents) == ({A: entry}, {})


@pytest.mark.parametrize("call", ["create", "update", "delete"])
async def test_a_key_that_may_not_write_ends_the_pass_and_leaves_no_intent(call: str) -> None:
    on = stage({"a.md": b"new"})
    if call != "create":
        on.synced("a.md", b"old")
        on.source.write("a.md", b"new text")
    if call == "delete":
        on.source.remove("a.md")
    on.server.always[call] = Unauthorized(WHY)  # type: ignore[assignment]
    with pytest.raises(Problem) as caught:
        await run_pool(on, ["a.md"])
    assert caught.value.notice == WHY
    assert on.ledger.intents == {}


async def test_a_lost_ledger_is_rebuilt_from_marks_without_one_upload() -> None:
    on = stage({"a.md": b"hello"})
    stored = on.server.put("a.md", b"hello")
    on.server.mark(stored, "a.md")
    listing = await refresh(on.world)
    assert listing.complete
    await run_pool(on, ["a.md"], listing=listing)
    entry = on.ledger.held[A]
    assert (entry.document_id, entry.state) == (stored.id, EntryState.SYNCED)
    assert entry.fingerprint == fingerprint_of(b"hello")
    assert on.server.count("create") + on.server.count("update") == 0


async def test_a_marked_document_of_other_content_is_adopted_and_then_updated() -> None:
    on = stage({"a.md": b"edited since"})
    stored = on.server.put("a.md", b"hello")
    on.server.mark(stored, "a.md")
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert stored.content == b"edited since"
    assert (on.server.count("create"), on.server.count("update")) == (0, 1)
    assert on.ledger.held[A].fingerprint == fingerprint_of(b"edited since")


async def test_what_was_refused_is_not_held_against_a_document_of_what_the_file_holds_now() -> None:
    """The content behind the stat changed, and another ledger of ours sent it."""
    on = stage({"a.md": b"refused"})
    stat = on.source.files["a.md"].stat
    on.ledger.rejections[A] = Rejection(
        key=A, fingerprint=fingerprint_of(b"refused"), reason=("X", "no"), at=EPOCH, stat=stat
    )
    on.source.alter("a.md", b"sent on")
    on.server.mark(on.server.put("a.md", b"sent on"), "a.md")
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert on.ledger.held[A].fingerprint == fingerprint_of(b"sent on")
    assert on.ledger.rejections == {}


async def test_an_adopted_document_that_is_still_indexing_is_followed() -> None:
    on = stage({"a.md": b"hello"})
    stored = on.server.put("a.md", b"hello")
    on.server.mark(stored, "a.md")
    stored.ready_at = on.clock.now() + 30
    report = await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert on.states() == {"a.md": "synced"}
    assert report.exit is Exit.OK
    assert on.server.overlaps == []


async def test_a_second_document_of_ours_goes_and_the_ledgers_stays() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    extra = on.server.put("a.md", b"old")
    on.server.mark(extra, "a.md")
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert list(on.server.documents) == [entry.document_id]
    assert on.ledger.held == {A: entry}


async def test_an_orphan_by_a_valid_mark_goes_and_a_copied_mark_does_not_count() -> None:
    on = stage()
    orphan, copy = on.server.put("a.md", b"x"), on.server.put("b.md", b"x")
    on.server.mark(orphan, "a.md")
    copy.metadata = {**orphan.metadata, "kbsync_path": "b.md"}  # its rev unmasks it
    await run_pool(on, ["a.md", "b.md"], listing=await refresh(on.world))
    assert list(on.server.documents) == [copy.id]


async def test_a_trashed_document_is_enabled_again_when_its_file_is_back() -> None:
    on = stage()
    entry = on.synced("a.md", b"old", state=EntryState.TRASHED)
    on.server.documents[entry.document_id].enabled = False
    report = await run_pool(on, ["a.md"])
    assert on.server.documents[entry.document_id].enabled
    assert on.states() == {"a.md": "synced"}
    assert report.done["restore"] == 1
    assert on.server.count("create") + on.server.count("update") == 0


async def test_both_gone_is_forgotten_without_a_write() -> None:
    on = stage()
    on.synced("a.md", b"old", state=EntryState.FAILED)
    on.source.remove("a.md")
    on.server.documents.clear()
    await run_pool(on, ["a.md"])
    assert on.ledger.held == {}
    assert on.server.count("delete") == 0


async def test_a_swap_whose_new_document_failed_goes_back_to_the_old_one() -> None:
    on = stage(swap=True)
    old = on.synced("a.md", b"old")
    new = on.server.put("a.md", b"new", fate=FAILS)
    on.ledger.held[A] = replace(
        old, document_id=new.id, superseded=old.document_id, state=EntryState.FAILED, failures=1
    )
    deleted: list[str] = []
    on.server.on_call["delete"] = deleted.append
    await run_pool(on, ["a.md"])
    assert deleted[0] == new.id
    assert [each.content for each in on.server.by_name("a.md")] == [b"old"]


async def test_a_swap_leaves_an_old_document_that_another_file_took_in() -> None:
    on = stage(swap=True)
    taken = on.synced("b.md", b"old")
    new = on.synced("a.md", b"new")
    on.ledger.held[A] = replace(new, superseded=taken.document_id)
    await run_pool(on, ["a.md"])
    assert on.ledger.held[A].superseded is None
    assert on.server.documents.keys() == {new.document_id, taken.document_id}


async def test_what_is_held_or_in_conflict_changes_nothing() -> None:
    on = stage({"foreign.md": b"mine"})
    on.server.put("foreign.md", b"theirs")
    disabled = on.synced("disabled.md", b"old")
    on.source.write("disabled.md", b"edited")
    on.server.documents[disabled.document_id].enabled = False
    listing = await refresh(on.world)
    report = await run_pool(on, ["disabled.md", "foreign.md"], listing=listing)
    writes = ("create", "update", "delete", "switch")
    assert [call for _, call, _ in on.server.calls if call in writes] == []
    kinds = {key.path: kind for key, (kind, _) in report.stopped.items()}
    assert kinds == {"disabled.md": "held", "foreign.md": "conflict"}
    assert on.ledger.commits == []


async def test_a_failed_swap_of_a_renamed_file_leaves_a_document_of_its_earlier_name() -> None:
    """Where documents are found by name alone, another name is looked for in vain."""
    on = stage(swap=True)
    old = on.synced("a.md", b"old")
    on.server.documents[old.document_id].name = "was.md"
    new = on.server.put("a.md", b"new", fate=FAILS)
    on.ledger.held[A] = replace(
        old, document_id=new.id, superseded=old.document_id, state=EntryState.FAILED, failures=1
    )
    on.source.write("a.md", b"newer")
    on.server.faults["create"] += [REFUSED]
    await run_pool(on, ["a.md"])
    entry = on.ledger.held[A]
    assert (entry.document_id, entry.document_name) == (old.document_id, "was.md")
