"""Indexing is a state, not a step: what was uploaded is followed until it can be found.

Done means completed, with at least one chunk and all chunks complete; a word count of 0 is not
done (docs/design.md section 7, docs/dify-api.md section 15.6). Waiting is by progress, not by a
fixed time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

import anyio

from kbsync.engine.context import Context
from kbsync.engine.execute.findability import FindabilityProofs
from kbsync.engine.execute.findings import verdict
from kbsync.engine.execute.poll_pace import PollPace
from kbsync.engine.execute.results import Event
from kbsync.engine.execute.standstill import Standstill, TrackedDocument
from kbsync.engine.execute.status_polls import MORE_ROWS, chunks_of, progress_of, statuses
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.remote_state import A_PAGE
from kbsync.engine.observe.standing import note_progress
from kbsync.engine.ports import EntryChange
from kbsync.engine.workers.backoff import FIRST_RETRY, LONGEST_RETRY, doubled
from kbsync.engine.workers.wakeup import Wakeup
from kbsync.messages import Notice, Problem
from kbsync.messages import engine as say
from kbsync.model import (
    DocKey,
    Done,
    EntryState,
    Gone,
    JournalLine,
    LedgerEntry,
    Present,
    Readiness,
    RemoteDocument,
)
from kbsync.planning.standstill import LOCKED_FOR, STILL_AFTER, STUCK_AFTER

STALLED = 60.0
A_MOMENT = 0.001
PROGRESS_EVERY = 60.0
# How far a document is goes to the ledger so often at most.
NOTED_EVERY = 60.0
# When the server was not asked for so long, the machine slept or had no processor to spare, and the
# server may have stood still with it.
UNASKED = 2 * STALLED
# Where no room is declared, as many are under way as are indexed within so long; a poll sees all.
ROOM_WITHIN, MOST_ROOM = 1.0, A_PAGE - MORE_ROWS
# How often a file is sent that the server makes no chunks of.
TRIES_WITHOUT_CHUNKS = 3


class IndexingTracker:
    """Follows the documents that the server is indexing for one mirror.

    Attributes:
        polling: the server is being asked, and what it answers is not known yet.
    """

    def __init__(self, context: Context, proofs: FindabilityProofs | None = None) -> None:
        self._context = context
        self._proofs = proofs or FindabilityProofs(context)
        self._tracked: dict[DocKey, TrackedDocument] = {}
        self._still = Standstill(context)
        self._began_at = self._asked_at = self._answered_at = context.clock.now()
        self._woke_at = float("-inf")
        self._pace = PollPace(self._began_at)
        self._sends = False
        self._refused: Problem | None = None
        self.polling = False

    def renew(self, context: Context) -> None:
        """Go on in `context`."""
        self._context = context
        self._proofs.renew(context)
        self._still.renew(context)

    def __len__(self) -> int:
        return len(self._tracked)

    @property
    def keys(self) -> AbstractSet[DocKey]:
        """The keys that are followed."""
        return self._tracked.keys()

    @property
    def interval(self) -> float:
        """Seconds until the next poll: short after progress, growing without."""
        return STALLED if self.stood_for(STUCK_AFTER) else self._pace.interval

    @property
    def due_in(self) -> float:
        """Seconds from now until the next poll, 0.0 where it is due."""
        return max(0.0, self._pace.polled_at + self.interval - self._context.clock.now())

    def add(
        self, key: DocKey, document_id: str, *, replaces: bool = False, made: bool = False
    ) -> None:
        """Follow a document.

        Args:
            key: whose document.
            document_id: the document's.
            replaces: it had chunks of an earlier upload.
            made: it was just made.
        """
        begun = replace(self._begun(key, document_id, replaces=replaces), made=made)
        known = self._tracked.get(key)
        if known is None or (known.document_id, known.sent_at) != (document_id, begun.sent_at):
            if not self._tracked:
                self._answered_at = self._context.clock.now()
                self._pace.begin(self._answered_at)
            self._tracked[key] = begun
            self._sends = True
            self._pace.restart(alone=len(self._tracked) == 1)

    def drop(self, key: DocKey) -> None:
        """Follow the document of `key` no more, unless it ended after all."""
        if key not in self._proofs:
            self._tracked.pop(key, None)

    def _begun(self, key: DocKey, document_id: str, *, replaces: bool) -> TrackedDocument:
        """Return the document as the ledger knows it: how long it stands outlives the process."""
        now, entry = self._context.clock.now(), self._context.ledger.entry(key)
        if entry is None or entry.document_id != document_id:
            return TrackedDocument(document_id, since=now, sent_at=now, started=now)
        since = entry.progress_at or entry.sent_at
        if since is None:  # adopted: from now on it is known since when it stands
            note_progress(self._context, entry, entry.progress)
            since = now
        sent_at, chunks = entry.sent_at or since, entry.progress
        return TrackedDocument(
            document_id, since=since, sent_at=sent_at, started=now, chunks=chunks, replaces=replaces
        )

    @property
    def room(self) -> int:
        """How many documents may be under way: more than usual at a server that indexes at once."""
        usual = self._context.most_indexing
        if self._context.declares_room:
            return usual
        return max(usual, min(MOST_ROOM, self._pace.ends_within(ROOM_WITHIN)))

    # -- what stands still ---------------------------------------------------------------------

    @property
    def idle_for(self) -> float:
        """Seconds since anything moved that was sent to this server."""
        return self._context.clock.now() - self._still.moved_at(self._busy)

    @property
    def still_since(self) -> float | None:
        """When anything last moved that this server is to index; None while it has nothing."""
        return self._still.moved_at(self._busy) if self._busy else None

    @property
    def quiet_for(self) -> float:
        """Seconds since anything moved or was sent, as far as the server was asked meanwhile."""
        last = max(self._still.moved_at(self._busy), self._still.sent_at(self._busy), self._woke_at)
        return self._context.clock.now() - last if self._still.looked else 0.0

    def stood_for(self, seconds: float) -> bool:
        """Whether nothing moved for so long; what was sent last, or by an earlier process, too."""
        began_at = max(self._began_at, self._woke_at)
        if self._context.clock.now() - began_at < STILL_AFTER or self._unasked:
            return False
        if not self._busy or self.idle_for <= seconds:
            return False
        last = max(began_at, self._still.sent_at(self._busy))
        return self._context.clock.now() - last >= STILL_AFTER

    @property
    def _unasked(self) -> bool:
        """Whether the next poll is much too late: what stands still was not seen to stand."""
        return not self.polling and self._context.clock.now() - self._answered_at > UNASKED

    def waits(self, key: DocKey) -> bool:
        """Whether indexing of the document of `key` has not begun."""
        return key in self._tracked and self._tracked[key].waiting

    @property
    def overtaken(self) -> AbstractSet[DocKey]:
        """The keys whose document stands still though later ones are done: they hold no room."""
        return self._still.overtaken

    def lost(self) -> list[DocKey]:
        """Return the keys whose task is known to be lost; each is named once."""
        if self._context.clock.now() - self._woke_at < STILL_AFTER:
            return []
        return self._still.judge(self._busy)

    def to_probe_with(self) -> DocKey | None:
        """Return whose document may be sent anew to see whether the server works.

        The last one loses no place in the queue; one whose indexing began, only when no lock can
        hold it. What is not there to be sent is no probe.
        """
        now, look = self._context.clock.now(), self._context.mirror.source.look
        tracked = {
            key: each for key, each in self._busy.items() if isinstance(look(key.path), Present)
        }
        waiting = [key for key, each in tracked.items() if each.waiting]
        begun = [key for key, each in tracked.items() if now - each.since > LOCKED_FOR]
        return max(waiting or begun, key=lambda key: tracked[key].sent_at, default=None)

    # -- asking --------------------------------------------------------------------------------

    async def poll(self) -> list[DocKey]:
        """Ask once; return the keys whose document came to an end, their entries settled.

        Raises:
            Problem: the server could not be asked.
        """
        if self._unasked:
            self._woke_at = self._context.clock.now()
        self.polling = True
        try:
            return await self._asked()
        finally:
            self.polling = False
            self._answered_at = self._context.clock.now()

    async def _asked(self) -> list[DocKey]:
        asked, sends = self._busy, self._sends
        self._sends = False
        self._pace.poll(self._context.clock.now())
        seen = await statuses(self._context, asked)
        ended: dict[DocKey, EntryChange] = {}
        async with anyio.create_task_group() as group:
            for key, tracked in asked.items():
                if tracked.document_id not in seen.busy:
                    row = seen.rows.get(tracked.document_id)
                    group.start_soon(self._look, key, tracked, row, ended)
        self._note_ends(ended)
        self._note_pace(len(ended), sends=sends or self._sends)
        # What needs no search makes room at once.
        settled = self._settle(self._proofs.hold_back(ended))
        settled += self._settle(await self._proofs.proved())
        if self._refused is not None:
            raise self._refused
        await self._ask_for_progress(seen.busy)
        return settled

    def _settle(self, ended: Mapping[DocKey, EntryChange]) -> list[DocKey]:
        """Write down what ended, in one durable transaction; return its keys."""
        if ended:
            self._context.ledger.commit_all([self._with_mark(each) for each in ended.values()])
        for key in ended:
            self._tracked.pop(key, None)  # or it is not followed yet: it is to be proved again
        if ended:
            self._context.room.wake()
        return list(ended)

    def _note_pace(self, ended: int, *, sends: bool) -> None:
        """Note how many documents ended; while more are sent, all the room is under way."""
        under_way = self.room if sends else len(self._busy) - ended
        self._pace.polled(self._context.clock.now(), ended=ended, under_way=under_way)

    def _note_ends(self, ended: Mapping[DocKey, EntryChange]) -> None:
        """Note what the server is done with; that it is found may be proved much later."""
        for key, change in ended.items():
            if isinstance(change.entry, LedgerEntry) and key in self._tracked:
                self._still.ended(self._tracked[key])

    @property
    def _busy(self) -> Mapping[DocKey, TrackedDocument]:
        """What the server is not done with."""
        return {key: each for key, each in self._tracked.items() if key not in self._proofs}

    def _with_mark(self, change: EntryChange) -> EntryChange:
        """Keep what the entry says of metadata that was written while the server was asked."""
        entry = self._context.ledger.entry(change.key)
        if entry is None or not isinstance(change.entry, LedgerEntry):
            return change
        kept = replace(
            change.entry,
            metadata_hash=entry.metadata_hash,
            metadata=entry.metadata,
            profile=entry.profile,
        )
        return replace(change, entry=kept)

    async def _look(
        self,
        key: DocKey,
        tracked: TrackedDocument,
        row: RemoteDocument | None,
        ended: dict[DocKey, EntryChange],
    ) -> None:
        try:
            change = await self._settled(key, tracked, row)
        except Problem as problem:
            self._refused = problem
            return
        # What was sent again while the server was asked is not done.
        if change is not None and self._tracked.get(key) is tracked:
            ended[key] = change

    async def _ask_for_progress(self, unfinished: Mapping[str, Readiness]) -> None:
        """Ask for each document how far it is, once in a while: a list does not say."""
        now = self._context.clock.now()
        if not unfinished or now - self._asked_at < PROGRESS_EVERY:
            return
        self._asked_at = now
        for key, tracked in list(self._tracked.items()):
            entry = self._context.ledger.entry(key)
            if entry is not None and tracked.document_id in unfinished:
                await self._note_progress(entry, tracked, unfinished[tracked.document_id])

    async def _settled(
        self, key: DocKey, tracked: TrackedDocument, row: RemoteDocument | None
    ) -> EntryChange | None:
        """Return what to write down of a document that came to its end, None while it did not.

        Args:
            key: whose document.
            tracked: the document.
            row: as it was just listed, if it was.
        """
        entry = self._context.ledger.entry(key)
        if entry is None or entry.document_id != tracked.document_id:
            return EntryChange(key=key)
        document = row or await self._document(entry)
        if document is None:
            return EntryChange(key=key)
        if document.readiness.busy:
            await self._note_progress(entry, tracked, document.readiness)
            return None
        progress = None
        if not self._proves_chunks(document, tracked):
            progress = await chunks_of(self._context, entry)
        why = verdict(entry.key, document, progress)
        if why is None and tracked.replaces and await self._old_chunks(document.id):
            why = say.FAILED_OLD_CHUNKS(path=entry.key.path, mirror=entry.key.mirror)
        return self._change(entry, document, why, tracked)

    def _proves_chunks(self, document: RemoteDocument, tracked: TrackedDocument) -> bool:
        """Whether its row alone proves that it has chunks, and that all of them are complete.

        With embeddings a server writes the tokens of all chunks together with the end, and ends in
        an error when one chunk has none (docs/dify-api.md section 6.2). In an economy base they
        are 0, and of a document that was there before this upload they may be older.
        """
        counted = bool(document.tokens) and document.readiness is Readiness.AVAILABLE
        return counted and tracked.made

    async def _old_chunks(self, document_id: str) -> bool:
        """Whether the server left chunks of the earlier upload: search may find both."""
        base_id = self._context.base_id or ""
        outcome = await self._context.remote.old_chunks(base_id, document_id)
        return isinstance(outcome, Done) and outcome.value

    async def _document(self, entry: LedgerEntry) -> RemoteDocument | None:
        """Return the document as it is listed: a get does not return its word count."""
        base_id = self._context.base_id or ""
        named = await self._context.remote.named(base_id, entry.document_name)
        if isinstance(named, Done):
            for document in named.value:
                if document.id == entry.document_id:
                    return document
        outcome = await self._context.remote.document(base_id, entry.document_id)
        match outcome:
            case Gone():
                return None
            case Done(value=document):
                return document
        refuse(self._context.mirror, "asking how far indexing is", outcome)

    async def _note_progress(
        self, entry: LedgerEntry, tracked: TrackedDocument, readiness: Readiness
    ) -> None:
        waiting = readiness is Readiness.WAITING
        progress = None if waiting else await progress_of(self._context, entry)
        chunks = progress.completed if progress else 0
        now = self._context.clock.now()
        seen = None if waiting else chunks
        if seen == tracked.chunks:
            return
        tracked.chunks, tracked.since = seen, now
        if now - (entry.progress_at or 0.0) >= NOTED_EVERY:
            note_progress(self._context, entry, seen)

    def _change(
        self,
        entry: LedgerEntry,
        document: RemoteDocument,
        why: Notice | None,
        tracked: TrackedDocument,
    ) -> EntryChange:
        settled = entry_after_indexing(entry, document, why, now=self._context.clock.now())
        took = int((self._context.clock.now() - tracked.started) * 1000)
        line = JournalLine(
            at=self._context.clock.now(),
            mirror=entry.key.mirror,
            path=entry.key.path,
            action="index",
            document_id=document.id,
            outcome=settled.state.value,
            milliseconds=took,
            detail=why.text if why else "",
        )
        return EntryChange(key=entry.key, entry=settled, journal=(line,))


def entry_after_indexing(
    entry: LedgerEntry, document: RemoteDocument, why: Notice | None, *, now: float
) -> LedgerEntry:
    """Return `entry` as it stands once the server is done with its document."""
    if why is None:
        return replace(
            entry,
            state=EntryState.SYNCED,
            rev=entry.rev or document.rev,
            word_count=document.word_count,
            reason=None,
            failures=0,
            retry_at=None,
            progress_at=now,
        )
    failures = entry.failures + 1
    slowly = doubled(FIRST_RETRY, failures - 1, longest=LONGEST_RETRY)
    # Chunks that stay behind are the doing of what was indexed at the same time, not of the file.
    raced = why.message is say.FAILED_INCOMPLETE_CHUNKS
    # A server in trouble makes no chunks of a good file; nothing is embedded by trying again.
    without = why.code in say.WITHOUT_CHUNKS and failures < TRIES_WITHOUT_CHUNKS
    # What the server cannot read it cannot read tomorrow either.
    erred = document.readiness is Readiness.ERROR and not document.unreadable
    recovers = erred or raced or without
    return replace(
        entry,
        state=EntryState.FAILED,
        rev=entry.rev or document.rev,
        word_count=document.word_count,
        reason=(why.code, why.text if document.unreadable else document.error or why.text),
        failures=failures,
        retry_at=now + slowly if recovers else None,
        progress_at=now,
    )


def indexed_event(entry: LedgerEntry, now: float) -> Event:
    """Return the event of indexing that came to an end and settled `entry`.

    Args:
        entry: as it is now.
        now: seconds of the ledger's clock; it took the time since the upload was answered.
    """
    took = 0.0 if entry.sent_at is None else max(0.0, now - entry.sent_at)
    return Event(
        key=entry.key,
        action="index",
        cause=entry.reason[1] if entry.reason else "",
        outcome="indexed" if entry.state is EntryState.SYNCED else "failed",
        milliseconds=round(took * 1000),
        document_id=entry.document_id,
    )


async def follow(
    tracker: IndexingTracker,
    wakeup: Wakeup,
    over: Callable[[], bool],
    indexed: Callable[[DocKey], None],
    polled: Callable[[], None],
) -> None:
    """Poll while anything is being indexed; otherwise no call is made.

    Args:
        tracker: what is followed.
        wakeup: of the worker pool.
        over: whether there is nothing left to do.
        indexed: called with every key whose document came to an end.
        polled: called after every answer.
    """
    while not over():
        if not len(tracker):
            await wakeup.wait()
            continue
        try:
            for key in await tracker.poll():
                indexed(key)
            polled()
        except Problem as problem:
            wakeup.fail(problem)
            break
        wakeup.wake()  # the workers stayed while the answer was out
        # What is sent meanwhile may bring the next poll forward. A clock may lag by a moment.
        while not over() and (due_in := tracker.due_in) > A_MOMENT:
            await wakeup.wait(due_in)
    wakeup.wake()
