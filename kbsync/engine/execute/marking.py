"""The one writer of marks: collects keys, writes their marks in batches, reads them back.

A mark is written soon after the upload's reply (marks survive indexing, errors and updates,
docs/dify-api.md section 16), so that a ledger lost a second later finds its documents again. The
server's success proves nothing: only what was read back counts, and what did not come back twice
is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kbsync.engine.context import Context
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
    DocKey,
    Done,
    Gone,
    JournalLine,
    Mark,
    NotReady,
    NotSent,
    Outcome,
    Rejected,
    RemoteDocument,
    Throttled,
    Unauthorized,
)
from kbsync.planning.marks import FIELDS, mark_for, others_in, values_hash, values_of

BATCH = 100
LINGER = 2.0  # one call marks a whole batch, so a mark waits for others
READ_BACK_AFTER, READ_BACK_AT = 30.0, 1000  # a list is read for many marks at once
READ_BACKS = 2
CALLS = 6
FIRST_DELAY, LONGEST_DELAY = 1.0, 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkResult:
    """A mark that came back, or did not.

    Args:
        asked: a decision asked for it (row T14); otherwise it belongs to an upload.
        why: None when it came back.
        again: something else of the document may be left to do.
    """

    key: DocKey
    document_id: str
    asked: bool
    why: Notice | None = None
    again: bool = False


@dataclass(slots=True, kw_only=True)
class MarkRequest:
    """One mark on its way.

    Args:
        others: foreign values on the document; None when they are not known.
        since: when it was asked for, or written.
        failures: read-backs in vain.
        awaited: a decision asked for it while it was on its way.
    """

    key: DocKey
    document_id: str
    mark: Mark
    others: Mapping[str, str] | None
    since: float
    asked: bool
    failures: int = 0
    awaited: bool = False

    @property
    def values(self) -> dict[str, str]:
        """What the document should carry once it is written."""
        return {**(self.others or {}), **values_of(self.mark)}


class MarkWriter:
    """Writes the marks of one mirror.

    Does nothing while the context knows no metadata fields: then the server has none.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._fields = dict(context.fields or {})
        self._waiting: dict[DocKey, MarkRequest] = {}
        self._in_hand: dict[DocKey, MarkRequest] = {}
        self._written: dict[DocKey, MarkRequest] = {}
        self._given_up: dict[DocKey, Mark] = {}
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

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_hand) + len(self._written)

    def add(self, key: DocKey, document: RemoteDocument | None, *, asked: bool = False) -> None:
        """Mark the document of `key` as its entry says.

        Args:
            key: whose document.
            document: as last seen, for the foreign values on it; None when unknown.
            asked: report when it is done.
        """
        mark = self._mark_of(key)
        if mark is None or self._given_up.get(key) == mark:
            return
        for wanted in (self._waiting, self._in_hand, self._written):
            if key in wanted and wanted[key].mark == mark:
                wanted[key].awaited |= asked
                return
        self._written.pop(key, None)
        entry = self._context.ledger.entry(key)
        if entry is None:
            return
        if not asked and entry.metadata_hash == values_hash(values_of(mark)):
            return
        self._waiting[key] = MarkRequest(
            key=key,
            document_id=entry.document_id,
            mark=mark,
            others=None if document is None else others_in(document.metadata),
            since=self._context.clock.now(),
            asked=asked,
        )

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
        oldest = min(each.since for each in self._waiting.values())
        full = idle or len(self._waiting) >= BATCH
        return max(self._not_before, now if full else oldest + self._linger)

    def _read_due(self, idle: bool) -> float | None:
        if not self._written:
            return None
        now = self._context.clock.now()
        oldest = min(each.since for each in self._written.values())
        full = (idle and not self._waiting) or len(self._written) >= READ_BACK_AT
        return now if full else oldest + READ_BACK_AFTER

    def _mark_of(self, key: DocKey) -> Mark | None:
        entry = self._context.ledger.entry(key)
        if entry is None or self._context.fields is None:
            return None
        return mark_for(entry, self._context.owner)

    # -- writing -------------------------------------------------------------------------------

    async def _write(self, taken: list[MarkRequest]) -> list[MarkResult]:
        batch = [each for each in taken if self._current(each)]
        outcome = await self._make_fields()
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

    async def _make_fields(self) -> Outcome[None]:
        """Make the fields that are missing, one at a time: they take a lock at the server."""
        if not self._fields.keys() >= set(FIELDS):  # they may have been made since it was asked
            await self._ask_for_fields()
        for name in FIELDS:
            if name in self._fields:
                continue
            made = await self._context.remote.make_field(self._context.base_id or "", name)
            if isinstance(made, Done):
                self._fields[name] = made.value
                continue
            await self._ask_for_fields()  # another writer may have made it meanwhile
            if name not in self._fields:
                return made
        return Done(None)

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
            each.others = None if there is None else others_in(there.metadata)
            if there is not None and old is not None:
                each.others = {**others_in(old.metadata), **others_in(there.metadata)}
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
        sendable = {name: value for name, value in each.values.items() if name in self._fields}
        return Assignment(document_id=each.document_id, values=sendable)

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
        self._given_up[each.key] = each.mark
        return MarkResult(key=each.key, document_id=each.document_id, asked=each.asked, why=why)

    # -- reading back --------------------------------------------------------------------------

    async def _read_back(self, written: list[MarkRequest]) -> list[MarkResult]:
        found = await documents(self._context, {each.document_id for each in written})
        ended, changes = list[MarkResult](), list[EntryChange]()
        for each in written:
            document = found.get(each.document_id)
            if document is None or document.rev != each.mark.rev or not self._current(each):
                continue  # gone or sent anew meanwhile: the key is decided anew
            if each.values.items() <= document.metadata.items():
                changes.append(self._change(each))
                ended.append(_ended(each, again=self._awaits(each)))
            elif (failed := self._lost(each)) is not None:
                ended.append(failed)
        self._context.ledger.commit_all(changes)
        return ended

    def _change(self, each: MarkRequest) -> EntryChange:
        entry = self._context.ledger.entry(each.key)
        assert entry is not None  # noqa: S101 - it is current
        marked = replace(entry, metadata_hash=values_hash(values_of(each.mark)))
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

    def _lost(self, each: MarkRequest) -> MarkResult | None:
        each.failures += 1
        if each.failures >= READ_BACKS:
            return self._give_up(each, say.NOT_MARKED(path=each.key.path))
        self._once_more([each], FIRST_DELAY)
        return None


def _ended(each: MarkRequest, *, again: bool) -> MarkResult:
    return MarkResult(key=each.key, document_id=each.document_id, asked=each.asked, again=again)


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
