"""A document in error that cannot be written over: it is deleted, and its file sent anew."""

from __future__ import annotations

import pytest

from kbsync.engine.execute.uploads import create
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.messages import Exit, Problem
from kbsync.messages import engine as say
from kbsync.model import Capability, Create, EntryState, NotReady, Throttled
from kbsync.planning.decide import decide
from tests.model.stored_document import FAILS, FINE

from .fakes import Stage, run_pool, stage
from .server import DROPPED, LOST, REFUSED, UNSENT
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def failed() -> Stage:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.MERGE_BY_NAME, able=False)
    entry = on.synced("a.md", b"old", state=EntryState.FAILED, failures=1)
    on.server.documents[entry.document_id].fate = FAILS
    return on


@pytest.mark.parametrize("fault", [UNSENT, NotReady(WHY, 5.0), Throttled(10.0), LOST, DROPPED])
async def test_a_delete_that_went_astray_is_made_good(fault: object) -> None:
    on = failed()
    on.server.faults["delete"].append(fault)  # type: ignore[arg-type]
    await run_pool(on, ["a.md"])
    (stored,) = on.server.by_name("a.md")
    assert (stored.content, stored.fate) == (b"old", FINE)
    assert (on.states(), on.ledger.intents) == ({"a.md": "synced"}, {})


async def test_a_refused_delete_keeps_the_entry_and_says_so() -> None:
    on = failed()
    entry = on.ledger.held[A]
    on.server.faults["delete"].append(REFUSED)
    report = await run_pool(on, ["a.md"])
    kind, why = report.stopped[A]
    assert (kind, why.message) == ("failed", say.ACTION_REFUSED)
    assert (on.ledger.held, on.ledger.intents) == ({A: entry}, {})
    assert on.server.count("create") == 0


async def test_a_document_that_was_gone_already_is_sent_anew() -> None:
    on = failed()
    on.server.on_call["delete"] = on.server.documents.pop
    report = await run_pool(on, ["a.md"])
    assert report.exit is Exit.OK
    assert [each.content for each in on.server.by_name("a.md")] == [b"old"]


async def test_a_404_before_a_replacement_while_the_base_is_gone_keeps_the_entry() -> None:
    on = failed()
    entry = on.ledger.held[A]
    on.server.on_call["delete"] = lambda _: setattr(on.server, "base_there", False)
    with pytest.raises(Problem) as caught:
        await run_pool(on, ["a.md"])
    assert caught.value.notice.message is say.BASE_GONE
    assert (on.ledger.held, on.ledger.intents) == ({A: entry}, {})


# -- a file that went before it could be opened --------------------------------------------------


async def test_a_new_file_that_went_before_it_was_opened_is_no_failure() -> None:
    on = stage({"a.md": b"new"})
    case = await EvidenceCollector(context=on.world).case(A)
    action = decide(case)
    assert isinstance(action, Create)
    on.source.remove("a.md")
    await create(on.world, case, action)
    assert (on.ledger.commits, on.server.count("create")) == ([], 0)
    report = await run_pool(on, ["a.md"])
    assert (report.exit, report.stopped) == (Exit.OK, {})


async def test_an_edited_file_that_went_before_it_was_opened_loses_its_document() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.write("a.md", b"edited")

    def go(_: str) -> None:
        on.source.files.pop("a.md", None)

    # A name is looked up first.
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    on.server.on_call["named"] = go
    report = await run_pool(on, ["a.md"])
    assert (report.stopped, on.server.documents, on.ledger.held) == ({}, {}, {})
    assert on.server.count("create") + on.server.count("update") == 0


# -- a document that cannot be enabled again -----------------------------------------------------


@pytest.mark.parametrize("fault", [UNSENT, NotReady(WHY, 5.0), Throttled(10.0)])
async def test_trash_that_was_not_restored_at_once_is_restored_later(fault: object) -> None:
    on = stage()
    entry = on.synced("a.md", b"old", state=EntryState.TRASHED)
    on.server.documents[entry.document_id].enabled = False
    on.server.faults["switch"].append(fault)  # type: ignore[arg-type]
    await run_pool(on, ["a.md"])
    assert on.server.documents[entry.document_id].enabled
    assert on.states() == {"a.md": "synced"}


async def test_trash_that_cannot_be_restored_stays_trash_and_is_told() -> None:
    on = stage()
    entry = on.synced("a.md", b"old", state=EntryState.TRASHED)
    on.server.documents[entry.document_id].enabled = False
    on.server.always["switch"] = REFUSED
    report = await run_pool(on, ["a.md"])
    assert report.stopped[A][0] == "failed"
    assert on.ledger.held == {A: entry}
