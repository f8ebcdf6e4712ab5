"""A ledger put back from a backup, and documents that moved since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.observe.restored_ledger import catch_up
from kbsync.model import EntryState, Intent, LedgerEntry, Op

from .fakes import Stage, stage
from .words import fingerprint_of, key_of

pytestmark = pytest.mark.anyio
MARKED = "read back"


def _moved(on: Stage, old: str, new: str) -> LedgerEntry:
    """Its document was moved from `old` to `new`, and the ledger does not know."""
    entry = on.synced(old, old.encode(), metadata_hash=MARKED)
    on.server.mark(on.server.documents[entry.document_id], new)
    return entry


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
