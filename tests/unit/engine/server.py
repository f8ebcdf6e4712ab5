"""The model of a knowledge base behind the engine's `Remote`, with replies that a test scripts.

A call takes `latency` seconds and goes as the model says, unless a test scripted its end.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

import anyio

from kbsync.engine.observe.remote_state import A_PAGE
from kbsync.engine.ports import Assignment, Chunking, DocumentPage, Payload
from kbsync.model import (
    UNDECLARED,
    Ambiguous,
    Base,
    BaseSettings,
    ChunkPage,
    Done,
    Gone,
    NotReady,
    NotSent,
    Original,
    Outcome,
    Progress,
    Rejected,
    RemoteDocument,
    SearchHit,
    Throttled,
    Uploaded,
)
from kbsync.planning.marks import FIELDS
from tests.model.knowledge_base import Capabilities, Capability, KnowledgeBase, uploaded
from tests.model.stored_document import EMPTY, FAILS, FINE, Document

from .words import BASE, MIRROR, WHY, VirtualClock, fingerprint_of

T = TypeVar("T")

# How a call may end: it is not sent, or refused, and the caller knows; it takes effect and the
# reply is lost; it takes no effect and the reply is lost.
UNSENT = NotSent(WHY)
REFUSED = Rejected(WHY)
LOST = "lost"
DROPPED = "dropped"
NO_PREVIOUS_REV = ""


@dataclass(frozen=True)
class Late:
    """The call takes effect `after` seconds from now; its reply is lost."""

    after: float


Fault = str | Late | NotSent | Rejected | Throttled | NotReady | Gone | Ambiguous | None


class Overlaps:
    """Notes ids of documents that are uploaded over while they are indexed."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.busy: Callable[[Document], bool] = lambda document: False

    def uploads_over(self, document: Document, content: bytes, settings: str) -> None:
        if self.busy(document):
            self.ids.append(document.id)

    def wedges(self, document: Document) -> None: ...
    def deletes(self, document: Document) -> None: ...
    def changes(self, document: Document, how: str) -> None: ...
    def marks(self, document: Document, values: Mapping[str, str]) -> None: ...


class ScriptedRemote:
    """The engine's `Remote` over a model of a knowledge base.

    Args:
        clock: time.
        latency: seconds a call takes.
        indexing: seconds indexing takes; one chunk completes each minute.

    Attributes:
        faults: by call, how the next ones end; None for as usual.
        always: by call, how every one ends that `faults` says nothing of.
        on_call: by call, what happens when it arrives; it is given what the call names.
        failing_names, empty_names: names whose indexing fails, or ends without chunks.
        dropping: ids of documents whose metadata is accepted and not kept.
        calls: time, call and what it names, in order.
    """

    def __init__(
        self, clock: VirtualClock, *, latency: float = 0.05, indexing: float = 2.0
    ) -> None:
        self.clock = clock
        self.latency = latency
        self.indexing = indexing
        overlapping = Overlaps()
        able = Capabilities(version="1.13.0")
        self.model = KnowledgeBase(able, clock.now, self._indexing, overlapping)
        self.model.base_id = BASE
        self.model.chunk_seconds = 60.0
        # A document whose task is gone is not indexed: to send it again doubles nothing.
        overlapping.busy = lambda each: self.model.readiness(each).busy and not each.task_lost
        self.overlaps = overlapping.ids
        self.rests_until = 0.0
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.always: dict[str, Fault] = {}
        self.failing_names: set[str] = set()
        self.empty_names: set[str] = set()
        self.leaving_names: set[str] = set()
        self.chunks_taken: int | None = None
        self.dropping: set[str] = set()
        self.on_call: dict[str, Callable[[str], object]] = {}
        self.calls: list[tuple[float, str, str]] = []
        self.in_flight = self.peak = self.indexing_peak = 0

    def _indexing(self, name: str) -> tuple[float, str]:
        if name in self.failing_names:
            return self.indexing, FAILS
        return self.indexing, EMPTY if name in self.empty_names else FINE

    # -- what tests see and do

    @property
    def documents(self) -> dict[str, Document]:
        self.model.land()
        return self.model.documents

    @property
    def base_there(self) -> bool:
        return self.model.base_id is not None

    @base_there.setter
    def base_there(self, there: bool) -> None:
        self.model.base_id = BASE if there else None

    @property
    def field_ids(self) -> dict[str, str]:
        return self.model.fields

    @field_ids.setter
    def field_ids(self, ids: dict[str, str]) -> None:
        self.model.fields = ids

    def times(self, call: str) -> list[float]:
        return [at for at, name, _ in self.calls if name == call]

    def count(self, call: str) -> int:
        return len(self.times(call))

    def by_name(self, name: str) -> list[Document]:
        self.model.land()
        return self.model.bearers(name)

    def put(self, name: str, content: bytes, **more: object) -> Document:
        """Make a document that was indexed long ago."""
        document = self.model.new(name)
        self.model.put(document, name, content, "by hand")
        document.ready_at = 0.0
        for word, value in more.items():
            setattr(document, word, value)
        return document

    def show(self, document: Document) -> RemoteDocument:
        return self.model.row(document)

    def mark(self, document: Document, path: str, owner: str = "") -> None:
        print_ = fingerprint_of(document.content)
        values = (MIRROR, path, f"{print_.content}:{print_.settings}", document.rev, owner)
        document.metadata |= dict(zip(FIELDS, values, strict=True))

    def busy(self) -> int:
        return sum(self.model.readiness(each).busy for each in self.documents.values())

    # -- how a call goes

    async def _begin(self, call: str, what: str) -> Fault:
        self.calls.append((self.clock.now(), call, what))
        self.on_call.get(call, lambda _: None)(what)
        with self._counted():
            await anyio.sleep(self.latency)
        self.model.land()
        if self.faults[call]:
            return self.faults[call].popleft()
        return self.always.get(call)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    async def _read(self, call: str, what: str, answer: Callable[[], Outcome[T]]) -> Outcome[T]:
        fault = await self._begin(call, what)
        return answer() if fault is None else _reply(fault)

    async def _write(self, call: str, what: str, effect: Callable[[], Outcome[T]]) -> Outcome[T]:
        fault = await self._begin(call, what)
        if isinstance(fault, Late):
            self.model.later(fault.after, effect)
        elif fault in (None, LOST):
            outcome = effect()
            self.indexing_peak = max(self.indexing_peak, self.busy())
            return outcome if fault is None or not isinstance(outcome, Done) else Ambiguous(WHY)
        return _reply(fault)

    # -- the port

    @property
    def capabilities(self) -> Capabilities:
        return self.model.told

    @capabilities.setter
    def capabilities(self, capabilities: Capabilities) -> None:
        self.model.able = self.model.told = capabilities

    def note(self, capability: Capability, able: bool) -> None:
        self.model.note(capability, able)

    def recall(self, known: Capabilities) -> None:
        if self.model.told == Capabilities():
            self.model.told = known

    def paused_for(self) -> float:
        return max(0.0, self.rests_until - self.clock.now())

    async def base(self, base_id: str) -> Outcome[Base]:
        return await self._read("base", base_id, lambda: self.model.base(base_id))

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        return await self._read("bases_named", name, lambda: self.model.bases_named(name))

    async def embedding_models(self) -> Outcome[frozenset[str]]:
        return await self._read("embedding_models", "", self.model.embedding_models)

    async def make_base(
        self, name: str, chunking: Chunking, settings: BaseSettings = UNDECLARED
    ) -> Outcome[Base]:
        return await self._write("make_base", name, lambda: self.model.make_base(name, settings))

    async def change_base(self, base_id: str, settings: BaseSettings) -> Outcome[None]:
        named = ", ".join(settings.named)
        return await self._write(
            "change_base", named, lambda: self.model.change_base(base_id, settings)
        )

    async def tag_base(
        self, base_id: str, *, on: AbstractSet[str], off: AbstractSet[str]
    ) -> Outcome[None]:
        return await self._write(
            "tag_base", ", ".join(sorted(on)), lambda: self.model.tag_base(base_id, on, off)
        )

    async def page(
        self, base_id: str, number: int, *, status: str | None = None, rows: int = 100
    ) -> Outcome[DocumentPage]:
        what = status or ("" if rows == A_PAGE else f"the newest {rows}")
        return await self._read(
            "page", what, lambda: self.model.page(base_id, number, status, rows)
        )

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        return await self._read("named", name, lambda: self.model.named(base_id, name))

    async def document(
        self, base_id: str, document_id: str, *, name: str = ""
    ) -> Outcome[RemoteDocument]:
        return await self._read(
            "document", document_id, lambda: self.model.document(base_id, document_id)
        )

    async def original(self, base_id: str, document_id: str, *, largest: int) -> Outcome[Original]:
        def answer() -> Outcome[Original]:
            stored = self.model.documents.get(document_id)
            if stored is None or base_id != self.model.base_id:
                return Gone()
            size = len(stored.content)
            if size > largest:
                return Done(Original(content="", size=0, declared=size, whole=False))
            return Done(Original(content=sha256(stored.content).hexdigest(), size=size))

        return await self._read("original", document_id, answer)

    async def old_chunks(self, base_id: str, document_id: str) -> Outcome[bool]:
        def answer() -> Outcome[bool]:
            stored = self.model.documents.get(document_id)
            return Gone() if stored is None else Done(stored.name in self.leaving_names)

        return await self._read("old_chunks", document_id, answer)

    async def chunks(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        return await self._read(
            "chunks", document_id, lambda: self.model.chunks(base_id, document_id)
        )

    async def add_chunks(
        self, base_id: str, document_id: str, texts: Sequence[str]
    ) -> Outcome[int]:
        return await self._write(
            "add_chunks",
            document_id,
            lambda: self.model.add_chunks(base_id, document_id, texts, most=self.chunks_taken),
        )

    async def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        return await self._write(
            "delete_chunk",
            chunk_id,
            lambda: self.model.delete_chunk(base_id, document_id, chunk_id),
        )

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        return await self._read("search", query, lambda: self.model.search(base_id, query))

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        return await self._read(
            "progress", document_id, lambda: self.model.progress(base_id, document_id, batch)
        )

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        def effect() -> Outcome[Uploaded]:
            content = payload.read()
            made = self.model.create(base_id, name, content, chunking, duplicate=duplicate)
            return _uploaded(made, payload)

        return await self._write("create", name, effect)

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        def effect() -> Outcome[Uploaded]:
            content = payload.read()
            return _uploaded(
                self.model.update(base_id, document_id, name, content, chunking), payload
            )

        return await self._write("update", document_id, effect)

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        return await self._write(
            "delete", document_id, lambda: self.model.delete(base_id, document_id)
        )

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        return await self._write(
            "switch", document_id, lambda: self.model.switch(base_id, document_id, action)
        )

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        return await self._read("fields", base_id, lambda: self.model.field_ids(base_id))

    def field_kind(self, field_id: str) -> str:
        return self.model.field_kind(field_id)

    async def make_field(self, base_id: str, name: str, kind: str = "string") -> Outcome[str]:
        return await self._write(
            "make_field", name, lambda: self.model.make_field(base_id, name, kind)
        )

    async def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        def effect() -> Outcome[None]:
            kept = [each for each in assignments if each.document_id not in self.dropping]
            return self.model.assign(base_id, fields, kept)

        return await self._write("assign", str(len(assignments)), effect)


def _reply(fault: Fault) -> Outcome[T]:
    return Ambiguous(WHY) if isinstance(fault, str | Late | None) else fault


def _uploaded(outcome: Outcome[tuple[RemoteDocument, str]], payload: Payload) -> Outcome[Uploaded]:
    return Done(uploaded(outcome.value, payload.content)) if isinstance(outcome, Done) else outcome
