"""An edit of a document that was cut here writes the chunks that changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from declared import one_rule

from kbsync.engine.observe.cut_documents import digest
from kbsync.engine.observe.remote_state import refresh
from kbsync.model import EntryState
from kbsync.model.declared import OFF
from kbsync.model.document_rule import CHUNK_SEPARATOR

from .fakes import Stage, run_pool, stage
from .server import LOST, REFUSED, UNSENT, Late
from .words import SETTINGS, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")
TEXTS = [f"chunk {number}" for number in range(10)]


def joined(texts: list[str]) -> bytes:
    return "".join(text + CHUNK_SEPARATOR for text in texts).encode()


async def cut_document(texts: list[str] | None = None, **declared: object) -> Stage:
    """A synced document that was sent cut."""
    on = stage({"a.md": joined(texts or TEXTS)})
    rules = one_rule(SETTINGS, update_strategy="chunks", **declared)
    on.world = replace(on.world, mirror=replace(on.world.mirror, document_rules=rules))
    await run_pool(on, ["a.md"])
    return on


def stored(on: Stage) -> list[str]:
    (document,) = on.server.by_name("a.md")
    return sorted(document.cut.values())


def edited(place: int = 4, text: str = "new words") -> list[str]:
    return [*TEXTS[:place], text, *TEXTS[place + 1 :]]


async def test_one_chunk_is_added_and_one_deleted() -> None:
    on = await cut_document()
    before = on.ledger.held[A]
    on.source.edit("a.md", joined(edited()))
    report = await run_pool(on, ["a.md"])
    assert stored(on) == sorted(edited())
    assert (on.server.count("add_chunks"), on.server.count("delete_chunk")) == (1, 1)
    assert on.server.count("update") == 0
    entry = on.ledger.held[A]
    assert (entry.state, entry.rev) == (EntryState.SYNCED, before.rev)
    assert entry.chunks == digest(edited())
    assert entry.stat == on.source.files["a.md"].stat
    assert report.done == {"update": 1}
    assert [line.detail for line in on.ledger.journal if line.action == "update"] == ["edited"]
    await run_pool(on, ["a.md"])
    assert on.server.count("add_chunks") == 1


async def test_what_is_new_is_there_before_what_is_old_goes() -> None:
    on = await cut_document()
    on.source.edit("a.md", joined(edited()))
    seen: list[list[str]] = []
    on.server.on_call["delete_chunk"] = lambda _: seen.append(stored(on))
    await run_pool(on, ["a.md"])
    (amid,) = seen
    assert {"new words", TEXTS[4]} <= set(amid)


async def test_a_second_edit_after_the_order_changed() -> None:
    on = await cut_document()
    on.source.edit("a.md", joined(edited()))
    await run_pool(on, ["a.md"])
    on.source.edit("a.md", joined(TEXTS[:-1]))
    await run_pool(on, ["a.md"])
    assert stored(on) == sorted(TEXTS[:-1])
    assert on.server.count("update") == 0


async def test_much_that_changed_is_one_update() -> None:
    on = await cut_document()
    on.source.edit("a.md", joined([*"abcdef", *TEXTS[6:]]))
    await run_pool(on, ["a.md"])
    assert on.server.count("update") == 1
    assert stored(on) == sorted([*"abcdef", *TEXTS[6:]])


async def test_chunks_that_somebody_edited_are_sent_as_a_whole_with_the_next_edit() -> None:
    on = await cut_document()
    (document,) = on.server.by_name("a.md")
    document.cut[next(iter(document.cut))] = "by hand"
    on.source.edit("a.md", joined(edited()))
    await run_pool(on, ["a.md"])
    assert on.server.count("update") == 1
    assert stored(on) == sorted(edited())


async def test_a_chunk_that_was_edited_there_is_drift_and_is_written_anew_alone() -> None:
    on = await cut_document()
    (document,) = on.server.by_name("a.md")
    document.cut[next(iter(document.cut))] = "by hand, and longer"
    document.edits += 11
    report = await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert stored(on) == sorted(TEXTS)
    assert on.server.count("update") == 0
    assert report.done == {"update": 1}


@pytest.mark.parametrize("enabled_there", [False, True])
async def test_a_chunk_edited_there_of_what_is_declared_disabled_is_written_anew_in_one_step(
    enabled_there: bool,
) -> None:
    on = await cut_document(enabled=False, profile=f"off{OFF}")
    (document,) = on.server.by_name("a.md")
    assert not document.enabled
    document.cut[next(iter(document.cut))] = "by hand, and longer"
    document.edits += 11
    document.enabled = enabled_there
    report = await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert stored(on) == sorted(TEXTS)
    assert not document.enabled
    assert report.done == {"update": 1, "switch": 1}
    assert on.server.count("update") == 0
    assert on.ledger.held[A].profile == f"off{OFF}"


async def test_an_edit_of_what_is_declared_disabled_writes_its_chunks_alone() -> None:
    on = await cut_document(enabled=False, profile=f"off{OFF}")
    (document,) = on.server.by_name("a.md")
    on.source.edit("a.md", joined(edited()))
    report = await run_pool(on, ["a.md"])
    assert stored(on) == sorted(edited())
    assert not document.enabled
    assert report.done == {"update": 1, "switch": 1}
    assert on.server.count("update") == 0


async def test_rows_in_error_lead_to_a_whole_update() -> None:
    on = await cut_document()
    on.server.chunks_taken = 0
    on.source.edit("a.md", joined(edited()))
    await run_pool(on, ["a.md"])
    assert on.server.count("update") == 1
    assert stored(on) == sorted(edited())


@pytest.mark.parametrize("call", ["add_chunks", "delete_chunk"])
@pytest.mark.parametrize("fault", [LOST, UNSENT, REFUSED, Late(30.0)], ids=str)
async def test_whatever_becomes_of_a_call_no_chunk_is_lost_or_doubled(
    call: str, fault: object
) -> None:
    on = await cut_document()
    on.server.faults[call].append(fault)  # type: ignore[arg-type]
    on.source.edit("a.md", joined(edited()))
    await run_pool(on, ["a.md"])
    await on.clock.sleep(on.world.mirror.config.ambiguity_window)
    await run_pool(on, ["a.md"])
    assert stored(on) == sorted(edited())
    assert on.ledger.held[A].state is EntryState.SYNCED
    assert not on.ledger.intents


async def test_other_strategies_do_not_write_chunks() -> None:
    on = stage({"a.md": joined(TEXTS)})
    await run_pool(on, ["a.md"])
    on.source.edit("a.md", joined(edited()))
    await run_pool(on, ["a.md"])
    assert (on.server.count("update"), on.server.count("add_chunks")) == (1, 0)


async def test_a_refused_addition_leaves_what_is_known_of_the_document() -> None:
    on = await cut_document()
    before = on.ledger.held[A]
    on.source.edit("a.md", joined(edited()))
    on.server.faults["add_chunks"].append(REFUSED)
    on.server.on_call["update"] = lambda _: known.append(on.ledger.held[A].fingerprint)
    known: list[object] = []
    await run_pool(on, ["a.md"])
    assert known == [before.fingerprint]
    assert stored(on) == sorted(edited())


async def test_drift_that_no_chunk_shows_is_mended_by_an_upload() -> None:
    on = await cut_document()
    (document,) = on.server.by_name("a.md")
    document.edits += 11
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert on.server.count("update") == 1
    assert document.edits == 0
