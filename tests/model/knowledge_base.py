"""A model of the knowledge API: its rules, without faults and without a clock of its own.

docs/dify-api.md says how a real server behaves; the rules that matter to a mirror are kept here: a
create over an enabled document of its name re-uses it, indexing takes its time and may fail, an
update needs an available document, only list rows tell word counts, an archived document stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kbsync.engine.ports import Assignment, Chunking, DocumentPage
from kbsync.model import (
    UNDECLARED,
    Ambiguous,
    Base,
    BaseSettings,
    Capabilities,
    Capability,
    Chunk,
    ChunkPage,
    Done,
    Gone,
    NotReady,
    Outcome,
    Progress,
    Readiness,
    Rejected,
    RemoteDocument,
    SearchHit,
    Uploaded,
    Withheld,
)

from .base_settings import WHY, Settings, made_with, shown
from .cut_chunks import CutChunks, cut_up, joined, page_of
from .keyword_table import KeywordTable
from .stored_document import EMPTY, FAILS, FINE, NEVER, Document

PAGE = 100
CHUNKS = 1000  # of a document that is being indexed
NEVER_READY = float("inf")


class Observer(Protocol):
    """Sees every change before it takes effect."""

    def uploads_over(self, document: Document, content: bytes, settings: str) -> None: ...
    def wedges(self, document: Document) -> None: ...
    def deletes(self, document: Document) -> None: ...
    def changes(self, document: Document, how: str) -> None: ...
    def marks(self, document: Document, values: Mapping[str, str]) -> None: ...


class KnowledgeBase(Settings, CutChunks):
    """One knowledge base of one server, which may be deleted and made again.

    Args:
        able: what the server can do.
        now: seconds.
        indexing: of a name, how many seconds its indexing takes and how it ends.

    Attributes:
        chunk_seconds: how long a chunk takes; by default none completes before the end.
        told: what kbsync knows of that.
        refused: contents that the server does not accept.
        came_out_empty: contents of which it made no chunk.
        away_until: no request is answered before.
        withheld: why it takes nothing, whatever is sent; with `updates`, no update either.
        turned_away: how many uploads it did not take for that.
        deleted: how many documents were deleted by request.
        searched: kbsync is told that it can be searched, and how.
        keywords: what searches find.
        counts_lost_words: of some documents it counts words though it made no chunk of them.
        worker_runs: it indexes what it is sent; otherwise everything waits in its queue.
    """

    def __init__(
        self,
        able: Capabilities,
        now: Callable[[], float],
        indexing: Callable[[str], tuple[float, str]],
        observer: Observer,
    ) -> None:
        self.able = self.told = able
        self.documents: dict[str, Document] = {}
        self.fields: dict[str, str] = {}
        self.models = frozenset({"a-model"})
        self.kinds: dict[str, str] = {}
        self.settings = UNDECLARED
        self.base_id: str | None = None
        self.base_was_made = 0
        self.refused: set[bytes] = set()
        self.answered_refused: set[bytes] = set()
        self.came_out_empty: set[bytes] = set()
        self.away_until = float("-inf")
        self.withheld: Withheld | Ambiguous | None = None
        self.turned_away = self.deleted = 0
        self.searched = False
        self.keywords = KeywordTable()
        self.after_delete: Callable[[], None] = lambda: None
        self.chunk_seconds = float("inf")
        self.counts_lost_words = False
        self.worker_runs = True
        self.error = "the embedder is away"
        self._now = now
        self._at: float | None = None
        self.indexing = indexing
        self.observer = observer
        self.ids = itertools.count(1)
        self._later: list[tuple[float, int, Callable[[], object]]] = []

    # -- time ----------------------------------------------------------------------------------

    def now(self) -> float:
        return self._now() if self._at is None else self._at

    def later(self, seconds: float, effect: Callable[[], object]) -> None:
        """Let `effect` happen by itself, so many seconds from now: its caller does not wait."""
        self._later.append((self._now() + seconds, next(self.ids), effect))
        self._later.sort(key=lambda each: each[:2])

    def land(self, until: float | None = None) -> None:
        """Let everything happen that is due by `until`, by default now."""
        until = self._now() if until is None else until
        while self._later and self._later[0][0] <= until:
            self._at, _, effect = self._later.pop(0)
            try:
                effect()
            finally:
                self._at = None

    @property
    def landing(self) -> bool:
        """Whether what happens now was sent before, by a caller that did not wait."""
        return self._at is not None

    @property
    def late(self) -> int:
        """Return how many calls are under way whose callers did not wait."""
        return len(self._later)

    @property
    def away(self) -> bool:
        """Whether no request is answered at all."""
        return self.now() < self.away_until

    # -- what it shows -------------------------------------------------------------------------

    def readiness(self, document: Document) -> Readiness:
        if self.now() < document.ready_at:
            return document.stage
        if document.archived:
            return Readiness.ARCHIVED
        if document.fate == FAILS:
            return Readiness.ERROR
        return Readiness.AVAILABLE if document.enabled else Readiness.DISABLED

    def row(self, document: Document) -> RemoteDocument:
        readiness = self.readiness(document)
        failed = document.fate == FAILS and not readiness.busy
        return RemoteDocument(
            id=document.id,
            name=document.name,
            rev=document.rev,
            word_count=None if readiness.busy else self.words(document),
            readiness=readiness,
            size=len(document.content),
            metadata=dict(document.metadata),
            error=self.error if failed else None,
            enabled=document.enabled,
            archived=document.archived,
            tokens=None if readiness.busy else self.tokens(document),
        )

    def tokens(self, document: Document) -> int:
        """Return those of its chunks: they are embedded where no keywords can be lost."""
        embedded = document.fate == FINE and Capability.KEEPS_KEYWORDS in self.able
        return self.words(document) if embedded else 0

    def words(self, document: Document) -> int:
        if document.fate == EMPTY and self.counts_lost_words:
            return len(document.content) % 2
        if document.fate in (EMPTY, FAILS):
            return 0
        held = joined(document) if document.cut else document.content
        return len(held) + document.edits

    # -- reads ---------------------------------------------------------------------------------

    def base(self, base_id: str) -> Outcome[Base]:
        if base_id != self.base_id:
            return Gone()
        return Done(self._base("Docs"))

    def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        if self.base_id is None:
            return Done(())
        return Done((self._base(name),))

    def _base(self, name: str) -> Base:
        return shown(self.base_id or "", name, len(self.documents), self.settings, self.typed())

    def embedding_models(self) -> Outcome[frozenset[str]]:
        return Done(self.models)

    def page(
        self, base_id: str, number: int, status: str | None, size: int = 100
    ) -> Outcome[DocumentPage]:
        if base_id != self.base_id:
            return Gone()
        rows = [self.row(each) for each in reversed(self.documents.values())]
        if status is not None:
            wanted = {"queuing": Readiness.WAITING}.get(status, status)
            rows = [each for each in rows if each.readiness == wanted]
        size = min(size, PAGE)
        start = (number - 1) * size
        return Done(DocumentPage(documents=tuple(rows[start : start + size]), total=len(rows)))

    def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        if base_id != self.base_id:
            return Gone()
        return Done(tuple(map(self.row, self.bearers(name))))

    def bearers(self, name: str) -> list[Document]:
        return [each for each in self.documents.values() if each.name == name]

    def document(self, base_id: str, document_id: str) -> Outcome[RemoteDocument]:
        document = self.find(base_id, document_id)
        if document is None:
            return Gone()
        row = self.row(document)
        return Done(replace(row, word_count=None if row.word_count else row.word_count))

    def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        document = self.find(base_id, document_id)
        if document is None or batch != f"batch-{document.rev}":
            return Gone()
        readiness = self.readiness(document)
        if readiness.busy:
            completed = self._completed(document)
            return Done(Progress(readiness=readiness, completed=completed, total=CHUNKS))
        # It knows neither archived nor disabled.
        readiness = Readiness.ERROR if document.fate == FAILS else Readiness.AVAILABLE
        chunks = 0 if document.fate in (EMPTY, FAILS) else 1
        return Done(Progress(readiness=readiness, completed=chunks, total=chunks))

    def chunks(self, base_id: str, document_id: str) -> Outcome[ChunkPage]:
        document = self.find(base_id, document_id)
        if document is None:
            return Gone()
        if document.cut:
            return Done(page_of(document.id, document.cut))
        chunk = Chunk(id=f"chunk-{document.rev}", text=document.id, keywords=(document.id,))
        return Done(ChunkPage(chunks=(chunk,), total=1))

    def search(self, base_id: str, query: str) -> Outcome[tuple[SearchHit, ...]]:
        if base_id != self.base_id:
            return Gone()
        self.keywords.settle(self.now())
        named = [self.documents[word] for word in query.split() if word in self.documents]
        found = [e for e in named if e.enabled and not e.lost and not self.readiness(e).busy]
        hits = [
            SearchHit(id=chunk, document_id=each.id)
            for each in found
            for chunk in each.cut or [f"chunk-{each.rev}"]
        ]
        return Done(tuple(hits))

    def _completed(self, document: Document) -> int:
        seconds = self.now() - document.indexed_since
        return 0 if document.frozen else int(seconds // self.chunk_seconds)

    def field_ids(self, base_id: str) -> Outcome[Mapping[str, str]]:
        if self._lacks(Capability.METADATA):
            return Rejected(WHY(what="no metadata here"))
        return Done(dict(self.fields)) if base_id == self.base_id else Gone()

    # -- writes --------------------------------------------------------------------------------

    def note(self, capability: Capability, able: bool) -> None:
        self.told = self.told.noting(capability, able)

    def make_base(self, name: str, settings: BaseSettings = UNDECLARED) -> Outcome[Base]:
        if self.base_id is not None:
            return Rejected(WHY(what="the name is taken"))
        self.base_was_made += 1
        self.base_id = f"base-{self.base_was_made}"
        self.settings = made_with(settings)
        return Done(self._base(name))

    def create(
        self, base_id: str, name: str, content: bytes, chunking: Chunking, *, duplicate: bool
    ) -> Outcome[tuple[RemoteDocument, str]]:
        if base_id != self.base_id:
            return Gone()
        if self.withheld is not None:
            return self._turn_away(self.withheld)
        if content in self.refused:
            return self._refuse(content)
        twins = [each for each in self.bearers(name) if each.enabled]
        if duplicate and Capability.MERGE_BY_NAME in self.able and twins:
            return self._upload(twins[0], name, content, chunking)
        return self._upload(self.new(name), name, content, chunking)

    def new(self, name: str) -> Document:
        """Make a document that has no content yet."""
        document = Document(id=f"doc-{next(self.ids)}", name=name, made_at=self.now())
        self.documents[document.id] = document
        return document

    def update(
        self, base_id: str, document_id: str, name: str, content: bytes, chunking: Chunking
    ) -> Outcome[tuple[RemoteDocument, str]]:
        document = self.find(base_id, document_id)
        if document is None:
            return Gone()
        if isinstance(self.withheld, Ambiguous) or (self.withheld and self.withheld.updates):
            return self._turn_away(self.withheld)
        if content in self.refused:
            return self._refuse(content)
        if self.readiness(document) is not Readiness.AVAILABLE:
            return NotReady(WHY(what="not available"), 10.0)
        if Capability.UPDATE_ENDS not in self.able:
            self.observer.wedges(document)
        return self._upload(document, name, content, chunking)

    def _turn_away(self, answer: Withheld | Ambiguous) -> Withheld | Ambiguous:
        self.turned_away += 1
        return answer

    def _refuse(self, content: bytes) -> Rejected:
        self.answered_refused.add(content)
        return Rejected(WHY(what="refused"))

    def _upload(
        self, document: Document, name: str, content: bytes, chunking: Chunking
    ) -> Outcome[tuple[RemoteDocument, str]]:
        settings = chunking.language
        if document.rev:
            self.observer.uploads_over(document, content, settings)
        self.put(document, name, content, settings)
        return Done((self.row(document), f"batch-{document.rev}"))

    def put(self, document: Document, name: str, content: bytes, settings: str) -> None:
        """Give `document` its name and content; its indexing begins."""
        document.name, document.content, document.settings = name, content, settings
        seconds = self._draw_fate(document)
        document.rev = f"rev-{next(self.ids)}"
        document.indexed_since = self.now()
        document.ready_at = NEVER_READY if document.fate == NEVER else self.now() + seconds
        document.edits, document.unseen = 0, False
        document.cut = cut_up(content, self.ids)
        self.keywords.begin(document, self.now())
        document.task_lost, document.frozen, document.hung_until = False, False, None
        document.stage = Readiness.INDEXING
        if not self.worker_runs:
            document.stage, document.ready_at = Readiness.WAITING, NEVER_READY

    def _draw_fate(self, document: Document) -> float:
        """Return how long indexing of `document` takes; how it ends is its fate."""
        seconds, document.fate = self.indexing(document.name)
        self.came_out_empty |= {document.content} if document.fate == EMPTY else set()
        return seconds

    def lose_tasks(self, stage: Readiness = Readiness.WAITING) -> list[str]:
        """Lose the task of every document that is not done yet; return their ids.

        Args:
            stage: what they show for ever: the queue was lost, or the worker that worked on them.
        """
        busy = [each for each in self.documents.values() if self.readiness(each).busy]
        for each in busy:
            each.task_lost, each.stage, each.ready_at = True, stage, NEVER_READY
        return [each.id for each in busy]

    def start_worker(self) -> None:
        """Let the worker run again: it takes up every document whose task is there."""
        self.worker_runs = True
        for each in self.documents.values():
            if each.ready_at == NEVER_READY and not each.task_lost:
                seconds = self._draw_fate(each)
                self.go_on(each, seconds)

    def go_on(self, document: Document, seconds: float) -> None:
        """Let indexing begin that waited, or go on that hung with what it has read."""
        if document.stage is Readiness.WAITING:
            self.keywords.begin(document, self.now())
        else:
            document.hung_until = self.now()
        document.stage, document.ready_at = Readiness.INDEXING, self.now() + seconds

    def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        document = self.find(base_id, document_id)
        if document is None:
            return Gone()
        if document.archived:
            return Rejected(WHY(what="the archived document is not editable"))
        self.observer.deletes(document)
        del self.documents[document_id]
        self.deleted += 1
        self.after_delete()
        return Done(None)

    def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        if base_id != self.base_id:
            return Gone()
        document = self.find(base_id, document_id)
        if document is None:
            return Done(None)
        self.observer.changes(document, f"switched ({action})")
        document.enabled = action == "enable"
        document.lost &= document.incurable or not document.enabled
        if document.enabled and not document.lost:
            self.keywords.write_anew(document, self.now())
        return Done(None)

    def field_kind(self, field_id: str) -> str:
        return self.kinds.get({v: k for k, v in self.fields.items()}.get(field_id, ""), "string")

    def make_field(self, base_id: str, name: str, kind: str = "string") -> Outcome[str]:
        if base_id != self.base_id:
            return Gone()
        if name in self.fields:
            return Rejected(WHY(what="the name is taken"))
        self.fields[name], self.kinds[name] = f"field-{next(self.ids)}", kind
        return Done(self.fields[name])

    def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        if base_id != self.base_id:
            return Gone()
        names = {id_: name for name, id_ in self.fields.items()}
        for each in assignments:
            document = self.documents.get(each.document_id)
            if document is None and Capability.DOWNLOAD in self.able:
                return Gone()  # from 1.13.1 on; rows before it are stored, rows after it are not
            if document is None:
                continue
            values = {names.get(fields[name]): value for name, value in each.values.items()}
            self.observer.marks(document, each.values)
            kept = document.metadata if Capability.MERGE_METADATA in self.able else {}
            held = {n: v for n, v in {**kept, **values}.items() if n is not None and v is not None}
            document.metadata = {name: str(value) for name, value in held.items()}
        return Done(None)

    def find(self, base_id: str, document_id: str) -> Document | None:
        return self.documents.get(document_id) if base_id == self.base_id else None


def uploaded(reply: tuple[RemoteDocument, str], content: str) -> Uploaded:
    document, batch = reply
    return Uploaded(document=document, batch=batch, content=content)
