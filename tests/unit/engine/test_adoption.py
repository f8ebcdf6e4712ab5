"""Documents made by hand are offered, priced, written down, and then treated as any other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.execute.results import Report
from kbsync.engine.observe.adoption import Offer, Trust, take
from kbsync.engine.observe.adoption_by_content import compared
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit, Problem
from kbsync.messages import adoption as say
from kbsync.messages import remote as remote_say
from kbsync.model import (
    Capabilities,
    EntryState,
    Gone,
    Intent,
    NotReady,
    NotSent,
    Op,
    Rejected,
    Unauthorized,
)
from kbsync.planning.pairing import By, pair
from tests.model.stored_document import EMPTY, FAILS, FINE

from .fakes import Stage, stage
from .words import EPOCH, WHY, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def _engine(on: Stage) -> Reconciler:
    return Reconciler(on.world.mirror, on.ledger, on.server, on.clock)


async def _offered(on: Stage, *, by: By = By.BASENAME, trust: Trust = Trust.SIZE) -> Offer:
    return await _engine(on).offer(
        lambda files, documents: pair(files, documents, by), cause=by.value, trust=trust
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
    offer = await _offered(on, trust=Trust.NONE)
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

        def edited(path: str, taken: object = None):  # type: ignore[no-untyped-def]
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


# -- by content


def _stage(files: dict[str, bytes]) -> Stage:
    """A server that gives its original files out."""
    on = stage(files, settle=0.0)
    on.server.capabilities = Capabilities(version="1.16.1")
    return on


async def _compared(on: Stage) -> Offer:
    return await compared(await _offered(on, trust=Trust.CONTENT))


async def test_the_same_bytes_are_known_and_others_are_sent() -> None:
    on = _stage({f"{n}.md": b"page %d" % n for n in range(6)})
    for number in range(6):
        on.server.put(f"{number}.md", b"PAGE 3" if number == 3 else b"page %d" % number)
    on.server.by_name("5.md")[0].content = b"longer than page 5"
    offer = await _offered(on, trust=Trust.CONTENT)
    assert (len(offer.unproven), offer.known, offer.anew, offer.bytes_anew) == (5, 0, 1, 6)
    assert (offer.download_bytes, offer.minutes) == (30, None)
    assert on.server.count("original") == 0
    known = await compared(offer)
    assert on.server.count("original") == 5
    assert (known.known, known.anew, known.bytes_anew, known.unread) == (4, 2, 12, ())
    await take(known)
    assert on.ledger.held[key_of("0.md")].fingerprint == fingerprint_of(b"page 0")
    assert on.ledger.held[key_of("3.md")].fingerprint is None
    await _applied(on)
    assert (on.server.count("update"), on.server.count("create")) == (2, 0)


async def test_what_cannot_be_read_is_sent_anew_and_named() -> None:
    on = _stage({f"{n}.md": b"page %d" % n for n in range(4)})
    for number in range(4):
        on.server.put(f"{number}.md", b"page %d" % number)
    on.server.faults["original"].extend([Rejected(WHY), NotReady(WHY, 1.0), Gone()])
    known = await _compared(on)
    assert (known.known, known.anew) == (1, 3)
    assert [each.why for each in known.unread] == [WHY, WHY]


@pytest.mark.parametrize(
    "failure",
    [
        Unauthorized(WHY),
        NotSent(WHY),
        Rejected(remote_say.NO_DOWNLOADS(what="x", version="x", needed="x")),
    ],
)
async def test_where_nothing_can_be_read_nothing_is_taken(failure: object) -> None:
    on = _stage({"a.md": b"page", "b.md": b"page"})
    for name in ("a.md", "b.md"):
        on.server.put(name, b"page")
    on.server.always["original"] = failure  # type: ignore[assignment]
    with pytest.raises(Problem) as refused:
        await _compared(on)
    if isinstance(failure, Rejected):
        assert refused.value.notice.message is say.NO_BYTES
    assert on.ledger.held == {}


async def test_a_server_that_is_known_to_give_no_bytes_out_is_not_asked_for_a_list() -> None:
    on = _stage({"a.md": b"page"})
    on.server.capabilities = Capabilities(version="1.13.0")
    with pytest.raises(Problem) as refused:
        await _offered(on, trust=Trust.CONTENT)
    assert refused.value.notice.message is say.NO_BYTES
    assert on.server.count("page") == 0


async def test_a_document_of_unknown_size_is_compared_by_content_alone() -> None:
    on = _stage({"a.md": b"page"})
    on.server.put("a.md", b"page")
    show = on.server.model.row
    on.server.model.row = lambda each: replace(show(each), size=None)  # type: ignore[method-assign]
    assert (await _offered(on, trust=Trust.SIZE)).known == 0
    assert (await _compared(on)).known == 1
