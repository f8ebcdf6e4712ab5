"""Marks that contradict the ledger: it is put back from a backup, or a mark landed late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.observe.contradicting_marks import catch_up
from kbsync.engine.observe.remote_state import refresh
from kbsync.model import EntryState, Intent, LedgerEntry, Op
from kbsync.planning.marks import values_hash

from .fakes import Stage, stage
from .words import fingerprint_of, key_of

pytestmark = pytest.mark.anyio
MARKED = "read back"


def _moved(on: Stage, old: str, new: str) -> LedgerEntry:
    """Its document was moved from `old` to `new`, and the ledger does not know."""
    entry = _marked(on, old, new)
    on.source.remove(old)
    return entry


def _marked(on: Stage, path: str, mark: str) -> LedgerEntry:
    """A file and its document, of which the ledger says that its mark was read back."""
    entry = on.synced(path, path.encode(), metadata_hash=MARKED)
    on.server.mark(on.server.documents[entry.document_id], mark)
    return entry


def _hashes(on: Stage) -> dict[str, str | None]:
    return {key.path: entry.metadata_hash for key, entry in on.ledger.held.items()}


async def _caught_up(on: Stage, **listing: bool) -> dict[str, str]:
    listed = await refresh(on.world)
    states = [on.source.look(key.path) for key in on.ledger.held]
    more = catch_up(on.world, replace(listed, **listing), states)
    assert {state.key for state in [*states, *more]} >= on.ledger.held.keys()
    return {key.path: entry.document_id for key, entry in on.ledger.held.items()}


async def test_the_entry_goes_where_the_mark_says() -> None:
    on = stage()
    before = _moved(on, "a.md", "b.md")
    assert await _caught_up(on) == {"b.md": before.document_id}
    after = on.ledger.held[key_of("b.md")]
    assert after.fingerprint == fingerprint_of(b"a.md")
    assert (after.state, after.stat) == (EntryState.SYNCED, before.stat)
    assert after.document_name == "a.md"
    assert (after.rev, after.word_count) == (before.rev, before.word_count)
    assert after.metadata_hash not in (None, MARKED)
    assert [(line.action, line.path, line.detail) for line in on.ledger.journal] == [
        ("move", "b.md", "from a.md")
    ]
    held = dict(on.ledger.held)
    await _caught_up(on)
    assert on.ledger.held == held


async def test_rows_and_rings() -> None:
    on = stage()
    a, b = _moved(on, "a.md", "b.md"), _moved(on, "b.md", "c.md")
    p, q = _moved(on, "p.md", "q.md"), _moved(on, "q.md", "p.md")
    assert await _caught_up(on) == {
        "b.md": a.document_id,
        "c.md": b.document_id,
        "q.md": p.document_id,
        "p.md": q.document_id,
    }


async def test_what_was_edited_since_too_is_what_its_mark_says() -> None:
    on = stage()
    entry = _moved(on, "a.md", "b.md")
    on.ledger.held[entry.key] = replace(entry, fingerprint=fingerprint_of(b"before"))
    await _caught_up(on)
    after = on.ledger.held[key_of("b.md")]
    assert (after.fingerprint, after.stat) == (fingerprint_of(b"a.md"), None)


async def test_an_entry_without_a_mark_that_was_read_back_is_the_newer_one() -> None:
    on = stage()
    entry = _moved(on, "a.md", "b.md")
    on.ledger.held[entry.key] = replace(entry, metadata_hash=None)
    assert await _caught_up(on) == {"a.md": entry.document_id}


async def test_a_copied_mark_says_nothing() -> None:
    on = stage()
    entry = _moved(on, "a.md", "b.md")
    on.server.documents[entry.document_id].metadata["kbsync_rev"] = "another"
    assert await _caught_up(on) == {"a.md": entry.document_id}


async def test_of_two_that_claim_one_path_none_gets_it() -> None:
    on = stage()
    one, two = _moved(on, "a.md", "c.md"), _moved(on, "b.md", "c.md")
    three = _moved(on, "d.md", "a.md")  # and its own is not free then
    assert await _caught_up(on) == {
        "a.md": one.document_id,
        "b.md": two.document_id,
        "d.md": three.document_id,
    }


@pytest.mark.parametrize("complete", [True, False])
async def test_a_path_whose_document_is_gone_is_free_when_that_is_certain(complete: bool) -> None:
    on = stage()
    gone = on.synced("b.md", b"gone", metadata_hash=MARKED)
    del on.server.documents[gone.document_id]
    moved = _moved(on, "a.md", "b.md")
    after = await _caught_up(on, complete=complete)
    kept = {"a.md": moved.document_id, "b.md": gone.document_id}
    assert after == ({"b.md": moved.document_id} if complete else kept)


async def test_a_path_whose_document_stays_is_not_free() -> None:
    on = stage()
    stays, moved = on.synced("b.md", b"stays"), _moved(on, "a.md", "b.md")
    assert await _caught_up(on) == {"a.md": moved.document_id, "b.md": stays.document_id}


@pytest.mark.parametrize("path", ["a.md", "b.md"])
async def test_a_pending_call_comes_first(path: str) -> None:
    on = stage()
    moved = _moved(on, "a.md", "b.md")
    key = key_of(path)
    on.ledger.intents[key] = Intent(key=key, op=Op.UPDATE, name=path, started_at=0.0)
    assert await _caught_up(on) == {"a.md": moved.document_id}


async def test_a_document_still_indexing_is_followed() -> None:
    on = stage()
    moved = _moved(on, "a.md", "b.md")
    on.server.documents[moved.document_id].ready_at = on.clock.now() + 60
    await _caught_up(on)
    assert on.ledger.held[key_of("b.md")].state is EntryState.INDEXING


async def test_a_late_mark_of_before_a_move_gives_no_document_back() -> None:
    on = stage()
    late = _marked(on, "new.md", "old.md")
    assert await _caught_up(on) == {"new.md": late.document_id}
    assert _hashes(on) == {"new.md": None}
    assert not on.ledger.journal


async def test_a_late_mark_of_a_file_that_was_edited_since_is_left_to_its_update() -> None:
    on = stage()
    late = _marked(on, "new.md", "old.md")
    on.source.edit("new.md", b"edited")
    assert await _caught_up(on) == {"new.md": late.document_id}
    assert _hashes(on) == {"new.md": MARKED}


@pytest.mark.parametrize("kept", ["excluded", "locked", "emptied", "unmounted"])
async def test_a_late_mark_gives_no_document_away_whose_file_may_be_there(kept: str) -> None:
    on = stage()
    late = _marked(on, "d/new.md", "old.md")
    match kept:
        case "excluded":
            on.source.excluded = {"d/new.md"}
        case "locked":
            on.source.locked = {"d/"}
        case "emptied":
            on.source.edit("d/new.md", b"")
        case "unmounted":
            on.source.nested["d"] = False
            on.source.expect({"d"})
    assert await _caught_up(on) == {"d/new.md": late.document_id}
    assert _hashes(on) == {"d/new.md": MARKED}


async def test_a_late_mark_in_a_ring_is_written_again() -> None:
    on = stage()
    one, two = _marked(on, "a.md", "b.md"), _marked(on, "b.md", "b.md")
    on.ledger.held[two.key] = replace(two, metadata_hash=_read_back(on, two))
    assert await _caught_up(on) == {"a.md": one.document_id, "b.md": two.document_id}
    assert _hashes(on) == {"a.md": None, "b.md": _read_back(on, two)}


def _read_back(on: Stage, entry: LedgerEntry) -> str:
    return values_hash(on.server.documents[entry.document_id].metadata)


async def test_late_marks_in_a_row_of_moves_are_written_again() -> None:
    on = stage()
    one, two = _marked(on, "b.md", "a.md"), _marked(on, "c.md", "b.md")
    assert await _caught_up(on) == {"b.md": one.document_id, "c.md": two.document_id}
    assert _hashes(on) == {"b.md": None, "c.md": None}


async def test_two_late_marks_of_one_path_are_both_written_again() -> None:
    on = stage({"z.md": b"moved away and written anew"})
    _marked(on, "a.md", "z.md")
    _marked(on, "b.md", "z.md")
    await _caught_up(on)
    assert _hashes(on) == {"a.md": None, "b.md": None}


@pytest.mark.parametrize("path", ["a.md", "b.md"])
async def test_a_mark_is_not_written_again_while_a_call_is_pending(path: str) -> None:
    on = stage({"b.md": b"another"})
    _marked(on, "a.md", "b.md")
    key = key_of(path)
    on.ledger.intents[key] = Intent(key=key, op=Op.UPDATE, name=path, started_at=0.0)
    await _caught_up(on)
    assert _hashes(on) == {"a.md": MARKED}


async def test_a_newer_upload_is_followed_though_another_file_stands_there() -> None:
    on = stage()
    moved = _marked(on, "a.md", "b.md")
    on.ledger.held[moved.key] = replace(moved, rev="an older one")
    assert await _caught_up(on) == {"b.md": moved.document_id}


async def test_a_mark_is_followed_where_another_document_is_marked_for_the_file() -> None:
    on = stage()
    moved = _marked(on, "a.md", "b.md")
    on.server.mark(on.server.put("a~2.md", b"sent by the newer ledger"), "a.md")
    assert await _caught_up(on) == {"b.md": moved.document_id}


async def test_a_mark_is_followed_to_a_path_that_may_hold_a_file() -> None:
    on = stage()
    moved = _marked(on, "a.md", "d/b.md")
    on.source.locked = {"d/"}
    assert await _caught_up(on) == {"d/b.md": moved.document_id}


@pytest.mark.parametrize(("owner", "again"), [("ours", True), ("theirs", False), ("", False)])
async def test_a_late_mark_of_before_the_mirror_was_renamed(owner: str, again: bool) -> None:
    on = stage()
    on.world = replace(on.world, owner="ours" if owner else "")
    entry = _marked(on, "a.md", "a.md")
    metadata = on.server.documents[entry.document_id].metadata
    metadata |= {"kbsync_mirror": "before", "kbsync_owner": owner}
    await _caught_up(on)
    assert _hashes(on) == {"a.md": None if again else MARKED}
