"""A document that moved keeps its visible name: nothing is ever written over it for that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.observe.remote_state import refresh
from kbsync.messages import engine as say
from kbsync.model import Capability, LedgerEntry

from .fakes import Stage, run_pool, stage
from .words import key_of

pytestmark = pytest.mark.anyio


def _moved(on: Stage, old: str, new: str, content: bytes) -> LedgerEntry:
    """A document of ours that was renamed here since it was uploaded."""
    entry = on.synced(old, content)
    del on.ledger.held[entry.key]
    on.source.remove(old)
    stat = on.source.write(new, content)
    entry = replace(entry, key=key_of(new), stat=stat)
    on.ledger.held[entry.key] = entry
    return entry


def _shown(on: Stage) -> dict[str, bytes]:
    return {each.name: each.content for each in on.server.documents.values()}


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("merges", [False, True])
async def test_a_new_file_at_the_old_path_is_a_document_beside_the_moved_one(
    listed: bool, merges: bool
) -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.MERGE_BY_NAME, merges)
    moved = _moved(on, "a.md", "b.md", b"moved")
    on.source.write("a.md", b"new here")
    listing = await refresh(on.world) if listed else None
    report = await run_pool(on, ["a.md", "b.md"], listing=listing)
    assert report.done == {"create": 1}
    assert _shown(on) == {"a.md": b"moved", "a%~2.md": b"new here"}
    assert on.server.documents[moved.document_id].content == b"moved"
    assert on.states() == {"a.md": "synced", "b.md": "synced"}


async def test_the_third_file_of_a_path_gets_a_third_name() -> None:
    on = stage()
    _moved(on, "a.md", "b.md", b"first")
    on.source.write("a.md", b"second")
    await run_pool(on, ["a.md"])
    second = on.ledger.held.pop(key_of("a.md"))
    on.ledger.held[key_of("c.md")] = replace(second, key=key_of("c.md"))
    on.source.write("a.md", b"third")
    await run_pool(on, ["a.md"])
    assert _shown(on) == {"a.md": b"first", "a%~2.md": b"second", "a%~3.md": b"third"}


async def test_the_next_update_gives_a_moved_document_the_name_of_its_path() -> None:
    on = stage()
    moved = _moved(on, "a.md", "b.md", b"moved")
    on.source.write("b.md", b"moved and edited")
    await run_pool(on, ["b.md"])
    assert _shown(on) == {"b.md": b"moved and edited"}
    assert on.ledger.held[key_of("b.md")].document_id == moved.document_id
    assert on.ledger.held[key_of("b.md")].document_name == "b.md"


@pytest.mark.parametrize("swap", [False, True])
async def test_a_name_another_moved_document_bears_is_left_to_it(swap: bool) -> None:
    on = stage(swap=swap)
    _moved(on, "b.md", "c.md", b"was b, is c")
    _moved(on, "a.md", "b.md", b"was a, is b")
    on.source.write("b.md", b"was a, is b, edited")
    await run_pool(on, ["b.md"])
    assert _shown(on) == {"b.md": b"was b, is c", "a.md": b"was a, is b, edited"}


async def test_a_document_replaced_by_a_second_one_takes_the_name_of_its_path() -> None:
    on = stage(swap=True)
    _moved(on, "a.md", "b.md", b"moved")
    on.source.write("b.md", b"moved and edited")
    await run_pool(on, ["b.md"])
    assert _shown(on) == {"b.md": b"moved and edited"}


async def test_a_server_that_cannot_rename_keeps_the_old_name_and_the_id() -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    moved = _moved(on, "a.md", "b.md", b"moved")
    on.source.write("b.md", b"moved and edited")
    await run_pool(on, ["b.md"])
    assert _shown(on) == {"a.md": b"moved and edited"}
    assert on.ledger.held[key_of("b.md")].document_id == moved.document_id


async def test_a_moved_document_that_is_gone_is_made_again_under_the_name_of_its_path() -> None:
    on = stage()
    moved = _moved(on, "a.md", "b.md", b"moved")
    del on.server.documents[moved.document_id]
    on.server.put("b.md", b"foreign")
    listing = await refresh(on.world)
    report = await run_pool(on, ["b.md"], listing=listing)
    assert report.stopped[key_of("b.md")][1].message is say.CONFLICT_FOREIGN_NAME
    on.server.documents.clear()
    await run_pool(on, ["b.md"], listing=await refresh(on.world))
    assert _shown(on) == {"b.md": b"moved"}


async def test_a_foreign_document_of_our_name_is_still_a_conflict() -> None:
    on = stage({"a.md": b"ours"})
    on.server.put("a.md", b"theirs")
    report = await run_pool(on, ["a.md"])
    assert report.stopped[key_of("a.md")][1].message is say.CONFLICT_FOREIGN_NAME
    assert _shown(on) == {"a.md": b"theirs"}


@pytest.mark.parametrize("listed", [False, True])
async def test_a_mark_that_is_one_move_behind_makes_no_orphan(listed: bool) -> None:
    on = stage()
    moved = _moved(on, "a.md", "b.md", b"moved")
    on.server.mark(on.server.documents[moved.document_id], "a.md")
    listing = await refresh(on.world) if listed else None
    await run_pool(on, ["a.md"], listing=listing)
    assert _shown(on) == {"a.md": b"moved"}
    on.source.write("a.md", b"new here")
    await run_pool(on, ["a.md"], listing=await refresh(on.world) if listed else None)
    assert _shown(on) == {"a.md": b"moved", "a%~2.md": b"new here"}


async def test_a_mark_alone_says_that_a_name_is_taken() -> None:
    on = stage({"a.md": b"new here", "b.md": b"moved"})
    on.server.mark(on.server.put("a.md", b"moved"), "b.md")
    listing = await refresh(on.world)
    await run_pool(on, ["a.md", "b.md"], listing=listing)
    assert _shown(on) == {"a.md": b"moved", "a%~2.md": b"new here"}
    assert on.states() == {"a.md": "synced", "b.md": "synced"}


async def test_both_documents_are_found_again_after_the_ledger_was_lost() -> None:
    on = stage({"a.md": b"new here", "b.md": b"moved"})
    on.server.mark(on.server.put("a.md", b"moved"), "b.md")
    on.server.mark(on.server.put("a%~2.md", b"new here"), "a.md")
    report = await run_pool(on, ["a.md", "b.md"], listing=await refresh(on.world))
    assert report.done == {"adopt": 2}
    assert on.server.count("create") == on.server.count("update") == 0
    assert on.states() == {"a.md": "synced", "b.md": "synced"}
