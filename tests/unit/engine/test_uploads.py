"""Creates and updates: intent, call, outcome; and the way an update is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.execute.results import Follow
from kbsync.engine.execute.uploads import update
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.messages import Exit
from kbsync.messages import engine as say
from kbsync.model import (
    Capabilities,
    Capability,
    Cause,
    EntryState,
    Intent,
    NotReady,
    Op,
    Throttled,
    Update,
)
from tests.model.stored_document import FAILS, FINE

from .fakes import Stage, run_pool, stage
from .server import LOST, REFUSED, UNSENT
from .words import SETTINGS, WHY, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def _watch_intents(on: Stage, *calls: str) -> list[Intent | None]:
    """Keep the intent of A as it stands in the ledger while each of `calls` is made."""
    seen: list[Intent | None] = []
    for call in calls:
        on.server.on_call[call] = lambda _: seen.append(on.ledger.intents.get(A))
    return seen


async def test_a_new_file_becomes_a_synced_document() -> None:
    on = stage({"a.md": b"hello"})
    report = await run_pool(on, ["a.md"])
    (stored,) = on.server.by_name("a.md")
    entry = on.ledger.held[A]
    assert stored.content == b"hello"
    assert (entry.document_id, entry.rev, entry.state) == (stored.id, stored.rev, EntryState.SYNCED)
    assert (entry.fingerprint, entry.word_count) == (fingerprint_of(b"hello"), 5)
    assert entry.stat == on.source.files["a.md"].stat
    assert report.exit is Exit.OK
    assert report.done == {"create": 1}
    assert [line.action for line in on.ledger.journal] == ["create", "index"]


async def test_a_create_is_announced_before_the_call_and_accounted_for_with_its_outcome() -> None:
    on = stage({"a.md": b"hello"})
    seen = _watch_intents(on, "create")
    await run_pool(on, ["a.md"])
    (intent,) = seen
    assert intent is not None
    assert (intent.op, intent.name, intent.document_id) == (Op.CREATE, "a.md", None)
    assert on.ledger.intents == {}
    accounted = next(change for change in on.ledger.commits if change.intent is None)
    assert accounted.entry is not None  # entry and dropped intent in one transaction
    assert [line.outcome for line in accounted.journal] == ["done"]


async def test_an_update_is_announced_with_its_document_and_rev() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    seen = _watch_intents(on, "update")
    await run_pool(on, ["a.md"])
    (intent,) = seen
    assert intent is not None
    assert (intent.op, intent.document_id, intent.rev_before) == (
        Op.UPDATE,
        entry.document_id,
        entry.rev,
    )
    (stored,) = on.server.by_name("a.md")
    assert (stored.id, stored.content) == (entry.document_id, b"new text")
    assert on.ledger.held[A].fingerprint == fingerprint_of(b"new text")
    assert on.ledger.intents == {}


async def test_two_synced_files_cost_no_call() -> None:
    on = stage()
    on.synced("a.md", b"a")
    on.synced("b.md", b"b")
    report = await run_pool(on, ["a.md", "b.md"])
    assert on.server.calls == []
    assert report.done == {}


@pytest.mark.parametrize("fault", [UNSENT, NotReady(WHY, 5.0), Throttled(30.0)])
async def test_a_call_that_did_not_happen_leaves_no_intent_and_is_made_later(
    fault: object,
) -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].append(fault)  # type: ignore[arg-type]
    seen = _watch_intents(on, "create", "named")
    report = await run_pool(on, ["a.md"])
    # looked up without one, created with one, and again
    assert [intent is not None for intent in seen[:4]] == [False, True, False, True]
    assert on.states() == {"a.md": "synced"}
    assert report.exit is Exit.OK


async def test_a_refusal_is_remembered_and_not_sent_again_until_the_file_changes() -> None:
    on = stage({"a.md": b"bad"})
    on.server.faults["create"].append(REFUSED)
    first = await run_pool(on, ["a.md"])
    assert on.ledger.rejections[A].fingerprint == fingerprint_of(b"bad")
    assert on.ledger.intents == {}
    assert first.exit is Exit.INCOMPLETE

    second = await run_pool(on, ["a.md"])
    assert on.server.count("create") == 1
    kind, why = second.stopped[A]
    assert (kind, why.message) == ("failed", say.HELD_REJECTED)
    assert "a test said so" in why.text

    on.source.write("a.md", b"better")
    third = await run_pool(on, ["a.md"])
    assert on.server.count("create") == 2
    assert on.states() == {"a.md": "synced"}
    assert on.ledger.rejections == {}
    assert third.exit is Exit.OK


async def test_a_refused_update_keeps_the_document_and_is_remembered() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.write("a.md", b"bad")
    on.server.faults["update"].append(REFUSED)
    for _ in range(3):
        await run_pool(on, ["a.md"])
    assert on.server.count("update") == 1
    assert [each.content for each in on.server.by_name("a.md")] == [b"old"]


async def test_a_file_edited_during_its_refused_upload_is_sent_again() -> None:
    on = stage({"a.md": b"bad"})
    on.server.faults["create"].append(REFUSED)
    on.server.on_call["create"] = lambda _: (
        on.source.write("a.md", b"better") if on.server.count("create") == 1 else None
    )
    await run_pool(on, ["a.md"])
    await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"better"]


async def test_a_torn_upload_keeps_no_stat_and_the_next_pass_hashes_the_file() -> None:
    on = stage({"a.md": b"hello"})
    on.source.unsteady.add("a.md")
    await run_pool(on, ["a.md"])
    entry = on.ledger.held[A]
    assert entry.stat is None
    assert entry.fingerprint == fingerprint_of(b"hello")


async def test_a_file_that_vanished_before_it_was_opened_sends_nothing() -> None:
    on = stage({"a.md": b"hello"})
    on.server.on_call["named"] = lambda _: on.source.files.pop("a.md", None)
    report = await run_pool(on, ["a.md"])
    assert on.server.count("create") == 0
    assert on.ledger.intents == {}
    assert report.exit is Exit.OK


async def test_an_update_of_a_document_that_is_gone_becomes_a_create() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    on.server.on_call["update"] = lambda _: on.server.documents.pop(entry.document_id, None)
    await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"new text"]
    assert on.ledger.held[A].document_id != entry.document_id


async def test_a_reply_with_another_id_is_a_conflict_with_a_command_that_can_be_typed() -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    foreign = on.server.put("a.md", b"theirs")
    del on.server.documents[foreign.id]

    def swap_them(_: str) -> None:
        """Between look-up and call ours is deleted and another of its name is made."""
        del on.server.documents[entry.document_id]
        on.server.documents[foreign.id] = foreign

    on.server.on_call["create"] = swap_them
    report = await run_pool(on, ["a.md"])
    _, why = report.stopped[A]
    assert why.message is say.CONFLICT_OTHER_ID
    assert why.next.startswith(f"kbsync docs get base-1 {foreign.id}")
    assert on.ledger.held[A] == entry
    assert on.ledger.intents == {}
    line = on.ledger.journal[-1]
    assert (line.outcome, line.document_id, line.detail) == ("stopped", foreign.id, why.text)


# -- ways to send an update ----------------------------------------------------------------------


async def _edited(on: Stage) -> str:
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    await run_pool(on, ["a.md"])
    return entry.document_id


async def test_where_update_calls_wedge_a_create_of_the_same_name_keeps_the_id() -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    seen = _watch_intents(on, "create")
    before = await _edited(on)
    assert (on.server.count("update"), on.server.count("create")) == (0, 1)
    (stored,) = on.server.by_name("a.md")
    assert (stored.id, stored.content) == (before, b"new text")
    assert on.ledger.held[A].document_id == before
    assert seen[0] is not None
    assert (seen[0].op, seen[0].document_id) == (Op.UPDATE, before)


@pytest.mark.parametrize("twin_enabled", [True, False])
async def test_where_the_name_is_not_unique_the_document_is_swapped(twin_enabled: bool) -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    twin = on.server.put("a.md", b"by hand", enabled=twin_enabled)
    before = await _edited(on)
    ours = [each for each in on.server.by_name("a.md") if each.id != twin.id]
    assert [each.content for each in ours] == [b"new text"]
    assert on.server.documents[twin.id].content == b"by hand"
    assert on.server.count("update") == 0
    if twin_enabled:
        assert ours[0].id != before
        assert on.ledger.held[A].superseded is None
    else:
        assert ours[0].id == before  # exactly one enabled document, and it is ours


async def test_where_creates_never_merge_the_document_is_swapped() -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(
        Capability.UPDATE_ENDS, able=False
    ).noting(Capability.MERGE_BY_NAME, able=False)
    before = await _edited(on)
    (stored,) = on.server.by_name("a.md")
    assert stored.id != before
    assert stored.content == b"new text"


def _knows_nothing(on: Stage, *, merges: bool) -> None:
    """The server tells no version, and nothing was seen of it yet."""
    on.server.capabilities = Capabilities(version="1.16.1").noting(
        Capability.MERGE_BY_NAME, able=merges
    )
    on.server.model.told = Capabilities()


async def test_where_nothing_is_known_a_create_of_the_same_name_is_tried() -> None:
    on = stage()
    _knows_nothing(on, merges=True)
    before = await _edited(on)
    assert (on.server.count("update"), on.server.count("create")) == (0, 1)
    (stored,) = on.server.by_name("a.md")
    assert (stored.id, stored.content) == (before, b"new text")
    assert on.ledger.held[A].superseded is None
    assert on.server.capabilities.proven(Capability.MERGE_BY_NAME)


async def test_a_second_document_that_the_try_made_replaces_the_first() -> None:
    on = stage()
    _knows_nothing(on, merges=False)
    before = await _edited(on)
    (stored,) = on.server.by_name("a.md")
    assert (stored.id != before, stored.content) == (True, b"new text")
    assert on.ledger.held[A].document_id == stored.id
    assert on.server.capabilities.state(Capability.MERGE_BY_NAME) is False


async def test_a_version_that_does_not_merge_after_all_is_known_for_it() -> None:
    on = stage()
    told = Capabilities(version="1.12.1")
    on.server.capabilities = told.noting(Capability.MERGE_BY_NAME, able=False)
    on.server.model.told = told
    before = await _edited(on)
    (stored,) = on.server.by_name("a.md")
    assert (stored.id != before, stored.content) == (True, b"new text")
    assert on.server.capabilities.state(Capability.MERGE_BY_NAME) is False


@pytest.mark.parametrize("merges", [True, False])
async def test_a_try_that_was_not_answered_leaves_one_document(merges: bool) -> None:
    on = stage()
    _knows_nothing(on, merges=merges)
    on.server.faults["create"].append(LOST)
    await _edited(on)
    for _ in range(3):
        await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"new text"]
    assert on.ledger.intents == {}
    assert on.states() == {"a.md": "synced"}


async def test_an_update_that_leaves_old_chunks_is_a_failure_that_can_be_retried() -> None:
    on = stage()
    on.server.leaving_names = {"a.md"}
    await _edited(on)
    kept = on.ledger.held[A]
    assert kept.state is EntryState.FAILED
    assert kept.reason is not None
    assert kept.reason[0] == say.FAILED_OLD_CHUNKS.code
    await run_pool(on, ["a.md"])
    assert on.server.count("update") == 1, "the same bytes end the same way"
    on.server.leaving_names.clear()
    on.source.write("a.md", b"newer text")
    await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    assert on.server.count("old_chunks") == 2


async def test_a_swap_leaves_no_moment_without_a_findable_document() -> None:
    on = stage(swap=True)
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    gaps: list[float] = []

    def look(_: str) -> None:
        shown = [on.server.show(each) for each in on.server.by_name("a.md")]
        if not any(each.readiness == "available" for each in shown):
            gaps.append(on.clock.now())

    for call in ("create", "delete", "document", "named", "page", "progress"):
        on.server.on_call[call] = look
    report = await run_pool(on, ["a.md"])
    assert gaps == []
    (stored,) = on.server.by_name("a.md")
    assert (stored.content, stored.id != entry.document_id) == (b"new text", True)
    kept = on.ledger.held[A]
    assert (kept.document_id, kept.superseded, kept.state.value) == (stored.id, None, "synced")
    assert report.exit is Exit.OK


async def test_a_failed_document_is_recovered_by_a_create_of_its_name() -> None:
    on = stage()
    entry = on.synced("a.md", b"old", state=EntryState.FAILED, failures=1)
    on.server.documents[entry.document_id].fate = FAILS
    await run_pool(on, ["a.md"])
    (stored,) = on.server.by_name("a.md")
    assert (stored.id, stored.fate) == (entry.document_id, FINE)
    assert on.server.count("update") == 0
    assert on.states() == {"a.md": "synced"}


async def test_a_failed_document_that_cannot_be_written_over_is_deleted_first() -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.MERGE_BY_NAME, able=False)
    entry = on.synced("a.md", b"old", state=EntryState.FAILED, failures=1)
    on.server.documents[entry.document_id].fate = FAILS
    seen = _watch_intents(on, "delete")
    await run_pool(on, ["a.md"])
    assert seen[0] is not None
    assert seen[0].op is Op.DELETE
    (stored,) = on.server.by_name("a.md")
    assert stored.id != entry.document_id
    assert on.states() == {"a.md": "synced"}


async def test_a_pipeline_never_writes_over_a_document() -> None:
    on = stage()
    on.world = replace(on.world, pipeline=True)
    before = await _edited(on)
    assert (on.server.count("update"), on.server.count("create")) == (0, 1)
    (stored,) = on.server.by_name("a.md")
    assert (stored.id != before, stored.content) == (True, b"new text")
    assert on.ledger.held[A].superseded is None


@pytest.mark.parametrize("fault", [LOST, UNSENT])
async def test_a_run_of_a_pipeline_without_an_answer_leaves_one_document(fault: object) -> None:
    on = stage()
    on.world = replace(on.world, pipeline=True)
    on.server.faults["create"].append(fault)  # type: ignore[arg-type]
    await _edited(on)
    for _ in range(3):
        await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"new text"]
    assert on.states() == {"a.md": "synced"}


async def test_a_document_that_a_pipeline_failed_at_is_deleted_first() -> None:
    on = stage()
    on.world = replace(on.world, pipeline=True)
    entry = on.synced("a.md", b"old", state=EntryState.FAILED, failures=1)
    on.server.documents[entry.document_id].fate = FAILS
    await run_pool(on, ["a.md"])
    (stored,) = on.server.by_name("a.md")
    assert stored.id != entry.document_id, "a create of its name would not write over it"
    assert on.states() == {"a.md": "synced"}


async def test_changed_settings_upload_the_same_bytes_once() -> None:
    on = stage()
    on.synced("a.md", b"old", fingerprint=replace(fingerprint_of(b"old"), settings="before"))
    await run_pool(on, ["a.md"])
    await run_pool(on, ["a.md"])
    assert on.server.count("update") == 1
    fingerprint = on.ledger.held[A].fingerprint
    assert fingerprint is not None
    assert fingerprint.settings == SETTINGS


async def test_an_upload_is_followed() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    case = await EvidenceCollector(context=on.world).case(A)
    action = Update(
        key=A, row="T17", cause=Cause.EDITED, stat=case.local.stat, document_id=entry.document_id
    )
    assert await update(on.world, case, action) == Follow(entry.document_id)
    assert on.ledger.held[A].state is EntryState.INDEXING
