"""Documents made by hand are offered, priced, written down, and then treated as any other."""

from __future__ import annotations

import pytest

from kbsync.engine.execute.results import Report
from kbsync.engine.observe.adoption import Offer, take
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit, Problem
from kbsync.messages import adoption as say
from kbsync.model import EntryState, Intent, Op
from kbsync.planning.pairing import By, pair
from tests.model.knowledge_base import EMPTY, FAILS, FINE

from .fakes import Stage, stage
from .words import EPOCH, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def _engine(on: Stage) -> Reconciler:
    return Reconciler(on.world.mirror, on.ledger, on.server, on.clock)


async def _offered(on: Stage, *, by: By = By.BASENAME, trust_size: bool = True) -> Offer:
    return await _engine(on).offer(
        lambda files, documents: pair(files, documents, by), cause=by.value, trust_size=trust_size
    )


async def _applied(on: Stage) -> Report:
    engine = _engine(on)
    return await engine.apply(await engine.plan(), observe=lambda event: None)


def _uploads(on: Stage) -> int:
    return on.server.count("create") + on.server.count("update")


async def test_what_is_as_large_is_known_and_never_sent() -> None:
    on = stage({f"folder/{n}.md": b"page %d" % n for n in range(12)}, settle=0.0)
    before = {on.server.put(f"{n}.md", b"page %d" % n).id for n in range(12)}
    offer = await _offered(on)
    assert (len(offer.actions), offer.known, offer.bytes_anew) == (12, 12, 0)
    assert (offer.files, offer.documents, offer.left) == (0, 0, ())
    assert on.ledger.held == {}
    await take(offer)
    entry = on.ledger.held[key_of("folder/3.md")]
    assert entry.document_name == "3.md"
    assert entry.fingerprint == fingerprint_of(b"page 3")
    assert entry.stat == on.source.files["folder/3.md"].stat
    assert {line.action for line in on.ledger.journal} == {"adopt"}
    report = await _applied(on)
    assert report.exit is Exit.OK
    assert _uploads(on) + on.server.count("delete") == 0
    assert set(on.server.documents) == before
    assert on.server.documents[entry.document_id].metadata["kbsync_path"] == "folder/3.md"


async def test_without_trust_all_is_sent_once_into_the_same_documents() -> None:
    on = stage({f"{n}.md": b"page %d" % n for n in range(5)}, settle=0.0)
    before = {on.server.put(f"{n}.md", b"page %d" % n).id for n in range(5)}
    offer = await _offered(on, trust_size=False)
    assert (offer.known, offer.bytes_anew) == (0, 30)
    await take(offer)
    await _applied(on)
    assert (on.server.count("update"), on.server.count("create")) == (5, 0)
    assert set(on.server.documents) == before
    assert (await _engine(on).plan()).plan.actions == ()


@pytest.mark.parametrize("fault", ["size", "torn", "edited", "no words", "error"])
async def test_what_proves_nothing_is_sent_anew(fault: str) -> None:
    on = stage({"a.md": b"hello"}, settle=0.0)
    stored = on.server.put("a.md", b"hello there" if fault == "size" else b"hello")
    if fault == "torn":
        on.source.unsteady.add("a.md")
    if fault == "edited":
        opened = on.source.open

        def edited(path: str):  # type: ignore[no-untyped-def]
            found = opened(path)
            on.source.write(path, b"HELLO")
            return found

        on.source.open = edited  # type: ignore[method-assign]
    if fault == "no words":
        stored.fate = EMPTY
    if fault == "error":
        stored.fate = FAILS
    offer = await _offered(on)
    assert (len(offer.actions), offer.known) == (1, 0)
    await take(offer)
    entry = on.ledger.held[A]
    assert (entry.fingerprint, entry.stat) == (None, None)
    assert entry.state is (EntryState.FAILED if fault == "error" else EntryState.SYNCED)
    on.source.unsteady.clear()
    stored.fate = FINE
    await _applied(on)
    assert on.states() == {"a.md": "synced"}
    assert set(on.server.documents) == {stored.id}


async def test_files_that_have_a_document_or_a_call_pending_are_no_candidates() -> None:
    on = stage({"b.md": b"new"}, settle=0.0)
    on.synced("a.md", b"ours")
    on.server.put("old\u2215a.md", b"another of its base name")
    theirs = on.server.put("b.md", b"new")
    intent = Intent(key=key_of("b.md"), op=Op.CREATE, name="b.md", started_at=EPOCH)
    on.ledger.intents[key_of("b.md")] = intent
    offer = await _offered(on)
    assert offer.actions == ()
    assert [each.why.message for each in offer.left] == [say.PENDING]
    assert (offer.files, offer.documents) == (1, 2)
    await take(offer)
    assert key_of("b.md") not in on.ledger.held
    assert theirs.id in on.server.documents


async def test_what_a_lost_upload_may_have_made_is_not_taken_for_another_file() -> None:
    on = stage({"b/page.md": b"page"}, settle=0.0)
    on.server.put("page.md", b"page")
    intent = Intent(key=key_of("page.md"), op=Op.CREATE, name="page.md", started_at=EPOCH)
    on.ledger.intents[intent.key] = intent
    offer = await _offered(on)
    assert offer.actions == ()
    assert [each.why.message for each in offer.left] == [say.UNANSWERED]


async def test_there_has_to_be_a_base_and_it_has_to_stand_still() -> None:
    on = stage({"a.md": b"hello"})
    on.server.put("a.md", b"hello")
    offer = await _offered(on)
    on.server.base_there = False
    with pytest.raises(Problem):
        await take(offer)
    assert on.ledger.held == {}
    with pytest.raises(Problem):
        await _offered(on)


async def test_a_file_that_left_meanwhile_is_removed_as_any_other() -> None:
    on = stage({"a.md": b"hello"}, settle=0.0)
    on.server.put("a.md", b"hello")
    offer = await _offered(on)
    on.source.remove("a.md")
    await take(offer)
    plan = (await _engine(on).plan()).plan
    assert plan.counts == {"delete": 1}
