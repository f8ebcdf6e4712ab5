"""Calls whose end was not seen: a lost reply, a lost call, a late effect, an ended process."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute.recovery import find_resolution
from kbsync.messages import Exit, Problem
from kbsync.messages import engine as say
from kbsync.model import EntryState, Intent, Op, Unauthorized
from kbsync.planning.recovery_table import DropEntry

from .fakes import Stage, run_pool, stage
from .server import DROPPED, LOST, Late
from .words import EPOCH, WHY, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")
W = 900.0


def _only(on: Stage, name: str, content: bytes) -> None:
    """The document is there exactly once, the ledger's, with this content, and settled."""
    (stored,) = on.server.by_name(name)
    assert stored.content == content
    entry = on.ledger.held[key_of(name)]
    assert (entry.document_id, entry.state) == (stored.id, EntryState.SYNCED)
    assert entry.fingerprint == fingerprint_of(content)
    assert on.ledger.intents == {}
    assert on.server.overlaps == []


async def test_a_create_whose_reply_was_lost_is_taken_over_and_sent_again_once() -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].append(LOST)
    report = await run_pool(on, ["a.md"])
    _only(on, "a.md", b"hello")
    assert (on.server.count("create"), on.server.count("update")) == (1, 1)
    assert report.exit is Exit.OK


async def test_a_create_that_lands_late_is_found_and_never_doubled() -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].append(Late(after=120.0))
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"hello")
    assert (on.server.count("create"), on.server.count("update")) == (1, 1)
    assert on.clock.now() - EPOCH < W


async def test_a_create_that_never_landed_is_held_until_the_window_is_over() -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].append(DROPPED)
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"hello")
    first, second = on.server.times("create")
    assert W <= second - first < W + 10


async def test_until_the_window_is_over_the_intent_stays() -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].append(DROPPED)
    with anyio.move_on_after(W - 60):
        await run_pool(on, ["a.md"])
    assert on.ledger.intents[A].op is Op.CREATE
    assert on.ledger.held == {}
    assert on.server.count("create") == 1


async def test_without_waiting_an_ambiguous_call_ends_as_waiting() -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].append(DROPPED)
    report = await run_pool(on, ["a.md"], wait=False)
    assert report.waiting == 1
    assert report.exit is Exit.INCOMPLETE
    assert A in on.ledger.intents


@pytest.mark.parametrize("fault", [LOST, DROPPED])
async def test_an_ambiguous_update_ends_with_the_new_content_in_the_same_document(
    fault: str,
) -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    on.server.faults["update"].append(fault)
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"new text")
    assert on.ledger.held[A].document_id == entry.document_id
    first, second = on.server.times("update")
    if fault == DROPPED:
        assert second - first >= W


async def test_a_lost_reply_to_a_swap_finds_the_new_document_and_removes_the_old() -> None:
    on = stage(swap=True)
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    on.server.faults["create"].append(LOST)
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"new text")
    assert entry.document_id not in on.server.documents


@pytest.mark.parametrize("fault", [LOST, DROPPED])
async def test_an_ambiguous_delete_ends_with_the_document_gone(fault: str) -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.faults["delete"].append(fault)
    report = await run_pool(on, ["a.md"])
    assert on.server.documents == {}
    assert (on.ledger.held, on.ledger.intents) == ({}, {})
    assert on.server.count("delete") == (1 if fault == LOST else 2)
    assert report.exit is Exit.OK


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (EntryState.SYNCED, "removed"),
        (EntryState.INDEXING, "removed"),
        (EntryState.FAILED, "recover"),
    ],
)
async def test_a_removal_that_a_crash_cut_off_counts_although_its_file_is_back(
    state: EntryState, cause: str
) -> None:
    on = stage()
    entry = replace(on.synced("a.md", b"text"), state=state)
    on.ledger.held[A] = entry
    on.ledger.intents[A] = Intent(
        key=A, op=Op.DELETE, name="a.md", started_at=0.0, document_id=entry.document_id
    )
    on.server.documents.clear()
    await run_pool(on, ["a.md"])
    (line,) = [each for each in on.ledger.journal if each.action == "delete"]
    assert (line.detail, line.document_id) == (cause, entry.document_id)
    _only(on, "a.md", b"text")


@pytest.mark.parametrize("state", [EntryState.SYNCED, EntryState.INDEXING])
async def test_what_a_late_delete_may_hit_replaces_nothing_once_its_file_is_back(
    state: EntryState,
) -> None:
    on = stage(swap=True)
    old = on.server.put("a.md", b"old")
    entry = replace(on.synced("a.md", b"new"), state=state, superseded=old.id)
    on.ledger.held[A] = entry
    on.ledger.intents[A] = Intent(
        key=A,
        op=Op.DELETE,
        name="a.md",
        started_at=on.clock.now(),
        document_id=entry.document_id,
    )
    with anyio.move_on_after(W - 60):
        await run_pool(on, ["a.md"])
    assert on.ledger.intents[A].op is Op.DELETE
    assert old.id in on.server.documents
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"new")


@pytest.mark.parametrize("landed", [True, False])
async def test_a_killed_process_left_an_intent_and_the_next_one_accounts_for_it(
    landed: bool,
) -> None:
    on = stage({"a.md": b"hello"})
    started = on.clock.now()
    on.ledger.intents[A] = Intent(key=A, op=Op.CREATE, name="a.md", started_at=started)
    if landed:
        on.server.put("a.md", b"hello")
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"hello")
    assert on.server.count("create") == (0 if landed else 1)


async def test_what_bore_the_name_before_the_call_is_never_taken_over() -> None:
    on = stage({"a.md": b"hello"})
    theirs = on.server.put("a.md", b"theirs")
    seen = frozenset({theirs.id})
    on.ledger.intents[A] = Intent(
        key=A, op=Op.CREATE, name="a.md", started_at=on.clock.now(), ids_seen=seen
    )
    report = await run_pool(on, ["a.md"])
    _, why = report.stopped[A]
    assert why.message is say.CONFLICT_FOREIGN_NAME
    assert theirs.content == b"theirs"
    assert (on.ledger.held, on.ledger.intents) == ({}, {})


async def test_an_update_of_a_document_that_is_gone_drops_entry_and_intent() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    on.ledger.intents[A] = Intent(
        key=A, op=Op.UPDATE, name="a.md", started_at=0.0, document_id=entry.document_id
    )
    on.server.documents.clear()
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"old")
    assert on.server.count("create") == 1


async def test_a_delete_of_another_document_leaves_the_entry_alone() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.ledger.intents[A] = Intent(
        key=A, op=Op.DELETE, name="a.md", started_at=0.0, document_id="extra"
    )
    assert await find_resolution(on.world, on.ledger.intents[A]) == DropEntry()
    await run_pool(on, ["a.md"])
    _only(on, "a.md", b"old")
    assert on.server.count("create") == 0


@pytest.mark.parametrize("op", [Op.UPDATE, Op.DELETE])
async def test_while_the_base_is_gone_nothing_is_accounted_for(op: Op) -> None:
    on = stage()
    entry = on.synced("a.md", b"old")
    intent = Intent(key=A, op=op, name="a.md", started_at=0.0, document_id=entry.document_id)
    on.ledger.intents[A] = intent
    on.server.base_there = False
    with pytest.raises(Problem) as caught:
        await run_pool(on, ["a.md"])
    assert caught.value.notice.message is say.BASE_GONE
    assert on.ledger.held[A] == entry
    assert on.ledger.intents[A] == intent


async def test_a_key_that_may_not_look_ends_the_pass_and_keeps_the_intent() -> None:
    on = stage({"a.md": b"hello"})
    intent = Intent(key=A, op=Op.CREATE, name="a.md", started_at=on.clock.now())
    on.ledger.intents[A] = intent
    on.server.always["named"] = Unauthorized(WHY)  # type: ignore[assignment]
    with pytest.raises(Problem):
        await run_pool(on, ["a.md"])
    assert on.ledger.intents[A] == intent


async def test_many_lost_replies_make_no_duplicates() -> None:
    files = {f"{n}.md": f"text {n}".encode() for n in range(12)}
    on = stage(files)
    on.server.faults["create"].extend([LOST, None, DROPPED, Late(30.0)] * 3)
    on.server.faults["update"].extend([LOST, DROPPED, None])
    await run_pool(on, sorted(files))
    for name, content in files.items():
        _only(on, name, content)
    assert len(on.server.documents) == 12
