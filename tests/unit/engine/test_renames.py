"""Renames through a whole pass: what the server is asked for, and what stands there afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations

import pytest

from kbsync.engine.execute.renames import apply_renames
from kbsync.engine.execute.results import Report
from kbsync.engine.ports import EntryChange
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit
from kbsync.model import Capability, EntryState, FileState, Intent, Move, Op, Present

from .fakes import Stage, stage
from .words import key_of, sha

pytestmark = pytest.mark.anyio
SENDS = ("create", "update", "delete")


def _engine(on: Stage) -> Reconciler:
    return Reconciler(on.world.mirror, on.ledger, on.server, on.clock)


async def _pass(on: Stage, before: Callable[[], object] = lambda: None) -> Report:
    """One pass; `before` happens between its plan and its first call."""
    engine = _engine(on)
    planned = await engine.plan()
    before()
    return await engine.apply(planned, observe=on.events.append)


async def _settled(files: Mapping[str, bytes], **settings: object) -> Stage:
    """A folder that was mirrored; what the server was asked until then is forgotten."""
    on = stage(files, settle=0.0, **settings)
    await _pass(on)
    on.server.calls.clear()
    on.events.clear()
    return on


def _rename(on: Stage, **names: str) -> None:
    """Rename files to what `names` says, all at once."""
    files = {old: on.source.files.pop(old).content for old in names}
    for old, new in names.items():
        on.source.write(new, files[old])


def _sent(on: Stage) -> dict[str, int]:
    return {call: on.server.count(call) for call in SENDS if on.server.count(call)}


def _held(on: Stage) -> dict[str, bytes]:
    """The content of the document that the ledger holds for each path."""
    documents = on.server.documents
    return {key.path: documents[e.document_id].content for key, e in on.ledger.held.items()}


def _assert_settled(on: Stage) -> None:
    assert _held(on) == on.source.contents()
    assert len(on.server.documents) == len(on.source.files)
    assert set(on.states().values()) <= {"synced"}
    assert all(entry.key == key for key, entry in on.ledger.held.items())


async def test_a_rename_sends_nothing_and_keeps_the_document() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    before = on.ledger.held[key_of("a.md")]
    _rename(on, **{"a.md": "b/a.md"})
    planned = await _engine(on).plan()
    assert planned.plan.counts == {"move": 1}
    report = await _pass(on)
    # The mark with the new path belongs to the move.
    assert (_sent(on), report.done, report.exit) == ({}, {"move": 1}, Exit.OK)
    _assert_settled(on)
    after = on.ledger.held[key_of("b/a.md")]
    assert (after.document_id, after.document_name) == (before.document_id, "a.md")
    assert (after.rev, after.word_count) == (before.rev, before.word_count)
    assert (await _engine(on).plan()).plan.actions == ()


async def test_both_paths_have_a_line_in_the_history() -> None:
    on = await _settled({"a.md": b"one"})
    on.ledger.journal.clear()
    _rename(on, **{"a.md": "b.md"})
    await _pass(on)
    lines = {each.path: each for each in on.ledger.journal if each.action == "move"}
    assert (lines["a.md"].detail, lines["b.md"].detail) == ("to b.md", "from a.md")
    assert lines["a.md"].document_id == lines["b.md"].document_id
    assert {each.outcome for each in lines.values()} == {"done"}
    (event,) = [event for event in on.events if event.action == "move"]
    assert (event.key, event.cause, event.outcome) == (key_of("b.md"), "from a.md", "done")


async def test_a_hundred_files_of_a_folder_move_and_a_hundred_new_ones_take_their_places() -> None:
    old = {f"old/{n:03}.md": f"file {n:03}".encode() for n in range(100)}
    on = await _settled(old)
    _rename(on, **{path: path.replace("old/", "new/") for path in old})
    report = await _pass(on)
    assert (_sent(on), report.done["move"]) == ({}, 100)
    _assert_settled(on)
    moved = dict(on.ledger.held)
    for path in old:
        on.source.write(path, b"another " + path.encode())
    on.server.calls.clear()
    report = await _pass(on)
    assert _sent(on) == {"create": 100}
    _assert_settled(on)
    assert all(on.ledger.held[key].document_id == moved[key].document_id for key in moved)


async def test_new_files_at_the_old_paths_in_the_same_pass_are_edits_and_creates() -> None:
    on = await _settled({"a.md": b"first"})
    _rename(on, **{"a.md": "b.md"})
    on.source.write("a.md", b"second")
    await _pass(on)
    assert _sent(on) == {"create": 1, "update": 1}
    _assert_settled(on)


PATHS = ("a.md", "b.md", "c.md")
SHUFFLES = list(permutations((*PATHS, "d.md", "e.md"), 3))


@pytest.mark.parametrize("order", SHUFFLES, ids=" ".join)
async def test_however_three_files_are_renamed_nothing_is_sent(order: tuple[str, ...]) -> None:
    """Rows, swaps and rings, and those that stay where they are."""
    files = {path: f"content of {path}".encode() for path in PATHS}
    on = await _settled(files)
    _rename(on, **dict(zip(files, order, strict=True)))
    report = await _pass(on)
    assert (_sent(on), report.exit) == ({}, Exit.OK)
    _assert_settled(on)
    assert report.done["move"] == sum(old != new for old, new in zip(files, order, strict=True))
    assert (await _engine(on).plan()).plan.actions == ()


async def test_names_that_went_round_come_right_with_the_next_edits() -> None:
    on = await _settled({"a.md": b"one", "b.md": b"two"})
    _rename(on, **{"a.md": "b.md", "b.md": "a.md"})
    await _pass(on)
    assert _sent(on) == {}
    for path in ("a.md", "b.md"):
        on.source.write(path, b"edited " + path.encode())
    await _pass(on)
    assert _sent(on) == {"update": 2}
    _assert_settled(on)
    on.source.write("new.md", b"new")
    await _pass(on)
    _assert_settled(on)


@pytest.mark.parametrize(
    ("files", "after"),
    [
        ({"a.md": b"same", "b.md": b"same"}, {"c.md": b"same", "d.md": b"same"}),
        ({"a.md": b"same"}, {"c.md": b"same", "d.md": b"same"}),
        ({"a.md": b"same", "b.md": b"same"}, {"c.md": b"same"}),
    ],
)
async def test_of_equal_files_none_is_known_to_have_moved(
    files: dict[str, bytes], after: dict[str, bytes]
) -> None:
    on = await _settled(files)
    on.source.files.clear()
    for path, content in after.items():
        on.source.write(path, content)
    on.source.write("kept.md", b"so that the folder is not a strange one")
    planned = await _engine(on).plan()
    assert not any(isinstance(action, Move) for action in planned.plan.actions)
    assert planned.plan.counts == {"create": len(after) + 1, "delete": len(files)}


async def test_a_server_without_metadata_gets_a_create_and_a_delete() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    on.server.capabilities = on.server.capabilities.noting(Capability.METADATA, able=False)
    _rename(on, **{"a.md": "b.md"})
    await _pass(on)
    assert _sent(on) == {"create": 1, "delete": 1}
    _assert_settled(on)


async def test_other_settings_since_the_upload_are_no_move() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    entry = on.ledger.held[key_of("a.md")]
    assert entry.fingerprint is not None
    other = replace(entry.fingerprint, settings="others")
    on.ledger.held[entry.key] = replace(entry, fingerprint=other)
    _rename(on, **{"a.md": "b.md"})
    planned = await _engine(on).plan()
    assert planned.plan.counts == {"create": 1, "delete": 1}


async def test_only_new_files_of_a_removed_files_size_are_read_for_it() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    on.source.write("longer.md", b"longer")
    read: list[str] = []
    hashed = on.source.read
    on.source.read = lambda path, taken=None, known=None: read.append(path) or hashed(path)  # type: ignore[func-returns-value, method-assign]
    await _engine(on).plan()
    assert read == ["b.md"]


# -- the folder changed after the plan -----------------------------------------------------------


async def test_a_file_that_came_back_keeps_its_document_and_the_new_one_gets_its_own() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    before = on.ledger.held[key_of("a.md")].document_id
    _rename(on, **{"a.md": "b.md"})
    await _pass(on, lambda: on.source.write("a.md", b"one"))
    assert _sent(on) == {"create": 1}
    assert on.ledger.held[key_of("a.md")].document_id == before
    _assert_settled(on)


async def test_a_file_edited_after_the_plan_is_uploaded_and_the_document_waits_for_a_plan() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    report = await _pass(on, lambda: on.source.write("b.md", b"One"))
    assert _sent(on) == {"create": 1}
    assert report.exit is Exit.INCOMPLETE
    assert key_of("a.md") in report.stopped
    report = await _pass(on)
    assert _sent(on) == {"create": 1, "delete": 1}
    assert report.exit is Exit.OK
    _assert_settled(on)


async def test_a_new_file_that_vanished_after_the_plan_moves_nothing() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    await _pass(on, lambda: on.source.remove("b.md"))
    assert _sent(on) == {}
    await _pass(on)
    assert _sent(on) == {"delete": 1}
    _assert_settled(on)


async def test_one_file_of_a_ring_that_changed_leaves_the_whole_ring_to_its_uploads() -> None:
    on = await _settled({"a.md": b"one", "b.md": b"two", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md", "b.md": "a.md"})
    report = await _pass(on, lambda: on.source.write("b.md", b"odd"))
    assert _sent(on) == {"update": 2}
    assert report.exit is Exit.OK
    _assert_settled(on)


async def test_a_call_announced_meanwhile_is_accounted_for_first() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    key = key_of("b.md")
    pending = Intent(key=key, op=Op.CREATE, name="b.md", started_at=on.clock.now() - 10_000)
    report = await _pass(on, lambda: on.ledger.commit(EntryChange(key=key, intent=pending)))
    assert report.done["move"] == 0
    await _pass(on)
    _assert_settled(on)


async def test_half_a_ring_is_no_move() -> None:
    on = await _settled({"a.md": b"one", "b.md": b"two"})
    _rename(on, **{"a.md": "b.md", "b.md": "a.md"})
    engine = _engine(on)
    planned = await engine.plan()
    half = [action for action in planned.plan.actions if action.key == key_of("b.md")]
    planned = replace(planned, plan=replace(planned.plan, actions=tuple(half)))
    await engine.apply(planned, observe=on.events.append)
    await _pass(on)
    _assert_settled(on)


async def test_a_move_is_one_transaction_and_before_it_nothing_has_happened() -> None:
    on = await _settled({"a.md": b"one", "b.md": b"two"})
    _rename(on, **{"a.md": "b.md", "b.md": "a.md"})
    held = dict(on.ledger.held)
    together: list[int] = []
    commit_all = on.ledger.commit_all

    def counted(changes: list[EntryChange]) -> None:
        if any(line.action == "move" for change in changes for line in change.journal):
            assert on.ledger.held == held
            together.append(len(changes))
        commit_all(changes)

    on.ledger.commit_all = counted  # type: ignore[method-assign, assignment]
    await _pass(on)
    assert together == [2]


async def test_a_file_moved_back_after_a_backup_was_put_back_keeps_its_document() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    backup = dict(on.ledger.held)
    _rename(on, **{"a.md": "b.md"})
    await _pass(on)
    on.ledger.held = backup
    _rename(on, **{"b.md": "a.md"})
    await _pass(on)
    assert _sent(on) == {}
    _assert_settled(on)


async def test_a_mark_one_move_behind_brings_nothing_back() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    (stored,) = on.server.by_name("a.md")
    on.server.mark(stored, "a.md")
    _rename(on, **{"a.md": "b.md"})
    await _pass(on)
    on.server.mark(stored, "a.md")  # as if we had been killed before the mark was written
    moved = on.ledger.held[key_of("b.md")]
    on.ledger.held[moved.key] = replace(moved, metadata_hash=None)
    await _pass(on)
    assert _sent(on) == {}
    _assert_settled(on)
    assert isinstance(on.source.look("b.md"), Present)


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"state": EntryState.INDEXING},
        {"superseded": "another"},
        {"fingerprint": None},
        {"document_id": "another"},
    ],
    ids=lambda each: next(iter(each)),
)
async def test_a_move_of_what_the_ledger_says_otherwise_by_now_is_not_made(
    meanwhile: dict[str, object],
) -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    planned = await _engine(on).plan()
    moves = [action for action in planned.plan.actions if isinstance(action, Move)]
    key = key_of("a.md")
    on.ledger.held[key] = replace(on.ledger.held[key], **meanwhile)  # type: ignore[arg-type]
    before = dict(on.ledger.held)
    moved = await apply_renames(planned.context, moves, on.events.append)
    assert (moved.arrived, moved.left) == ((), (key,))
    assert (on.ledger.held, on.events) == (before, [])


async def test_a_move_of_what_is_not_held_any_more_is_not_made() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    planned = await _engine(on).plan()
    moves = [action for action in planned.plan.actions if isinstance(action, Move)]
    del on.ledger.held[key_of("a.md")]
    assert (await apply_renames(planned.context, moves, on.events.append)).arrived == ()
    assert key_of("b.md") not in on.ledger.held


async def test_a_new_file_that_was_written_since_it_was_met_is_no_move() -> None:
    on = await _settled({"a.md": b"one", "z.md": b"other"})
    _rename(on, **{"a.md": "b.md"})
    look = on.source.look

    def read(path: str, taken: str | None = None, known: object = None) -> FileState:
        on.source.write(path, b"two")
        return replace(look(path), content=sha(b"two"))  # type: ignore[call-arg]

    on.source.read = read  # type: ignore[method-assign]
    planned = await _engine(on).plan()
    assert planned.plan.counts == {"create": 1, "delete": 1}
