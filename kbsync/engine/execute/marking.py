"""The one writer of metadata: marks and declared values, written in batches and read back.

A mark is written soon after the upload's reply (marks survive indexing, errors and updates,
docs/dify-api.md section 16), so that a ledger lost a second later finds its documents again. The
server's success proves nothing: only what was read back counts, and what did not come back twice
is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.mark_request import MarkRequest, MarkResult
from kbsync.engine.execute.results import Event, unauthorized, why_of
from kbsync.engine.observe.knowledge_base import base_must_answer
from kbsync.engine.observe.remote_state import documents
from kbsync.engine.ports import Assignment, EntryChange
from kbsync.engine.workers.backoff import doubled
from kbsync.engine.workers.wakeup import Wakeup
from kbsync.messages import Notice, Problem
from kbsync.messages import engine as say
from kbsync.model import (
    Ambiguous,
    Declared,
    DocKey,
    Done,
    Failure,
    Gone,
    JournalLine,
    Mark,
    NotReady,
    NotSent,
    Outcome,
    Rejected,
    RemoteDocument,
    Stat,
    Throttled,
    Unauthorized,
)
from kbsync.planning.declared_metadata import conflict_of, is_stored, plain, wanted_values
from kbsync.planning.marks import FIELDS, mark_for, values_hash, values_of

# A server takes 23 ms for a document (docs/dify-api.md section 13), and answers within seconds.
BATCH = 250
LINGER, LINGER_ASKED = 2.0, 10.0  # one call marks a whole batch, so a mark waits for others
READ_BACK_AFTER, READ_AT_ONCE = 30.0, 1000  # a list is read for many marks at once
READ_BACKS = 2
CALLS = 6
FIRST_DELAY, LONGEST_DELAY = 1.0, 64.0


class MarkWriter:
    """Writes the metadata of one mirror's documents: marks, and declared values.

    Does nothing while the context knows no metadata fields: then the server has none.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._fields = dict(context.fields or {})
        self._waiting: dict[DocKey, MarkRequest] = {}
        self._in_hand: dict[DocKey, MarkRequest] = {}
        self._written: dict[DocKey, MarkRequest] = {}
        self._given_up: dict[DocKey, MarkRequest] = {}
        self._not_made: dict[str, Notice] = {}
        self._not_before = 0.0
        self._failed_calls = 0
        per_minute = context.mirror.server.requests_per_minute
        # Where writes are dear, one call in about ten may be a mark.
        self._linger = max(LINGER, 600 / per_minute) if per_minute else LINGER

    def renew(self, context: Context) -> None:
        """Go on with the fields that `context` has now, and try once more what was given up."""
        self._context = context
        self._fields = dict(context.fields or {})
        self._given_up.clear()
        self._not_made.clear()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_hand) + len(self._written)

    def add(
        self,
        key: DocKey,
        document: RemoteDocument | None,
        *,
        asked: bool = False,
        declared: Declared | None = None,
        stat: Stat | None = None,
    ) -> None:
        """Mark the document of `key` as its entry says, and write what is declared of it.

        Args:
            key: whose document.
            document: as last seen, for the foreign values on it; None when unknown.
            asked: report when it is done.
            declared: what is declared of it; None where it is as the entry recorded.
            stat: of its file, where that was read and is the one that was sent.
        """
        mark, entry = self._mark_of(key), self._context.ledger.entry(key)
        if mark is None or entry is None:
            return
        known = declared if declared is not None and declared.fault is None else None
        wanted = wanted_values(plain(known) if known else entry.metadata, entry.metadata)
        asks_for = wanted if known is not None or asked else None
        for requests in (self._given_up, self._waiting, self._in_hand, self._written):
            if key in requests and requests[key].is_for(mark, asks_for):
                requests[key].awaited |= asked
                return
        self._written.pop(key, None)
        written = entry.metadata_hash == values_hash(values_of(mark))
        if written and not asked and wanted == entry.metadata:
            return
        request = MarkRequest(
            key=key,
            document_id=entry.document_id,
            mark=mark,
            declared=known,
            wanted=wanted,
            others=None,
            since=self._context.clock.now(),
            asked=asked,
            stat=stat,
        )
        request.others = None if document is None else request.foreign(document)
        self._waiting[key] = request

    def due_in(self, *, idle: bool) -> float | None:
        """Return the seconds until there is something to do, None while there is nothing.

        Args:
            idle: nothing else is to do, so that nothing more will join a batch soon.
        """
        dues = [due for due in (self._write_due(idle), self._read_due(idle)) if due is not None]
        return max(0.0, min(dues) - self._context.clock.now()) if dues else None

    async def work(self, *, idle: bool) -> list[MarkResult]:
        """Write one batch, or read back what was written; return what came to an end.

        Raises:
            Problem: the key may not do it, the base is gone, or the server cannot be asked.
        """
        due = self._write_due(idle)
        writes = due is not None and due <= self._context.clock.now()
        store = self._waiting if writes else self._written
        taken = {key: store.pop(key) for key in list(store)[: BATCH if writes else None]}
        self._in_hand = taken
        try:
            batch = list(taken.values())
            return await (self._write(batch) if writes else self._read_back(batch))
        finally:
            self._in_hand = {}

    def _write_due(self, idle: bool) -> float | None:
        if not self._waiting:
            return None
        now = self._context.clock.now()
        # Without its mark an upload is lost with the ledger; other metadata waits for more.
        due = min(
            each.since + (max(self._linger, LINGER_ASKED) if each.asked else self._linger)
            for each in self._waiting.values()
        )
        return max(self._not_before, now if idle or self._is_full() else due)

    def _is_full(self) -> bool:
        """Whether there is a batch, or as many unknown documents as a list is read for at once."""
        if not BATCH <= len(self._waiting) < READ_AT_ONCE:
            return len(self._waiting) >= BATCH
        return sum(each.others is not None for each in self._waiting.values()) >= BATCH

    def _read_due(self, idle: bool) -> float | None:
        if not self._written:
            return None
        now = self._context.clock.now()
        oldest = min(each.since for each in self._written.values())
        full = (idle and not self._waiting) or len(self._written) >= READ_AT_ONCE
        return now if full else oldest + READ_BACK_AFTER

    def _mark_of(self, key: DocKey) -> Mark | None:
        entry = self._context.ledger.entry(key)
        if entry is None or self._context.fields is None:
            return None
        return mark_for(entry, self._context.owner)

    # -- writing -------------------------------------------------------------------------------

    async def _write(self, taken: list[MarkRequest]) -> list[MarkResult]:
        batch = [each for each in taken if self._current(each)]
        outcome = await self._make_fields(batch)
        if isinstance(outcome, Done):
            outcome = await self._assign(batch)
        return await self._account(batch, outcome)

    def _current(self, each: MarkRequest) -> bool:
        """Whether nothing was sent since it was asked for: what was sent asks for its own mark."""
        entry = self._context.ledger.entry(each.key)
        return (
            entry is not None
            and entry.document_id == each.document_id
            and mark_for(entry, self._context.owner) == each.mark
        )

    async def _make_fields(self, batch: list[MarkRequest]) -> Outcome[None]:
        """Make the fields that are missing, one at a time: they take a lock at the server."""
        kinds = dict.fromkeys(FIELDS, "string")
        for each in batch:
            for name in each.wanted:
                kinds.setdefault(name, each.kind_of(name) or "")
        wanted = {name for name, kind in kinds.items() if kind} - self._not_made.keys()
        if not self._fields.keys() >= wanted:  # they may have been made since it was asked
            await self._ask_for_fields()
        for name in sorted(wanted - self._fields.keys(), key=list(kinds).index):
            refused = await self._make_field(name, kinds[name])
            if refused is not None:
                return refused
        return Done(None)

    async def _make_field(self, name: str, kind: str) -> Failure | None:
        made = await self._context.remote.make_field(self._context.base_id or "", name, kind)
        if isinstance(made, Done):
            self._fields[name] = made.value
            return None
        await self._ask_for_fields()  # another writer may have made it meanwhile
        if name in self._fields:
            return None
        if isinstance(made, Rejected) and name not in FIELDS:  # the others can be written
            self._not_made[name] = made.why
            return None
        return made

    async def _ask_for_fields(self) -> None:
        found = await self._context.remote.fields(self._context.base_id or "")
        if isinstance(found, Done):
            self._fields = dict(found.value)

    async def _assign(self, batch: list[MarkRequest]) -> Outcome[None]:
        """Write what is wanted in one call.

        Foreign values go along: a server that knows no partial update drops what is not
        sent. They are read just before; most documents have none. Those of a document that is
        replaced go over to the one that replaces it.
        """
        unknown = [each for each in (*batch, *self._waiting.values()) if each.others is None]
        read = unknown + [each for each in batch if each.others or self._replaced(each)]
        ids = {each.document_id for each in read} | {self._replaced(each) for each in read}
        found = await documents(self._context, ids - {""})
        for each in read:
            there, old = found.get(each.document_id), found.get(self._replaced(each))
            each.others = None if there is None else each.foreign(there)
            if there is not None and old is not None:
                each.others = {**each.foreign(old), **each.foreign(there)}
        if not self._fields.keys() >= {name for each in read for name in each.others or ()}:
            await self._ask_for_fields()  # others made one since the pass began
        assignments = [self._assignment(each) for each in batch if each.others is not None]
        if not assignments:
            return Done(None)
        base_id = self._context.base_id or ""
        return await self._context.remote.assign(base_id, self._fields, assignments)

    def _replaced(self, each: MarkRequest) -> str:
        """Return the id of the document that its document replaces, empty for none."""
        entry = self._context.ledger.entry(each.key)
        return (entry.superseded or "") if entry is not None else ""

    def _awaits(self, each: MarkRequest) -> bool:
        """Whether a decision waits for it: the document it replaces goes next."""
        return (each.asked or each.awaited) and bool(self._replaced(each))

    def _assignment(self, each: MarkRequest) -> Assignment:
        each.refused = dict(self._refused(each))
        sendable = {name: value for name, value in each.values.items() if name in self._fields}
        return Assignment(document_id=each.document_id, values=sendable)

    def _refused(self, each: MarkRequest) -> Iterator[tuple[str, Notice]]:
        """Yield the fields of a request that cannot be written, with what is said of each."""
        for name in each.wanted:
            kind, field_id = each.kind_of(name), self._fields.get(name)
            there = self._context.remote.field_kind(field_id) if field_id else kind
            if name in self._not_made:
                reason = self._not_made[name].text
                yield name, say.FIELD_REFUSED(path=each.key.path, field=name, reason=reason)
            elif kind is not None and kind != there:
                yield name, conflict_of(each.key.path, name, kind, str(there))

    async def _account(self, batch: list[MarkRequest], outcome: Outcome[None]) -> list[MarkResult]:
        now = self._context.clock.now()
        match outcome:
            case Done() | Ambiguous():  # either way only what is read back counts
                self._failed_calls = 0
                for each in batch:
                    each.since = now
                    self._written[each.key] = each
                return []
            case Unauthorized():
                unauthorized(outcome)
            case Throttled(after=after):
                return self._once_more(batch, after)  # the throttle lets all writers wait
            case NotReady(after=after) if self._failed_calls < CALLS:
                self._failed_calls += 1
                return self._once_more(batch, after)
            case NotSent() if self._failed_calls < CALLS:
                self._failed_calls += 1
                delay = doubled(FIRST_DELAY, self._failed_calls, longest=LONGEST_DELAY)
                return self._once_more(batch, delay)
            case Gone():
                await base_must_answer(self._context)
                # Newer servers refuse a batch at the first document of it that is gone.
                found = await documents(self._context, {each.document_id for each in batch})
                left = [each for each in batch if each.document_id in found]
                if len(left) < len(batch):
                    return self._once_more(left, 0.0)
                if self._failed_calls < CALLS:  # then a field is gone: it is made again
                    self._failed_calls += 1
                    self._fields.clear()
                    return self._once_more(batch, FIRST_DELAY)
        return [self._give_up(each, _refused(each, outcome)) for each in batch]

    def _once_more(self, batch: list[MarkRequest], after: float) -> list[MarkResult]:
        self._not_before = self._context.clock.now() + after
        for each in batch:
            self._waiting.setdefault(each.key, each)
        return []

    def _give_up(self, each: MarkRequest, why: Notice) -> MarkResult:
        self._given_up[each.key] = each
        return MarkResult(key=each.key, document_id=each.document_id, asked=each.asked, why=why)

    # -- reading back --------------------------------------------------------------------------

    async def _read_back(self, written: list[MarkRequest]) -> list[MarkResult]:
        found = await documents(self._context, {each.document_id for each in written})
        ended, changes = list[MarkResult](), list[EntryChange]()
        for each in written:
            document = found.get(each.document_id)
            if document is None or document.rev != each.mark.rev or not self._current(each):
                continue  # gone or sent anew meanwhile: the key is decided anew
            lost = self._not_stored(each, document)
            if not lost:
                changes.append(self._change(each))
                ended.append(_ended(each, again=self._awaits(each)))
            elif (failed := self._lost(each, lost)) is not None:
                ended.append(failed)
        self._context.ledger.commit_all(changes)
        return ended

    def _not_stored(self, each: MarkRequest, document: RemoteDocument) -> list[str]:
        """Return the fields that a document does not carry as they were written."""
        held = document.metadata
        lost = [name for name, value in each.texts.items() if held.get(name) != value]
        wanted = each.writable.items()
        return lost + [name for name, value in wanted if not is_stored(value, held.get(name))]

    def _change(self, each: MarkRequest) -> EntryChange:
        entry = self._context.ledger.entry(each.key)
        assert entry is not None  # noqa: S101 - it is current
        # What was taken away is not carried over from the document that is replaced.
        amid_swap, written = bool(entry.superseded), each.writable.items()
        kept = {name: value for name, value in written if amid_swap or value is not None}
        marked = replace(entry, metadata_hash=values_hash(values_of(each.mark)), metadata=kept)
        if each.declared is not None and each.declared.is_all and not each.refused:
            marked = replace(marked, profile=each.declared.profile, stat=each.stat or entry.stat)
        journal = (self._line(each),) if each.asked else ()
        return EntryChange(key=each.key, entry=marked, journal=journal)

    def _line(self, each: MarkRequest) -> JournalLine:
        now = self._context.clock.now()
        return JournalLine(
            at=now,
            mirror=each.key.mirror,
            path=each.key.path,
            action="set_metadata",
            document_id=each.document_id,
            outcome="done",
            milliseconds=int((now - each.since) * 1000),
        )

    def _lost(self, each: MarkRequest, names: list[str]) -> MarkResult | None:
        each.failures += 1
        if each.failures >= READ_BACKS:
            path = each.key.path
            marked = not set(names) & set(FIELDS)
            stored = say.METADATA_NOT_STORED(path=path, fields=", ".join(names))
            return self._give_up(each, stored if marked else say.NOT_MARKED(path=path))
        self._once_more([each], FIRST_DELAY)
        return None


def _ended(each: MarkRequest, *, again: bool) -> MarkResult:
    left = each.declared is not None and not each.declared.is_all
    awaited = (each.asked or each.awaited) and not each.refused
    return MarkResult(
        key=each.key,
        document_id=each.document_id,
        asked=each.asked,
        why=next(iter(each.refused.values()), None),
        again=again or (left and awaited),
    )


def _refused(each: MarkRequest, outcome: Outcome[None]) -> Notice:
    why = "404, not there" if isinstance(outcome, Gone) else ""
    if isinstance(outcome, Rejected | NotReady | NotSent):
        why = why_of(outcome)
    return say.ACTION_FAILED(action="marking", path=each.key.path, reason=why)


def mark_event(marked: MarkResult) -> Event:
    """Return the event of a mark that came back, or did not."""
    return Event(
        key=marked.key,
        action="set_metadata",
        cause="metadata",
        outcome="stopped" if marked.why else "done",
        milliseconds=0,
        document_id=marked.document_id,
        why=marked.why,
    )


class MarkLoop:
    """Lets a writer of marks work whenever it has something to do.

    Args:
        marks: the writer.
        wakeup: of the worker pool.
        marked: called with every mark that came to an end.

    Attributes:
        writing: a call is under way.
        quiet: no call is begun.
    """

    def __init__(
        self, marks: MarkWriter, wakeup: Wakeup, marked: Callable[[MarkResult], None]
    ) -> None:
        self._marks = marks
        self._wakeup = wakeup
        self._marked = marked
        self.writing = False
        self.quiet = False

    async def run(self, over: Callable[[], bool], idle: Callable[[], bool]) -> None:
        """Write until `over`; while `idle`, nothing more will join a batch soon."""
        while not over():
            now_idle = idle()
            due_in = None if self.quiet else self._marks.due_in(idle=now_idle)
            if due_in == 0:
                await self._work(now_idle)
            else:
                await self._wakeup.wait(due_in)
        self._wakeup.wake()

    async def _work(self, idle: bool) -> None:
        self.writing = True
        try:
            for marked in await self._marks.work(idle=idle):
                self._marked(marked)
        except Problem as problem:
            self._wakeup.fail(problem)
        finally:
            self.writing = False
        self._wakeup.wake()
