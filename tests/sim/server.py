"""The knowledge API's rules, without time and without faults: those are the line's.

docs/dify-api.md says how a real one behaves; the rules that matter to a mirror are kept here: a
create over an enabled document of its name re-uses it, indexing takes its time and may fail, an
update needs an available document, only list rows tell words, an archived document stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kbsync import model
from kbsync.engine.ports import Assignment, Chunking, DocumentPage
from kbsync.messages import Message
from kbsync.model import (
    Base,
    Done,
    Gone,
    NotReady,
    Outcome,
    Progress,
    Readiness,
    Rejected,
    RemoteDocument,
    Uploaded,
)

from .watcher import Watcher

WHY = Message("KB-T001", "{what}")
PAGE = 100
FINE, FAILS, EMPTY, NEVER = "fine", "fails", "empty", "never"
NEVER_READY = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities(model.Capabilities):
    """What kbsync knows of the server, and what it need not know.

    Args:
        partial_update: values that are not sent are kept.
    """

    partial_update: bool = True


@dataclass(slots=True)
class Document:
    """A document as the server keeps it.

    Args:
        settings: how it was chunked.
        fate: how its indexing ends.
        by_hand: somebody else made it.
        made_at: when.
        edits: words that somebody added to its chunks.
        unseen: its chunks were edited before kbsync saw them complete.
        claimable: made while a create of its name was under way: nobody can tell them apart.
    """

    id: str
    name: str
    by_hand: bool
    made_at: float
    content: bytes = b""
    settings: str = ""
    rev: str = ""
    ready_at: float = 0.0
    fate: str = FINE
    enabled: bool = True
    archived: bool = False
    edits: int = 0
    unseen: bool = False
    claimable: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


class Server:
    """One base of one server.

    Args:
        able: what it can do.
        now: seconds.
        indexing: draws how long indexing takes and how it ends.
        watcher: told before anything is changed.
    """

    def __init__(
        self,
        able: Capabilities,
        now: Callable[[], float],
        indexing: Callable[[str], tuple[float, str]],
        watcher: Watcher,
    ) -> None:
        self.able = able
        self.documents: dict[str, Document] = {}
        self.fields: dict[str, str] = {}
        self.base_id: str | None = None
        self.base_was_made = 0
        self.refused: set[bytes] = set()
        self.told_refused: set[bytes] = set()
        self.away_until = float("-inf")
        self.after_delete: Callable[[], None] = lambda: None
        self._now = now
        self._at: float | None = None
        self._indexing = indexing
        self.watcher = watcher
        self._ids = itertools.count(1)
        self._later: list[tuple[float, int, Callable[[], object]]] = []

    # -- time ----------------------------------------------------------------------------------

    def now(self) -> float:
        return self._now() if self._at is None else self._at

    def later(self, seconds: float, effect: Callable[[], object]) -> None:
        """Let `effect` happen by itself: its caller is gone."""
        self._later.append((self._now() + seconds, next(self._ids), effect))
        self._later.sort(key=lambda each: each[:2])

    def land(self, until: float | None = None) -> None:
        """Let everything happen that is due."""
        until = self._now() if until is None else until
        while self._later and self._later[0][0] <= until:
            self._at, _, effect = self._later.pop(0)
            try:
                effect()
            finally:
                self._at = None

    @property
    def landing(self) -> bool:
        """Whether what happens now was sent long ago."""
        return self._at is not None

    @property
    def late(self) -> int:
        return len(self._later)

    @property
    def away(self) -> bool:
        """Whether nobody answers at all."""
        return self.now() < self.away_until

    # -- what it shows -------------------------------------------------------------------------

    def readiness(self, document: Document) -> Readiness:
        if self.now() < document.ready_at:
            return Readiness.INDEXING
        if document.archived:
            return Readiness.ARCHIVED
        if document.fate == FAILS:
            return Readiness.ERROR
        return Readiness.AVAILABLE if document.enabled else Readiness.DISABLED

    def row(self, document: Document) -> RemoteDocument:
        readiness = self.readiness(document)
        failed = readiness is Readiness.ERROR
        return RemoteDocument(
            id=document.id,
            name=document.name,
            rev=document.rev,
            word_count=None if readiness.busy else self._words(document),
            readiness=readiness,
            size=len(document.content),
            metadata=dict(document.metadata),
            error="the embedder is away" if failed else None,
            enabled=document.enabled,
        )

    def _words(self, document: Document) -> int:
        if document.fate in (EMPTY, FAILS):
            return 0
        return len(document.content) + document.edits

    # -- reads ---------------------------------------------------------------------------------

    def base(self, base_id: str) -> Outcome[Base]:
        if base_id != self.base_id:
            return Gone()
        return Done(Base(id=base_id, name="Docs", documents=len(self.documents)))

    def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        if self.base_id is None:
            return Done(())
        return Done((Base(id=self.base_id, name=name, documents=len(self.documents)),))

    def page(self, base_id: str, number: int, status: str | None) -> Outcome[DocumentPage]:
        if base_id != self.base_id:
            return Gone()
        rows = [self.row(each) for each in reversed(self.documents.values())]
        if status is not None:
            wanted = {"queuing": Readiness.WAITING}.get(status, status)
            rows = [each for each in rows if each.readiness == wanted]
        start = (number - 1) * PAGE
        return Done(DocumentPage(documents=tuple(rows[start : start + PAGE]), total=len(rows)))

    def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        if base_id != self.base_id:
            return Gone()
        return Done(tuple(map(self.row, self.bearers(name))))

    def bearers(self, name: str) -> list[Document]:
        return [each for each in self.documents.values() if each.name == name]

    def document(self, base_id: str, document_id: str) -> Outcome[RemoteDocument]:
        document = self._find(base_id, document_id)
        if document is None:
            return Gone()
        row = self.row(document)
        return Done(replace(row, word_count=None if row.word_count else row.word_count))

    def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        document = self._find(base_id, document_id)
        if document is None or batch != f"batch-{document.rev}":
            return Gone()
        readiness = self.readiness(document)
        if readiness.busy:
            return Done(Progress(readiness=readiness, completed=0, total=10))
        chunks = 0 if document.fate in (EMPTY, FAILS) else 1
        return Done(Progress(readiness=readiness, completed=chunks, total=chunks))

    def field_ids(self, base_id: str) -> Outcome[Mapping[str, str]]:
        if not self.able.metadata:
            return Rejected(WHY(what="no metadata here"))
        return Done(dict(self.fields)) if base_id == self.base_id else Gone()

    # -- writes --------------------------------------------------------------------------------

    def make_base(self, name: str) -> Outcome[Base]:
        if self.base_id is not None:
            return Rejected(WHY(what="the name is taken"))
        self.base_was_made += 1
        self.base_id = f"base-{self.base_was_made}"
        return Done(Base(id=self.base_id, name=name, documents=0))

    def create(
        self, base_id: str, name: str, content: bytes, chunking: Chunking, *, duplicate: bool
    ) -> Outcome[tuple[RemoteDocument, str]]:
        if base_id != self.base_id:
            return Gone()
        if content in self.refused:
            return self._refuse(content)
        twins = [each for each in self.bearers(name) if each.enabled]
        if duplicate and self.able.merges_by_name and twins:
            return self._upload(twins[0], name, content, chunking)
        document = Document(
            id=f"doc-{next(self._ids)}", name=name, by_hand=False, made_at=self.now()
        )
        self.documents[document.id] = document
        return self._upload(document, name, content, chunking)

    def update(
        self, base_id: str, document_id: str, name: str, content: bytes, chunking: Chunking
    ) -> Outcome[tuple[RemoteDocument, str]]:
        document = self._find(base_id, document_id)
        if document is None:
            return Gone()
        if content in self.refused:
            return self._refuse(content)
        if self.readiness(document) is not Readiness.AVAILABLE:
            return NotReady(WHY(what="not available"), 10.0)
        if self.able.update_wedges:
            self.watcher.fault("wedged", f"an update of {document.id} stops the server's worker")
        return self._upload(document, name, content, chunking)

    def _refuse(self, content: bytes) -> Rejected:
        self.told_refused.add(content)
        return Rejected(WHY(what="refused"))

    def _upload(
        self, document: Document, name: str, content: bytes, chunking: Chunking
    ) -> Outcome[tuple[RemoteDocument, str]]:
        settings = chunking.language
        if document.rev:
            self.watcher.uploads_over(document, content, settings)
        self.put(document, name, content, settings)
        return Done((self.row(document), f"batch-{document.rev}"))

    def put(self, document: Document, name: str, content: bytes, settings: str) -> None:
        seconds, document.fate = self._indexing(name)
        document.name, document.content, document.settings = name, content, settings
        document.rev = f"rev-{next(self._ids)}"
        document.ready_at = NEVER_READY if document.fate == NEVER else self.now() + seconds
        document.edits, document.unseen = 0, False

    def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        document = self._find(base_id, document_id)
        if document is None:
            return Gone()
        if document.archived:
            return Rejected(WHY(what="the archived document is not editable"))
        self.watcher.deletes(document)
        del self.documents[document_id]
        self.after_delete()
        return Done(None)

    def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        document = self._find(base_id, document_id)
        if document is None:
            return Done(None)
        self.watcher.changes(document, f"switched ({action})")
        document.enabled = action == "enable"
        return Done(None)

    def make_field(self, base_id: str, name: str) -> Outcome[str]:
        if base_id != self.base_id:
            return Gone()
        if name in self.fields:
            return Rejected(WHY(what="the name is taken"))
        self.fields[name] = f"field-{next(self._ids)}"
        return Done(self.fields[name])

    def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        if base_id != self.base_id:
            return Gone()
        names = {id_: name for name, id_ in self.fields.items()}
        for each in assignments:
            document = self.documents.get(each.document_id)
            if document is None:
                continue
            values = {names.get(fields[name]): value for name, value in each.values.items()}
            self.watcher.marks(document, each.values)
            kept = document.metadata if self.able.partial_update else {}
            document.metadata = kept | {name: v for name, v in values.items() if name is not None}
        return Done(None)

    def _find(self, base_id: str, document_id: str) -> Document | None:
        return self.documents.get(document_id) if base_id == self.base_id else None


def uploaded(reply: tuple[RemoteDocument, str], content: str) -> Uploaded:
    document, batch = reply
    return Uploaded(document=document, batch=batch, content=content)
