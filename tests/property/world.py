"""A model world: files, entries and documents of one mirror, and what an action does to them.

It shows the planner what the engine's gatherer would, and pretends every planned action done. Truth
is kept beside it: `theirs` are documents that are somebody else's, whatever they carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from kbsync.model import (
    Absent,
    Action,
    Adopt,
    Conflict,
    Create,
    Delete,
    DocKey,
    EntryState,
    FileState,
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
    Rejection,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
    Stat,
    Update,
)
from kbsync.planning.case import GONE, Case, DecisionRules, Evidence
from kbsync.planning.decide import decide
from kbsync.planning.document_names import document_names
from kbsync.planning.marks import mark_for, mark_of, values_hash, values_of
from kbsync.planning.moves import Vacated, chains, pair, vacated, with_moves, worth_hashing
from kbsync.planning.plan import make_plan
from kbsync.planning.resolve import (
    Afresh,
    DocumentGone,
    SendAgain,
    TakeOver,
    Trace,
    Verdict,
    Wait,
    resolve,
)

MIRROR, OWNER = "docs", "ours"
NOW, WINDOW, A_PASS = 1_000_000.0, 900.0, 3600.0


def key_of(path: str) -> DocKey:
    return DocKey(mirror=MIRROR, path=path)


def print_of(content: str, settings: str = "S") -> Fingerprint:
    return Fingerprint(content=content, settings=settings)


def file_of(path: str, content: str, tick: int = 1) -> Present:
    return Present(key=key_of(path), stat=Stat(len(content), tick, 1), content=content)


def changes_of(actions: Iterable[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Hold | Conflict)]


@dataclass
class World:
    """Files, entries and documents; whatever was sent is indexed at once."""

    rules: DecisionRules
    files: dict[str, FileState] = field(default_factory=dict)
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    rejections: dict[str, Rejection] = field(default_factory=dict)
    documents: dict[str, RemoteDocument] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    theirs: dict[str, RemoteDocument] = field(default_factory=dict)
    calm: set[str] = field(default_factory=set)
    now: float = NOW
    made: int = 0

    # -- how it comes to be

    def document(
        self, path: str, content: str, *, name: str | None = None, mirror: str = MIRROR
    ) -> RemoteDocument:
        """Make a finished document that is marked."""
        self.made += 1
        rev = f"rev-{self.made}"
        mark = Mark(
            mirror=mirror,
            path=path,
            fingerprint=print_of(content, self.rules.settings),
            rev=rev,
            owner=OWNER,
        )
        made = RemoteDocument(
            id=f"doc-{self.made}",
            name=name or path,
            rev=rev,
            word_count=7,
            readiness=Readiness.AVAILABLE,
            metadata=values_of(mark),
        )
        self.documents[made.id] = made
        return made

    def others(self, document: RemoteDocument) -> None:
        """The document is somebody else's, for good."""
        self.documents[document.id] = self.theirs[document.id] = document

    def settle(self, path: str, document: RemoteDocument, local: Present) -> None:
        """Entry, file and document agree."""
        entry = LedgerEntry(
            key=key_of(path),
            document_id=document.id,
            document_name=document.name,
            state=EntryState.SYNCED,
            stat=local.stat,
            fingerprint=print_of(local.content or "", self.rules.settings),
            rev=document.rev,
            word_count=document.word_count,
        )
        self.entries[path] = replace(entry, metadata_hash=_wanted(entry))

    # -- what the planner sees

    def holder(self, document_id: str) -> str | None:
        held = self.entries.items()
        return next((p for p, e in held if document_id in (e.document_id, e.superseded)), None)

    def _owner(self, document: RemoteDocument) -> str | None:
        mark = mark_of(document)
        marked = mark.path if mark is not None and mark.mirror == MIRROR else None
        return self.holder(document.id) or marked

    def name_to_take(self, path: str) -> str:
        """The first name that no document of another path of ours bears."""
        moved = {d.name for d in self.documents.values() if self._owner(d) not in (None, path)}
        return next(name for name in document_names(path) if name not in moved)

    def case(self, path: str) -> Case:
        entry, intent = self.entries.get(path), self.intents.get(path)
        name = entry.document_name if entry else self.name_to_take(path)
        evidence = Evidence()
        if intent is None:
            name = self.name_to_take(path) if entry is None or self._gone(entry) else name
            evidence = self._evidence(path, entry, name)
        return Case(
            key=key_of(path),
            name=name,
            local=self.files.get(path, Absent(key=key_of(path))),
            rules=self.rules,
            now=self.now,
            entry=entry,
            intent=intent,
            rejection=self.rejections.get(path),
            evidence=evidence,
            metadata_hash=_wanted(entry) if entry else None,
            repairs=self.repairs.get(path, 0),
        )

    def _gone(self, entry: LedgerEntry) -> bool:
        return entry.document_id not in self.documents

    def _evidence(self, path: str, entry: LedgerEntry | None, name: str) -> Evidence:
        own = {entry.document_id, entry.superseded} if entry else set()
        others = [each for each in self.documents.values() if each.id not in own]
        marked = tuple(each for each in others if self._owner(each) == path)
        namesakes = tuple(each for each in others if each.name == name and each not in marked)
        old = entry.superseded if entry else None
        return Evidence(
            listed=True,
            known=self.documents.get(entry.document_id, GONE) if entry else None,
            replaced=self.documents.get(old, GONE) if old else None,
            namesakes=namesakes,
            marked=marked,
        )

    def decided(self) -> tuple[list[Action], list[Vacated], list[Present]]:
        """What each key needs by itself, the documents free to go, and files that could get one."""
        owners = {self._owner(document) for document in self.documents.values()} - {None}
        paths = {*self.files, *self.entries, *self.intents, *owners}
        cases = [self.case(path) for path in sorted(path for path in paths if path)]
        actions = [decide(case) for case in cases]
        told = zip(cases, actions, strict=True)
        free = [each for case, action in told if (each := vacated(case, action)) is not None]
        new = [self.files[create.key.path] for create in worth_hashing(actions, free)]
        return actions, free, [each for each in new if isinstance(each, Present)]

    def plan(self) -> Sequence[Action]:
        actions, free, new = self.decided()
        return make_plan(with_moves(actions, pair(free, new))).actions

    # -- what is pretended

    def carry_out(self, actions: Sequence[Action]) -> None:
        """Moves first, as the engine does; then everything else in the order given; time passes."""
        for chain in chains(action for action in actions if isinstance(action, Move)):
            self._move(chain)
        for action in actions:
            if not isinstance(action, Move):
                self._pretend(action)
        self._rest()

    def _move(self, chain: Sequence[Move]) -> None:
        lifted = [self.entries.pop(move.origin.path) for move in chain]
        for move, entry in zip(chain, lifted, strict=True):
            assert move.document_id == entry.document_id
            assert move.key.path not in self.entries
            self.entries[move.key.path] = replace(
                entry, key=move.key, stat=move.stat, metadata_hash=None
            )

    def _pretend(self, action: Action) -> None:
        path = action.key.path
        match action:
            case Create():
                self._created(path)
            case Update(document_id=over):
                self._updated(path, over)
                self.repairs[path] = self.repairs.get(path, 0) + (action.cause == "drift")
            case Delete(document_id=gone):
                self._deleted(path, gone, action.cause)
            case Adopt(document=document, fingerprint=fingerprint, stat=stat):
                assert document.id not in self.theirs
                self.settle(path, document, Present(key=action.key, stat=Stat(0, 0, 0)))
                self.entries[path] = replace(
                    self.entries[path], fingerprint=fingerprint, stat=stat, metadata_hash=None
                )
            case Restore(document_id=back):
                assert back not in self.theirs
                self.documents[back] = replace(self.documents[back], readiness=Readiness.AVAILABLE)
                self.entries[path] = replace(self.entries[path], state=EntryState.SYNCED)
            case SetMetadata(document_id=document_id):
                self._marked(path, document_id)
            case Forget():
                del self.entries[path]
            case Resolve(intent=intent):
                self._accounted(path, intent)
            case _:
                raise AssertionError(f"{action} is no change of this world")

    def _created(self, path: str) -> None:
        local, name = self.files[path], self.case(path).name
        assert isinstance(local, Present)
        assert all(each.name != name for each in self.documents.values()), "written over"
        made = self.document(path, local.content or "", name=name)
        self.settle(path, made, local)

    def _updated(self, path: str, over: str) -> None:
        local, before = self.files[path], self.documents[over]
        assert isinstance(local, Present)
        assert over not in self.theirs
        made = self.document(path, local.content or "", name=before.name)
        del self.documents[made.id]
        self.documents[over] = replace(made, id=over)
        old = self.entries[path].superseded
        self.settle(path, self.documents[over], local)
        self.entries[path] = replace(self.entries[path], superseded=old)

    def _deleted(self, path: str, gone: str, cause: str) -> None:
        assert gone not in self.theirs
        self.documents.pop(gone, None)
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

    def _marked(self, path: str, document_id: str) -> None:
        assert document_id not in self.theirs
        entry, document = self.entries[path], self.documents.get(document_id)
        mark = mark_for(entry, OWNER)
        if mark is None or document is None or document.rev != mark.rev:
            return  # sent anew meanwhile: its own mark is on the way
        self.documents[document_id] = replace(document, metadata=values_of(mark))
        self.entries[path] = replace(entry, metadata_hash=_wanted(entry))

    def _accounted(self, path: str, intent: Intent) -> None:
        named = tuple(d for d in self.documents.values() if d.name == intent.name)
        target = self.documents.get(intent.document_id, GONE) if intent.document_id else None
        trace = Trace(looked_up=True, named=named, target=target)
        self._judged(path, intent, resolve(intent, trace, now=self.now, window=WINDOW))

    def _judged(self, path: str, intent: Intent, verdict: Verdict) -> None:
        entry = self.entries.get(path)
        match verdict:
            case Wait():
                return
            case TakeOver(document=document) | SendAgain(document=document):
                assert document.id not in self.theirs
                self.settle(path, document, Present(key=key_of(path), stat=Stat(0, 0, 0)))
                self.entries[path] = replace(
                    self.entries[path], fingerprint=None, stat=None, metadata_hash=None
                )
            case DocumentGone():
                if entry is not None and entry.document_id == intent.document_id:
                    del self.entries[path]
            case Afresh():
                pass
            case _:
                assert_never(verdict)
        del self.intents[path]

    def _rest(self) -> None:
        """The server finishes what it works on, and the indexing watch sees it."""
        self.now += A_PASS
        for document in self.documents.values():
            if document.readiness.busy:
                done = replace(document, readiness=Readiness.AVAILABLE, word_count=7)
                self.documents[document.id] = done
                if document.id in self.theirs:
                    self.theirs[document.id] = done
        for path, entry in self.entries.items():
            known = self.documents.get(entry.document_id)
            mended = entry.state is EntryState.FAILED and entry.retry_at is not None
            watched = mended or entry.state is EntryState.INDEXING
            if watched and known is not None and known.readiness is Readiness.AVAILABLE:
                proved = replace(entry, rev=known.rev, word_count=known.word_count)
                self.entries[path] = replace(proved, state=EntryState.SYNCED)


def pending(path: str, op: Op, **more: object) -> Intent:
    """A call nobody saw the end of, so long ago that the window is over at the next pass."""
    return Intent(key=key_of(path), op=op, name=path, started_at=NOW - WINDOW, **more)  # type: ignore[arg-type]


def _wanted(entry: LedgerEntry) -> str | None:
    mark = mark_for(entry, OWNER)
    return None if mark is None else values_hash(values_of(mark))
