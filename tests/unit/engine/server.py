"""A knowledge API in memory.

It keeps the rules of a real one that matter to the engine: a create over an enabled document of its
name re-uses it, an update needs an available document, indexing takes its time, only list rows tell
word counts. It misbehaves only where a test told it to, call by call.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import anyio

from kbsync.engine.ports import (
    Assignment,
    Chunking,
    DocumentPage,
    Payload,
)
from kbsync.model import (
    Ambiguous,
    Base,
    Capabilities,
    Done,
    Gone,
    NotReady,
    NotSent,
    Outcome,
    Progress,
    Readiness,
    Rejected,
    RemoteDocument,
    Throttled,
    Uploaded,
)
from kbsync.planning.marks import FIELDS

from .words import BASE, MIRROR, WHY, VirtualClock, fingerprint_of

# What a call can be told to do: nothing happens and it is known; it happens and the reply is
# lost; it never happens and nobody knows; it happens later and nobody knows.
UNSENT = NotSent(WHY)
REFUSED = Rejected(WHY)
LOST = "lost"
DROPPED = "dropped"


@dataclass(frozen=True)
class Late:
    """The call takes effect `after` seconds from now; its reply is lost."""

    after: float


Fault = str | Late | NotSent | Rejected | Throttled | NotReady | Gone | Ambiguous | None


@dataclass
class Stored:
    """A document as the server keeps it.

    Args:
        ready_at: when indexing ends; one chunk is done each minute, none when `frozen`.
        failing: indexing ends in error.
        visible_at: from when on anybody sees it.
        extra_words: what somebody added to its chunks.
    """

    id: str
    name: str
    content: bytes
    rev: str
    ready_at: float
    chunks: int = 1
    enabled: bool = True
    archived: bool = False
    failing: bool = False
    visible_at: float = 0.0
    started_at: float = 0.0
    extra_words: int = 0
    frozen: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


class Server:
    """A knowledge API in memory.

    Args:
        clock: time.
        latency: seconds a call takes.
        indexing: seconds indexing takes.

    Attributes:
        dropping: ids of documents whose metadata is taken and not kept.
        merging: assignments keep what they do not name.
    """

    def __init__(
        self, clock: VirtualClock, *, latency: float = 0.05, indexing: float = 2.0
    ) -> None:
        self.clock = clock
        self.latency = latency
        self.indexing = indexing
        self.able = Capabilities(version="1.13.0")
        self.documents: dict[str, Stored] = {}
        self.base_there = True
        self.rests_until = 0.0
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.always: dict[str, Fault] = {}
        self.failing_names: set[str] = set()
        self.empty_names: set[str] = set()
        self.field_ids: dict[str, str] = {}
        self.dropping: set[str] = set()
        self.merging = True
        self.on_call: dict[str, object] = {}
        self.calls: list[tuple[float, str, str]] = []
        self.in_flight = self.peak = self.indexing_peak = 0
        self.overlaps: list[str] = []
        self._made = 0

    # -- what tests ask and do

    def times(self, call: str) -> list[float]:
        return [at for at, name, _ in self.calls if name == call]

    def count(self, call: str) -> int:
        return len(self.times(call))

    def by_name(self, name: str) -> list[Stored]:
        return [each for each in self._visible() if each.name == name]

    def put(self, name: str, content: bytes, **more: object) -> Stored:
        """Somebody made a document, long ago."""
        stored = self._new(name, content, duplicate=False)
        stored.ready_at = 0.0
        for word, value in more.items():
            setattr(stored, word, value)
        return stored

    def show(self, stored: Stored) -> RemoteDocument:
        readiness = self._readiness(stored)
        return RemoteDocument(
            id=stored.id,
            name=stored.name,
            rev=stored.rev,
            word_count=None if readiness.busy else self._words(stored),
            readiness=readiness,
            size=len(stored.content),
            metadata=dict(stored.metadata),
            error="the embedder is away" if readiness is Readiness.ERROR else None,
            enabled=stored.enabled,
        )

    def mark(self, stored: Stored, path: str, owner: str = "") -> None:
        print_ = fingerprint_of(stored.content)
        values = (MIRROR, path, f"{print_.content}:{print_.settings}", stored.rev, owner)
        stored.metadata |= dict(zip(FIELDS, values, strict=True))

    def busy(self) -> int:
        return sum(self._readiness(each).busy for each in self._visible())

    # -- the machine

    def _words(self, stored: Stored) -> int:
        return len(stored.content) + stored.extra_words if stored.chunks else 0

    def _visible(self) -> list[Stored]:
        now = self.clock.now()
        return [each for each in self.documents.values() if each.visible_at <= now]

    def _readiness(self, stored: Stored) -> Readiness:
        if self.clock.now() < stored.ready_at:
            return Readiness.INDEXING
        if stored.archived:
            return Readiness.ARCHIVED
        if not stored.enabled:
            return Readiness.DISABLED
        return Readiness.ERROR if stored.failing else Readiness.AVAILABLE

    def _new(self, name: str, content: bytes, *, duplicate: bool) -> Stored:
        twins = [each for each in self.by_name(name) if each.enabled and not each.archived]
        if duplicate and self.able.merges_by_name and twins:
            return self._write(twins[0], name, content)
        self._made += 1
        stored = Stored(id=f"doc-{self._made}", name=name, content=b"", rev="", ready_at=0.0)
        self.documents[stored.id] = stored
        return self._write(stored, name, content)

    def _write(self, stored: Stored, name: str, content: bytes) -> Stored:
        if self._readiness(stored).busy:
            self.overlaps.append(stored.id)
        self._made += 1
        now = self.clock.now()
        stored.name, stored.content, stored.rev = name, content, f"rev-{self._made}"
        stored.started_at, stored.ready_at = now, now + self.indexing
        stored.chunks = 0 if name in self.empty_names else 1
        stored.failing = name in self.failing_names
        stored.extra_words = 0
        self.indexing_peak = max(self.indexing_peak, self.busy())
        return stored

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    async def _begin(self, call: str, what: str) -> Fault:
        self.calls.append((self.clock.now(), call, what))
        hook = self.on_call.get(call)
        if callable(hook):
            hook(what)
        with self._counted():
            await anyio.sleep(self.latency)
        if self.faults[call]:
            return self.faults[call].popleft()
        return self.always.get(call)

    # -- the port

    @property
    def capabilities(self) -> Capabilities:
        return self.able

    def resting(self) -> float:
        return max(0.0, self.rests_until - self.clock.now())

    async def base(self, base_id: str) -> Outcome[Base]:
        fault = await self._begin("base", base_id)
        if fault is not None:
            return fault  # type: ignore[return-value]
        if not self.base_there:
            return Gone()
        return Done(Base(id=base_id, name="Docs", documents=len(self._visible())))

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        return Done((Base(id=BASE, name=name, documents=0),) if self.base_there else ())

    async def make_base(self, name: str, chunking: Chunking) -> Outcome[Base]:
        self.base_there = True
        return Done(Base(id=BASE, name=name, documents=0))

    async def page(
        self, base_id: str, number: int, *, status: str | None = None
    ) -> Outcome[DocumentPage]:
        fault = await self._begin("page", status or "")
        if fault is not None:
            return fault  # type: ignore[return-value]
        shown = [self.show(each) for each in self._visible()]
        if status is not None:
            readiness = {"queuing": "waiting"}.get(status, status)
            shown = [each for each in shown if each.readiness == readiness]
        start = (number - 1) * 100
        return Done(DocumentPage(documents=tuple(shown[start : start + 100]), total=len(shown)))

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        fault = await self._begin("named", name)
        if fault is not None:
            return fault  # type: ignore[return-value]
        return Done(tuple(self.show(each) for each in self.by_name(name)))

    async def document(self, base_id: str, document_id: str) -> Outcome[RemoteDocument]:
        fault = await self._begin("document", document_id)
        if fault is not None:
            return fault  # type: ignore[return-value]
        stored = self._find(document_id)
        if stored is None:
            return Gone()
        return Done(replace(self.show(stored), word_count=None))  # only list rows tell it

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        fault = await self._begin("progress", document_id)
        if fault is not None:
            return fault  # type: ignore[return-value]
        stored = self._find(document_id)
        if stored is None or batch != f"batch-{stored.rev}":
            return Gone()
        minutes = 0 if stored.frozen else int((self.clock.now() - stored.started_at) // 60)
        readiness = self._readiness(stored)
        if readiness.busy:
            return Done(Progress(readiness=readiness, completed=minutes, total=1000))
        return Done(Progress(readiness=readiness, completed=stored.chunks, total=stored.chunks))

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        fault = await self._begin("create", name)
        if not self.base_there:
            return Gone()
        if fault not in (None, LOST) and not isinstance(fault, Late):
            return _told(fault)
        content = payload.read()
        stored = self._new(name, content, duplicate=duplicate)
        if isinstance(fault, Late):
            stored.visible_at = self.clock.now() + fault.after
        return Ambiguous(WHY) if fault is not None else self._reply(stored, payload)

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        fault = await self._begin("update", document_id)
        if fault not in (None, LOST):
            return _told(fault)
        stored = self._find(document_id)
        if stored is None:
            return Gone()
        if self._readiness(stored) is not Readiness.AVAILABLE:
            return NotReady(WHY, 1.0)
        self._write(stored, name, payload.read())
        return Ambiguous(WHY) if fault is not None else self._reply(stored, payload)

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        fault = await self._begin("delete", document_id)
        if fault not in (None, LOST):
            return _told(fault)
        if self._find(document_id) is None:
            return Gone()
        del self.documents[document_id]
        return Ambiguous(WHY) if fault is not None else Done(None)

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        fault = await self._begin("switch", document_id)
        if fault is not None:
            return _told(fault)
        stored = self._find(document_id)
        if stored is None:
            return Gone()
        stored.enabled = action == "enable"
        return Done(None)

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        fault = await self._begin("fields", base_id)
        if fault is not None:
            return _told(fault)
        return Done(dict(self.field_ids)) if self.able.metadata else Rejected(WHY)

    async def make_field(self, base_id: str, name: str) -> Outcome[str]:
        fault = await self._begin("make_field", name)
        if fault is not None:
            return _told(fault)
        if name in self.field_ids:
            return Rejected(WHY)
        self.field_ids[name] = f"field-{name}"
        return Done(self.field_ids[name])

    async def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        fault = await self._begin("assign", str(len(assignments)))
        if fault not in (None, LOST):
            return _told(fault)
        for each in assignments:
            stored = self._find(each.document_id)
            if stored is None or each.document_id in self.dropping:
                continue
            assert all(fields[name] == self.field_ids[name] for name in each.values)
            kept = stored.metadata if self.merging else {}
            stored.metadata = kept | each.values
        return Ambiguous(WHY) if fault is not None else Done(None)

    def _find(self, document_id: str) -> Stored | None:
        if not self.base_there:
            return None
        return next((each for each in self._visible() if each.id == document_id), None)

    def _reply(self, stored: Stored, payload: Payload) -> Outcome[Uploaded]:
        batch = f"batch-{stored.rev}"
        return Done(Uploaded(document=self.show(stored), batch=batch, content=payload.content))


def _told(fault: Fault) -> Outcome:  # type: ignore[type-arg]
    return Ambiguous(WHY) if fault == DROPPED else fault  # type: ignore[return-value]
