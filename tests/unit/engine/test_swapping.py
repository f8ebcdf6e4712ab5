"""Swap as a setting: the new document is found before the old one goes, with what others wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.reconciler import Reconciler
from kbsync.model import Capability, EntryState, Intent, Op, Stat
from kbsync.planning.marks import FIELDS
from tests.model.stored_document import Document

from .fakes import Stage, run_pool, stage
from .server import DROPPED, LOST, Late
from .words import EPOCH, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def edited(**metadata: str) -> Stage:
    """A document with values of others, whose file was edited."""
    on = stage(swap=True, settle=0.0)
    entry = on.synced("a.md", b"old")
    on.source.write("a.md", b"new")
    on.ledger.held[A] = replace(entry, metadata_hash=None)
    on.server.field_ids = {name: f"id-{name}" for name in (*FIELDS, *metadata)}
    on.server.documents[entry.document_id].metadata = dict(metadata)
    on.world = replace(on.world, fields=on.server.field_ids)
    return on


def the_document(on: Stage) -> Document:
    (document,) = on.server.by_name("a.md")
    return document


def others(document: Document) -> dict[str, str]:
    return {name: value for name, value in document.metadata.items() if name not in FIELDS}


async def test_values_of_others_go_over_before_the_old_one_goes() -> None:
    on = edited(title="by hand", author="Ada")
    seen: list[list[dict[str, str]]] = []
    on.server.on_call["delete"] = lambda _: seen.append(
        [others(each) for each in on.server.by_name("a.md")]
    )
    await run_pool(on, ["a.md"])
    assert (the_document(on).content, others(the_document(on))) == (
        b"new",
        {"title": "by hand", "author": "Ada"},
    )
    assert seen == [[{"title": "by hand", "author": "Ada"}] * 2]
    assert on.ledger.held[A].superseded is None


async def test_a_value_in_a_field_that_was_made_since_the_pass_began_goes_over_too() -> None:
    on = edited(title="by hand")
    on.world = replace(on.world, fields={name: f"id-{name}" for name in FIELDS})
    await run_pool(on, ["a.md"])
    assert [event for event in on.events if event.why is not None] == []
    assert others(the_document(on)) == {"title": "by hand"}


async def test_the_old_one_stays_while_its_values_are_not_kept_by_the_new_one() -> None:
    on = edited(title="by hand")
    old = on.ledger.held[A].document_id
    on.server.on_call["assign"] = lambda _: on.server.dropping.update(
        each.id for each in on.server.by_name("a.md") if each.id != old
    )
    await run_pool(on, ["a.md"])
    assert {each.id for each in on.server.by_name("a.md")} == {
        old,
        on.ledger.held[A].document_id,
    }
    on.server.on_call.clear()
    on.server.dropping.clear()
    await run_pool(on, ["a.md"])
    assert others(the_document(on)) == {"title": "by hand"}


async def test_what_was_written_on_the_new_one_meanwhile_stays() -> None:
    on = edited(title="by hand")
    old = on.ledger.held[A].document_id

    def write(_: str) -> None:
        for each in on.server.by_name("a.md"):
            if each.id != old:
                each.metadata["title"] = "newer"

    on.server.on_call["page"] = write
    on.server.on_call["document"] = write
    await run_pool(on, ["a.md"])
    assert others(the_document(on)) == {"title": "newer"}


async def test_a_swap_that_a_crash_left_takes_the_values_over_too() -> None:
    on = edited(title="by hand")
    old = on.ledger.held[A]
    new = on.server.put("a.md", b"new")
    on.server.mark(new, "a.md")
    on.ledger.held[A] = replace(
        on.synced("a.md", b"new"),
        document_id=new.id,
        rev=new.rev,
        stat=on.source.files["a.md"].stat,
        superseded=old.document_id,
    )
    on.server.documents.pop(
        next(each for each in on.server.documents if each not in (old.document_id, new.id))
    )
    report = await run_pool(on, ["a.md"])
    assert others(the_document(on)) == {"title": "by hand"}
    assert report.done["set_metadata"] == 1


async def test_what_is_written_on_the_old_one_after_the_values_went_over_goes_over_too() -> None:
    on = edited(title="by hand", author="Ada")
    old = on.server.documents[on.ledger.held[A].document_id]
    del old.metadata["author"]

    def write(_: str) -> None:
        if on.ledger.held[A].metadata_hash is not None and old.id in on.server.documents:
            old.metadata["author"] = "Ada"

    on.server.on_call["document"] = write
    await run_pool(on, ["a.md"])
    assert others(the_document(on)) == {"title": "by hand", "author": "Ada"}
    assert on.ledger.held[A].superseded is None


async def test_a_value_that_is_not_declared_any_more_is_not_carried_over() -> None:
    on = edited(title="by hand", team="ours")
    on.ledger.held[A] = replace(on.ledger.held[A], metadata={"team": "ours"}, profile="before")
    await run_pool(on, ["a.md"])
    assert others(the_document(on)) == {"title": "by hand"}
    assert on.ledger.held[A].metadata == {}
    again = await run_pool(on, ["a.md"])
    assert again.done == {}


@pytest.mark.parametrize("fault", [LOST, DROPPED, Late(30.0)])
async def test_an_upload_without_an_answer_keeps_old_or_new(fault: object) -> None:
    on = edited(title="by hand")
    old = on.ledger.held[A].document_id
    on.server.faults["create"].append(fault)  # type: ignore[arg-type]
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    missing: list[str] = []

    def look(_: str) -> None:
        there = on.server.by_name("a.md")
        whole = [each for each in there if not on.server.model.readiness(each).busy]
        if not {each.content for each in whole} & {b"old", b"new"}:
            missing.append("no document can be found")

    for call in ("page", "document", "create", "delete", "assign", "progress"):
        on.server.on_call[call] = look
    for _ in range(3):
        await engine.apply(await engine.plan(), observe=lambda event: None)
        await on.clock.sleep(1000)
    assert missing == []
    assert (the_document(on).content, others(the_document(on))) == (b"new", {"title": "by hand"})
    assert the_document(on).id != old


async def test_what_recovery_finds_is_proved_before_the_old_one_goes() -> None:
    on = edited()
    old = on.ledger.held[A]
    new = on.server.put("a.md", b"new")
    new.edits = 0
    on.ledger.intents[A] = Intent(
        key=A,
        op=Op.CREATE,
        name="a.md",
        started_at=EPOCH - 10,
        stat=Stat(3, 1, 1, 1),
        ids_seen=frozenset({old.document_id}),
    )
    states: list[EntryState] = []
    on.server.on_call["progress"] = lambda _: states.append(on.ledger.held[A].state)
    on.server.on_call["search"] = lambda _: states.append(on.ledger.held[A].state)
    on.server.on_call["chunks"] = lambda _: states.append(on.ledger.held[A].state)
    await run_pool(on, ["a.md"])
    assert states[0] is EntryState.INDEXING
    assert the_document(on).content == b"new"


async def test_swap_is_declared_whatever_else_the_server_could_do() -> None:
    on = edited()
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    old = on.ledger.held[A].document_id
    await run_pool(on, ["a.md"])
    assert the_document(on).id != old
