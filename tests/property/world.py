"""One mirror between the models of a folder and a knowledge base, and what planned actions do.

It shows the planner what the engine's collector of evidence would, and carries every action out as
if each call took effect. Whatever is done to a document that was made by hand fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from kbsync.engine.ports import Assignment
from kbsync.model import (
    Action,
    Adopt,
    Capabilities,
    Conflict,
    Create,
    Delete,
    DocKey,
    Done,
    EntryState,
    Fingerprint,
    Forget,
    Hold,
    Intent,
    LedgerEntry,
    Mark,
    Move,
    Op,
    Present,
    Readiness,
    Rejected,
    Rejection,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
    Update,
)
from kbsync.planning.case import GONE, Case, DecisionRules, Evidence, Missing
from kbsync.planning.decide import decide
from kbsync.planning.document_names import document_names
from kbsync.planning.marks import FIELDS, mark_for, mark_of, values_hash, values_of
from kbsync.planning.plan import make_plan
from kbsync.planning.recovery_table import (
    AdoptDocument,
    CallEvidence,
    DropEntry,
    DropIntent,
    Resolution,
    StillPending,
    UploadAgain,
    resolve,
)
from kbsync.planning.rename_detection import (
    Vacated,
    chains,
    pair,
    vacated,
    with_renames,
    worth_hashing,
)
from tests.model.folder import Folder, sha
from tests.model.knowledge_base import KnowledgeBase
from tests.model.stored_document import FINE, Document

MIRROR, OWNER, BASE = "docs", "ours", "base-1"
NOW, WINDOW, A_PASS = 1_000_000.0, 900.0, 3600.0


def key_of(path: str) -> DocKey:
    return DocKey(mirror=MIRROR, path=path)


def print_of(content: bytes, settings: str = "S") -> Fingerprint:
    return Fingerprint(content=sha(content), settings=settings)


def changes_of(actions: Iterable[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Hold | Conflict)]


class ByHand:
    """Watches a knowledge base: what was made by hand is never touched."""

    def uploads_over(self, document: Document, content: bytes, settings: str) -> None:
        self.changes(document, "written over")

    def deletes(self, document: Document) -> None:
        self.changes(document, "deleted")

    def marks(self, document: Document, values: Mapping[str, str]) -> None:
        self.changes(document, "marked")

    def changes(self, document: Document, how: str) -> None:
        assert not document.by_hand, f"{document.name}, made by hand, was {how}"

    def wedges(self, document: Document) -> None: ...


@dataclass
class World:
    """A folder, a knowledge base, and a ledger; what was sent is indexed at once.

    Attributes:
        calm: paths that nothing happened to.
        refused: paths whose delete the server refused, as it does with an archived document.
    """

    rules: DecisionRules
    folder: Folder = field(default_factory=lambda: Folder(MIRROR))
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    rejections: dict[str, Rejection] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    calm: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    now: float = NOW

    def __post_init__(self) -> None:
        able = Capabilities(version="1.13.0")
        self.base = KnowledgeBase(able, lambda: self.now, lambda name: (0.0, FINE), ByHand())
        self.base.base_id = BASE
        self.base.fields = {name: f"field-{name}" for name in FIELDS}

    # -- how it comes to be

    def document(
        self, path: str, content: bytes, *, name: str | None = None, mirror: str = MIRROR
    ) -> Document:
        """Make a finished document that is marked."""
        made = self.base.new(name or path)
        self.send(made, path, content, mirror=mirror)
        return made

    def send(self, document: Document, path: str, content: bytes, *, mirror: str = MIRROR) -> None:
        """Give `document` its content and the mark that goes with it."""
        settings = self.rules.settings
        self.base.observer.uploads_over(document, content, settings)
        self.base.put(document, document.name, content, settings)
        mark = Mark(
            mirror=mirror,
            path=path,
            fingerprint=print_of(content, settings),
            rev=document.rev,
            owner=OWNER,
        )
        document.metadata = values_of(mark)

    def settle(self, path: str, document: RemoteDocument, local: Present | None) -> None:
        """Entry, document and file agree; without `local` nothing is known of the file."""
        entry = LedgerEntry(
            key=key_of(path),
            document_id=document.id,
            document_name=document.name,
            state=EntryState.SYNCED,
            rev=document.rev,
            word_count=document.word_count,
        )
        if local is not None:
            print_ = Fingerprint(content=local.content or "", settings=self.rules.settings)
            entry = replace(entry, stat=local.stat, fingerprint=print_)
            entry = replace(entry, metadata_hash=_wanted(entry))
        self.entries[path] = entry

    # -- what the planner sees

    def row(self, document_id: str) -> RemoteDocument | Missing:
        document = self.base.documents.get(document_id)
        return GONE if document is None else self.base.row(document)

    def rows(self) -> list[RemoteDocument]:
        return [self.base.row(each) for each in self.base.documents.values()]

    def by_hand(self) -> list[RemoteDocument]:
        return [self.base.row(each) for each in self.base.documents.values() if each.by_hand]

    def holder(self, document_id: str) -> str | None:
        held = self.entries.items()
        return next((p for p, e in held if document_id in (e.document_id, e.superseded)), None)

    def _owner(self, document: RemoteDocument) -> str | None:
        mark = mark_of(document)
        marked = mark.path if mark is not None and mark.mirror == MIRROR else None
        return self.holder(document.id) or marked

    def name_to_take(self, path: str) -> str:
        """Return the first name that no document of another path of ours bears."""
        taken = {row.name for row in self.rows() if self._owner(row) not in (None, path)}
        return next(name for name in document_names(path) if name not in taken)

    def case(self, path: str) -> Case:
        entry, intent = self.entries.get(path), self.intents.get(path)
        name = entry.document_name if entry else self.name_to_take(path)
        evidence = Evidence()
        if intent is None:
            gone = entry is None or self.row(entry.document_id) is GONE
            name = self.name_to_take(path) if gone else name
            evidence = self._evidence(path, entry, name)
        return Case(
            key=key_of(path),
            name=name,
            local=self.folder.read(path),
            rules=self.rules,
            now=self.now,
            entry=entry,
            intent=intent,
            rejection=self.rejections.get(path),
            evidence=evidence,
            metadata_hash=_wanted(entry) if entry else None,
            repairs=self.repairs.get(path, 0),
        )

    def _evidence(self, path: str, entry: LedgerEntry | None, name: str) -> Evidence:
        own = {entry.document_id, entry.superseded} if entry else set()
        others = [row for row in self.rows() if row.id not in own]
        marked = tuple(row for row in others if self._owner(row) == path)
        namesakes = tuple(row for row in others if row.name == name and row not in marked)
        old = entry.superseded if entry else None
        return Evidence(
            listed=True,
            known=self.row(entry.document_id) if entry else None,
            replaced=self.row(old) if old else None,
            namesakes=namesakes,
            marked=marked,
        )

    def decided(self) -> tuple[list[Action], list[Vacated], list[Present]]:
        """Return each key's own action, the documents free to go, and files that could get one."""
        owners = {self._owner(row) for row in self.rows()} - {None}
        paths = {*self.folder.files, *self.entries, *self.intents, *owners}
        cases = [self.case(path) for path in sorted(path for path in paths if path)]
        actions = [decide(case) for case in cases]
        pairs = zip(cases, actions, strict=True)
        free = [each for case, action in pairs if (each := vacated(case, action)) is not None]
        new = [self.folder.read(create.key.path) for create in worth_hashing(actions, free)]
        return actions, free, [each for each in new if isinstance(each, Present)]

    def plan(self) -> Sequence[Action]:
        actions, free, new = self.decided()
        return make_plan(with_renames(actions, pair(free, new))).actions

    # -- what carrying out does

    def carry_out(self, actions: Sequence[Action]) -> None:
        """Moves first, as the engine does; then everything else in the order given; time passes."""
        for chain in chains(action for action in actions if isinstance(action, Move)):
            self._move(chain)
        for action in actions:
            if not isinstance(action, Move):
                self._do(action)
        self._pass_time()

    def _move(self, chain: Sequence[Move]) -> None:
        lifted = [self.entries.pop(move.origin.path) for move in chain]
        for move, entry in zip(chain, lifted, strict=True):
            assert move.document_id == entry.document_id
            assert move.key.path not in self.entries
            self.entries[move.key.path] = replace(
                entry, key=move.key, stat=move.stat, metadata_hash=None
            )

    def _do(self, action: Action) -> None:
        path = action.key.path
        match action:
            case Create():
                name = self.case(path).name
                assert not self.base.bearers(name), "written over"
                self._upload(path, self.base.new(name))
            case Update(document_id=over):
                self._update(path, over)
                self.repairs[path] = self.repairs.get(path, 0) + (action.cause == "drift")
            case Delete(document_id=gone):
                self._delete(path, gone, action.cause)
            case Adopt(document=document, fingerprint=fingerprint, stat=stat):
                assert not self.base.documents[document.id].by_hand
                self.settle(path, document, None)
                self.entries[path] = replace(self.entries[path], fingerprint=fingerprint, stat=stat)
            case Restore(document_id=back):
                assert self.base.switch(BASE, back, "enable") == Done(None)
                self.entries[path] = replace(self.entries[path], state=EntryState.SYNCED)
            case SetMetadata(document_id=document_id):
                self._mark(path, document_id)
            case Forget():
                del self.entries[path]
            case Resolve(intent=intent):
                self._resolve(path, intent)
            case _:
                raise AssertionError(f"{action} is no change of this world")

    def _upload(self, path: str, document: Document) -> None:
        local = self.folder.read(path)
        assert isinstance(local, Present)
        self.send(document, path, self.folder.files[path].content)
        self.settle(path, self.base.row(document), local)

    def _update(self, path: str, over: str) -> None:
        old = self.entries[path].superseded
        self._upload(path, self.base.documents[over])
        self.entries[path] = replace(self.entries[path], superseded=old)

    def _delete(self, path: str, gone: str, cause: str) -> None:
        outcome = self.base.delete(BASE, gone)
        if isinstance(outcome, Rejected):
            assert self.base.documents[gone].archived
            self.refused.add(path)
            return
        entry = self.entries.get(path)
        if entry is None:
            return
        if cause == "superseded":
            self.entries[path] = replace(entry, superseded=None)
        elif cause == "failed" and entry.superseded is not None:
            self.entries[path] = replace(
                entry,
                document_id=entry.superseded,
                superseded=None,
                fingerprint=None,
                state=EntryState.SYNCED,
            )
        elif entry.document_id == gone:
            del self.entries[path]

    def _mark(self, path: str, document_id: str) -> None:
        entry, document = self.entries[path], self.base.documents.get(document_id)
        mark = mark_for(entry, OWNER)
        if mark is None or document is None or document.rev != mark.rev:
            return  # it was sent anew meanwhile, and its own mark is on the way
        assignment = Assignment(document_id=document_id, values=values_of(mark))
        assert self.base.assign(BASE, self.base.fields, [assignment]) == Done(None)
        self.entries[path] = replace(entry, metadata_hash=_wanted(entry))

    def _resolve(self, path: str, intent: Intent) -> None:
        named = tuple(row for row in self.rows() if row.name == intent.name)
        target = self.row(intent.document_id) if intent.document_id else None
        trace = CallEvidence(looked_up=True, named=named, target=target)
        self._take(path, intent, resolve(intent, trace, now=self.now, window=WINDOW))

    def _take(self, path: str, intent: Intent, verdict: Resolution) -> None:
        entry = self.entries.get(path)
        match verdict:
            case StillPending():
                return
            case AdoptDocument(document=document) | UploadAgain(document=document):
                assert not self.base.documents[document.id].by_hand
                self.settle(path, document, None)
            case DropEntry():
                if entry is not None and entry.document_id == intent.document_id:
                    del self.entries[path]
            case DropIntent():
                pass
            case _:
                assert_never(verdict)
        del self.intents[path]

    def _pass_time(self) -> None:
        """The server completes what it indexes, and the watch over the indexing sees it."""
        self.now += A_PASS
        for path, entry in self.entries.items():
            known = self.row(entry.document_id)
            mended = entry.state is EntryState.FAILED and entry.retry_at is not None
            if not (mended or entry.state is EntryState.INDEXING) or isinstance(known, Missing):
                continue
            if known.readiness is Readiness.AVAILABLE:
                proved = replace(entry, rev=known.rev, word_count=known.word_count)
                self.entries[path] = replace(proved, state=EntryState.SYNCED)


def pending(path: str, op: Op, **more: object) -> Intent:
    """Return a call that was not answered, so long ago that the next pass is past its window."""
    return Intent(key=key_of(path), op=op, name=path, started_at=NOW - WINDOW, **more)  # type: ignore[arg-type]


def _wanted(entry: LedgerEntry) -> str | None:
    mark = mark_for(entry, OWNER)
    return None if mark is None else values_hash(values_of(mark))
