"""What a document and its file come to, also while a daemon changes both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.commands.retry import forgive
from kbsync.engine.observe.unowned_documents import unowned
from kbsync.engine.observe.verification import Finding, Verdict, verify
from kbsync.engine.ports import EntryChange
from kbsync.messages import Problem
from kbsync.messages import remote as remote_say
from kbsync.messages import verification as say
from kbsync.model import (
    Binding,
    Done,
    EntryState,
    Gone,
    Intent,
    LedgerEntry,
    NotReady,
    NotSent,
    Op,
    Original,
    Outcome,
    Rejected,
    Throttled,
    Unauthorized,
)

from .fakes import Stage, run_pool, stage
from .server import UNSENT
from .words import BASE, EPOCH, MIRROR, WHY, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


async def judged(on: Stage, path: str = "a.md") -> Finding:
    found = await verify(on.world, key_of(path))
    assert found is not None
    return found


def stored(on: Stage, path: str, content: bytes) -> None:
    """Let the server have other bytes than were sent; nothing else tells of it."""
    on.server.documents[on.ledger.held[key_of(path)].document_id].content = content


def pending(path: str) -> Intent:
    return Intent(key=key_of(path), op=Op.UPDATE, name=path, started_at=EPOCH)


@pytest.mark.parametrize(
    ("there", "verdict", "code", "again"),
    [
        (b"0123456789", Verdict.SAME, None, False),
        (b"9876543210", Verdict.CHANGED, say.CHANGED, True),
        (b"01234567890", Verdict.CHANGED, say.CHANGED, True),
        (b"012345678", Verdict.TRUNCATED, say.TRUNCATED, True),
        (b"", Verdict.TRUNCATED, say.TRUNCATED, True),
    ],
)
async def test_the_stored_bytes(there: bytes, verdict: Verdict, code: object, again: bool) -> None:
    on = stage()
    on.synced("a.md", b"0123456789")
    stored(on, "a.md", there)
    found = await judged(on)
    assert (found.verdict, found.why and found.why.message, found.sent_again) == (
        verdict,
        code,
        again,
    )
    assert found.stored == len(there)
    assert found.expected == (None if verdict is Verdict.SAME else 10)


async def test_a_file_that_changed_since() -> None:
    on = stage()
    on.synced("a.md", b"as sent")
    on.source.write("a.md", b"edited")
    assert (await judged(on)).why == say.EDITED(mirror=MIRROR)
    stored(on, "a.md", b"as se")
    found = await judged(on)
    assert (found.verdict, found.stored, found.expected) == (Verdict.CHANGED, 5, 7)
    # Somebody brought the document up to date by hand: nothing differs any more.
    stored(on, "a.md", b"edited")
    assert (await judged(on)).verdict is Verdict.SAME


async def test_a_file_that_is_not_there_or_cannot_be_read() -> None:
    on = stage()
    on.synced("a.md", b"as sent")
    on.source.files["a.md"].unreadable = True
    assert (await judged(on)).verdict is Verdict.UNREAD
    on.source.files.pop("a.md")
    found = await judged(on)
    assert (found.verdict, found.why) == (Verdict.EDITED, say.FILE_LEFT(mirror=MIRROR))
    stored(on, "a.md", b"other")
    found = await judged(on)
    assert found.why is not None
    assert (found.verdict, found.why.message) == (Verdict.CHANGED, say.CHANGED_OF_NO_FILE)
    assert not found.sent_again


async def test_what_was_sent_is_not_known() -> None:
    on = stage()
    on.synced("a.md", b"a", fingerprint=None, stat=None)
    assert (await judged(on)).verdict is Verdict.SAME
    stored(on, "a.md", b"b")
    assert (await judged(on)).why == say.UNKNOWN_CONTENT(mirror=MIRROR)


async def test_what_is_not_there() -> None:
    on = stage()
    entry = on.synced("a.md", b"a")
    on.server.always["original"] = Gone()
    found = await judged(on)
    assert (found.verdict, found.sent_again) == (Verdict.LOST, True)
    del on.server.documents[entry.document_id]
    found = await judged(on)
    assert (found.verdict, found.sent_again) == (Verdict.MISSING, False)
    on.server.base_there = False
    with pytest.raises(Problem):
        await judged(on)


@pytest.mark.parametrize("failure", [Rejected(WHY), NotReady(WHY, 1.0)])
async def test_one_that_cannot_be_read_is_named(failure: Outcome[object]) -> None:
    on = stage()
    on.synced("a.md", b"a")
    on.server.always["original"] = failure  # type: ignore[assignment]
    found = await judged(on)
    assert (found.verdict, found.why) == (Verdict.UNREAD, WHY)


@pytest.mark.parametrize(
    "failure",
    [
        Unauthorized(WHY),
        NotSent(WHY),
        Throttled(60.0),
        Rejected(remote_say.NO_DOWNLOADS(what="x", version="1.12.1", needed="1.13.1")),
    ],
)
async def test_what_is_so_of_all_of_them_ends_it(failure: Outcome[object]) -> None:
    on = stage()
    on.synced("a.md", b"a")
    on.server.always["original"] = failure  # type: ignore[assignment]
    with pytest.raises(Problem):
        await judged(on)


async def test_a_document_that_was_updated_meanwhile_is_compared_anew() -> None:
    on = stage()
    entry = on.synced("a.md", b"old")

    def update(_: str) -> None:
        on.server.on_call.clear()
        stored(on, "a.md", b"new")
        stat = on.source.write("a.md", b"new")
        fresh = replace(entry, rev="2", stat=stat, fingerprint=fingerprint_of(b"new"))
        on.ledger.held[A] = fresh

    on.source.write("a.md", b"edited, and not sent yet")
    on.server.on_call["original"] = update
    assert (await judged(on)).verdict is Verdict.SAME
    assert on.server.count("original") == 2


async def test_a_document_with_a_call_in_flight_is_not_blamed() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.ledger.intents[A] = pending("a.md")
    assert (await judged(on)).verdict is Verdict.SAME
    stored(on, "a.md", b"new")
    assert (await judged(on)).why == say.UNSETTLED(mirror=MIRROR)


@pytest.mark.parametrize("now", [None, EntryState.INDEXING, EntryState.FAILED])
async def test_what_is_not_in_sync_any_more_is_left_out(now: EntryState | None) -> None:
    on = stage()
    entry = on.synced("a.md", b"a")
    stored(on, "a.md", b"b")

    def gone(_: str) -> None:
        on.ledger.held.pop(A)
        if now is not None:
            on.ledger.held[A] = replace(entry, state=now)

    on.server.on_call["original"] = gone
    assert await verify(on.world, A) is None
    assert await verify(on.world, key_of("nowhere.md")) is None


async def test_no_more_is_read_than_can_have_been_sent() -> None:
    on = stage(max_file_size=10)
    on.synced("a.md", b"x" * 40)
    asked: list[int] = []
    original = on.server.original

    async def noted(base_id: str, document_id: str, *, largest: int) -> Outcome[Original]:
        asked.append(largest)
        return await original(base_id, document_id, largest=largest)

    on.server.original = noted  # type: ignore[method-assign]
    assert isinstance(await noted(BASE, on.ledger.held[A].document_id, largest=100), Done)
    assert (await judged(on)).verdict is Verdict.SAME
    assert asked == [100, 120]
    stored(on, "a.md", b"x" * 121)
    found = await judged(on)
    assert (found.verdict, found.stored, found.expected) == (Verdict.CHANGED, 121, 40)


# -- documents of no key


async def test_documents_that_no_key_has() -> None:
    on = stage()
    on.ledger.bind(Binding(mirror=MIRROR, server="x", base_id=BASE, base_name="Docs", source="x"))
    for number in range(230):
        on.synced(f"{number}.md", b"x")
    stranger = on.server.put("stranger.md", b"x")
    on.server.put("being sent.md", b"x")
    sending = replace(pending("b"), name="being sent.md")
    on.ledger.commit(EntryChange(key=key_of("b"), intent=sending))
    lost = on.server.put("lost.md", b"x")
    on.server.mark(lost, "lost.md")
    others = on.server.put("others.md", b"x")
    on.server.mark(others, "others.md")
    others.metadata["kbsync_mirror"] = "a mirror of another kbsync"
    found = await unowned(on.world)
    assert found.complete
    assert [(each.document_id, each.verdict) for each in found.findings] == [
        (lost.id, Verdict.UNRECORDED),
        (stranger.id, Verdict.FOREIGN),
    ]
    assert on.ledger.documents == {}, "the listing of the ledger is not touched"


async def test_what_a_daemon_records_or_deletes_meanwhile_is_nobodys_loss() -> None:
    on = stage()
    on.ledger.bind(Binding(mirror=MIRROR, server="x", base_id=BASE, base_name="Docs", source="x"))
    made, deleted = on.server.put("made.md", b"x"), on.server.put("deleted.md", b"x")
    on.server.mark(deleted, "deleted.md")
    entry = LedgerEntry(
        key=A, document_id=made.id, document_name="made.md", state=EntryState.SYNCED
    )

    def meanwhile(_: str) -> None:
        if on.server.count("page") > 1:
            on.ledger.held[A] = entry
            on.server.documents.pop(deleted.id, None)

    for number in range(150):
        on.synced(f"{number}.md", b"x")
    on.server.on_call["page"] = meanwhile
    assert (await unowned(on.world)).findings == ()


async def test_a_listing_that_never_stands_still_says_so() -> None:
    on = stage()
    for number in range(150):
        on.synced(f"{number}.md", b"x")
    on.server.on_call["page"] = lambda _: on.synced(f"{len(on.ledger.held)}.md", b"x")
    found = await unowned(on.world)
    assert not found.complete
    assert found.findings == ()
    on.server.always["page"] = UNSENT
    with pytest.raises(Problem):
        await unowned(on.world)


# -- the repair


async def test_retry_sends_a_synced_document_again_where_its_path_is_named() -> None:
    on = stage(settle=0.0)
    on.synced("in/a.md", b"a")
    on.synced("in/b.md", b"b")
    stored(on, "in/a.md", b"changed")
    key = key_of("in/a.md")
    assert forgive(on.ledger, MIRROR, ["in/", "in"]) == []
    assert forgive(on.ledger, MIRROR, ()) == []
    assert forgive(on.ledger, MIRROR, ["in/a.md"]) == [key]
    assert on.ledger.held[key].fingerprint is None
    report = await run_pool(on, ["in/a.md", "in/b.md"])
    assert dict(report.done) == {"update": 1}
    assert (await judged(on, "in/a.md")).verdict is Verdict.SAME
    assert on.ledger.held[key].fingerprint == fingerprint_of(b"a")
