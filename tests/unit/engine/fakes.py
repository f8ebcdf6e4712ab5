"""A ledger in memory, and the stage that ties it to the models of a folder and a knowledge base."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from declared import base_by_id, mirror_config, one_rule

from kbsync.config import ServerConfig
from kbsync.engine.context import Context, Mirror
from kbsync.engine.execute.results import Event, Report
from kbsync.engine.observe.candidates import RESTS
from kbsync.engine.ports import UNCHANGED, EntryChange, FileRow, ObservedListing
from kbsync.engine.unmet_port import WhyUnmet
from kbsync.engine.workers.permits import Permits
from kbsync.engine.workers.policy import OneShot
from kbsync.engine.workers.pool import WorkerPool
from kbsync.model import (
    Action,
    Binding,
    Capabilities,
    DocKey,
    DocumentRule,
    DocumentRules,
    EntryState,
    HeldBack,
    HeldCreates,
    Intent,
    JournalLine,
    LedgerEntry,
    Ownership,
    Readiness,
    Rehash,
    Rejection,
    RemoteDocument,
    Restless,
    Stat,
)
from kbsync.model.declared import OFF
from kbsync.planning.marks import FIELDS, mark_of
from kbsync.planning.path_range import EVERYTHING, PathRange
from kbsync.planning.standstill import Pulse
from tests.model.folder import Folder

from .server import ScriptedRemote
from .words import BASE, MIRROR, SETTINGS, VirtualClock, fingerprint_of, key_of

PATH = FIELDS[1]


class MemoryLedger:
    """The memory. `commits` keeps every change in order, for tests of what was written when."""

    def __init__(self) -> None:
        self.held: dict[DocKey, LedgerEntry] = {}
        self.full: dict[str, HeldCreates] = {}
        self.intents: dict[DocKey, Intent] = {}
        self.rejections: dict[DocKey, Rejection] = {}
        self.journal: list[JournalLine] = []
        self.commits: list[EntryChange] = []
        self.bindings: dict[str, Binding] = {}
        self.owners: dict[str, Ownership] = {}
        self.documents: dict[str, RemoteDocument] = {}
        self.observed: ObservedListing | None = None
        self.listings_begun = 0
        self.repaired: dict[DocKey, int] = {}
        self.halted: dict[str, frozenset[str]] = {}
        self.agreed: dict[str, float] = {}
        self.back: dict[str, HeldBack] = {}
        self.servers: dict[str, Capabilities] = {}
        self.mounted: dict[str, Mapping[str, bool]] = {}
        self.rehashes: dict[str, Rehash] = {}
        self.whys: dict[str, dict[str, WhyUnmet]] = {}
        self.by_work: dict[str, set[str]] = {}

    def rows(
        self,
        mirror: str,
        rules: DocumentRules,
        *,
        listing: ObservedListing | None,
        marked: bool = False,
        now: float = 0.0,
        within: PathRange = EVERYTHING,
    ) -> Iterator[FileRow]:
        marks = [mark_of(document) for document in self.documents.values()] if listing else []
        keys = {*self.held, *self.intents}
        keys |= {DocKey(mirror=m.mirror, path=m.path) for m in marks if m and m.mirror == mirror}
        rows = [
            self._row(key, rules.of(key.path), listing)
            for key in sorted(keys)
            if key.path in within
        ]
        rows = [self._unmarked(row) if marked else row for row in rows]
        return iter([self._resting(row, listing, now) for row in rows])

    def _resting(self, row: FileRow, listing: ObservedListing | None, now: float) -> FileRow:
        entry = self.held.get(key_of(row[0]))
        if entry is None or entry.state is not EntryState.TRASHED or entry.key in self.intents:
            return row
        over = now == float("inf") or (entry.expires_at is not None and entry.expires_at <= now)
        gone = listing is not None and entry.document_id not in self.documents
        return row if over or gone else (row[0], RESTS, 0, 0, -1)

    def _unmarked(self, row: FileRow) -> FileRow:
        entry = self.held.get(key_of(row[0]))
        return row if entry is not None and entry.metadata_hash else (row[0], -1, 0, 0, -1)

    def _row(self, key: DocKey, rule: DocumentRule, listing: ObservedListing | None) -> FileRow:
        entry = self.held.get(key)
        unsettled = (key.path, -1, 0, 0, -1)
        if entry is None or entry.stat is None or entry.stale or key in self.intents:
            return unsettled
        print_ = entry.fingerprint
        if entry.state is not EntryState.SYNCED or print_ is None:
            return unsettled
        if (print_.settings, entry.profile) != (rule.settings, rule.profile):
            return unsettled
        listed = self.documents.get(entry.document_id)
        if listing is not None and (
            listed is None
            or (listed.rev, listed.word_count) != (entry.rev, entry.word_count)
            or listed.readiness is not _declared_readiness(entry)
        ):
            return unsettled
        return (key.path, *entry.stat)

    def entry(self, key: DocKey) -> LedgerEntry | None:
        return self.held.get(key)

    def holder(self, base_id: str, document_id: str) -> DocKey | None:
        held = [(e.document_id, key) for key, e in self.held.items()]
        held += [(e.superseded or "", key) for key, e in self.held.items()]
        return next((key for each, key in held if each == document_id), None)

    def intent(self, key: DocKey) -> Intent | None:
        return self.intents.get(key)

    def pending_names(self, base_id: str) -> frozenset[str]:
        return frozenset(intent.name for intent in self.intents.values())

    def rejection(self, key: DocKey) -> Rejection | None:
        return self.rejections.get(key)

    def entries(
        self, mirror: str, *, states: Sequence[str] = (), prefix: str = ""
    ) -> Iterator[LedgerEntry]:
        for key, entry in sorted(self.held.items()):
            if key.path.startswith(prefix) and (not states or entry.state in states):
                yield entry

    def under_way(self, mirror: str) -> Sequence[LedgerEntry]:
        return [each for each in self.held.values() if each.state is EntryState.INDEXING]

    def proved_since(self, base_id: str, since: float) -> Sequence[LedgerEntry]:
        synced = (e for _, e in sorted(self.held.items()) if e.state is EntryState.SYNCED)
        return [each for each in synced if (each.progress_at or 0.0) >= since]

    def paths_of(self, mirror: str, inodes: AbstractSet[int]) -> Sequence[str]:
        held = self.held.items()
        return [key.path for key, entry in held if entry.stat and entry.stat.inode in inodes]

    def paths_after(self, mirror: str, path: str, *, limit: int) -> Sequence[str]:
        keys = sorted({*self.held, *self.rejections})
        return [key.path for key in keys if key.path > path][:limit]

    def left_after(self, mirror: str, path: str) -> int:
        return sum(key.path > path for key in (*self.held, *self.rejections))

    def rehash(self, mirror: str) -> Rehash | None:
        return self.rehashes.get(mirror)

    def note_rehash(self, mirror: str, rehash: Rehash) -> None:
        self.rehashes[mirror] = rehash

    def commit_all(self, changes: Sequence[EntryChange]) -> None:
        for change in changes:
            self.commit(change)

    def commit(self, change: EntryChange) -> None:
        self.commits.append(change)
        for part, kept in (
            (change.entry, self.held),
            (change.intent, self.intents),
            (change.rejection, self.rejections),
        ):
            if part is None:
                kept.pop(change.key, None)
            elif part is not UNCHANGED:
                kept[change.key] = part  # type: ignore[index, assignment]
        self.journal.extend(change.journal)

    def binding(self, mirror: str) -> Binding | None:
        return self.bindings.get(mirror)

    def bind(self, binding: Binding) -> None:
        self.bindings[binding.mirror] = binding

    def ownership(self, mirror: str) -> Ownership | None:
        return self.owners.get(mirror)

    def own(self, mirror: str, ownership: Ownership) -> None:
        self.owners[mirror] = ownership

    def unmark(self, mirror: str) -> None:
        self.held = {key: replace(e, metadata_hash=None) for key, e in self.held.items()}

    def begin_listing(self, base_id: str) -> int:
        self.documents, self.observed = {}, None
        self.listings_begun += 1
        return self.listings_begun

    def listing(self, base_id: str) -> ObservedListing | None:
        return self.observed

    def add_listed(
        self, base_id: str, documents: Sequence[RemoteDocument], *, number: int | None = None
    ) -> None:
        if number not in (None, self.listings_begun):
            return
        self.documents.update((document.id, document) for document in documents)

    def unlist(self, base_id: str, document_id: str) -> None:
        self.documents.pop(document_id, None)

    def end_listing(
        self, base_id: str, listing: ObservedListing, *, number: int | None = None
    ) -> None:
        if number in (None, self.listings_begun):
            self.observed = listing

    def listed(self, base_id: str, document_id: str) -> RemoteDocument | None:
        return self.documents.get(document_id)

    def listed_named(self, base_id: str, name: str) -> tuple[RemoteDocument, ...]:
        return tuple(each for each in self.documents.values() if each.name == name)

    def listed_marked(self, base_id: str, key: DocKey) -> tuple[RemoteDocument, ...]:
        named = (e for e in self.documents.values() if e.metadata.get(PATH) == key.path)
        return tuple(e for e in named if self.holder(base_id, e.id) in (None, key))

    def foreign(self, base_id: str) -> Iterator[RemoteDocument]:
        ours = {entry.document_id for entry in self.held.values()}
        return (each for each in self.documents.values() if each.id not in ours)

    def refused(self, mirror: str, within: PathRange = EVERYTHING) -> Iterator[Rejection]:
        return iter([each for key, each in sorted(self.rejections.items()) if key.path in within])

    def taken_otherwise(
        self, mirror: str, rules: DocumentRules, within: PathRange = EVERYTHING
    ) -> Iterator[DocKey]:
        held = [(key, each) for key, each in sorted(self.held.items()) if key.path in within]
        taken = ((key, entry.encoding) for key, entry in held if entry.encoding)
        return iter([key for key, by in taken if not by.endswith(rules.of(key.path).taken_by)])

    def repairs(self, key: DocKey, since: float) -> int:
        return self.repaired.get(key, 0)

    def restless(self, mirror: str, *, since: float, least: int) -> Mapping[str, Restless]:
        found: dict[str, list[float]] = {}
        for line in self.journal:
            if (line.action, line.outcome) == ("update", "done") and line.at >= since:
                found.setdefault(line.path, []).append(line.at)
        often = {path: at for path, at in found.items() if len(at) >= least}
        return {path: Restless(uploads=len(at), last=max(at)) for path, at in often.items()}

    def causes(self, mirror: str, *, since: float) -> Mapping[tuple[str, str], int]:
        done = [line for line in self.journal if line.at >= since and line.outcome == "done"]
        counted = ("create", "update", "delete", "trash")
        done = [line for line in done if line.mirror == mirror and line.action in counted]
        return Counter((line.action, line.detail) for line in done)

    def indexing_spans(self, mirror: str, *, limit: int = 200) -> Sequence[tuple[float, float]]:
        lines = [
            line for line in self.journal if (line.action, line.outcome) == ("index", "synced")
        ]
        return [(line.at - line.milliseconds / 1000, line.at) for line in lines[-limit:]]

    def note_halt(self, digest: str, members: AbstractSet[str], at: float) -> None:
        self.halted[digest] = frozenset(members)

    def halts(self, prefix: str) -> Mapping[str, frozenset[str]]:
        return {digest: kept for digest, kept in self.halted.items() if digest.startswith(prefix)}

    def held_back(self, mirror: str) -> HeldBack | None:
        return self.back.get(mirror)

    def note_held_back(self, mirror: str, held: HeldBack | None) -> None:
        if held is None:
            self.back.pop(mirror, None)
        else:
            self.back[mirror] = held

    def agree(self, mirror: str, at: float) -> None:
        self.agreed[mirror] = at

    def capabilities(self, server: str) -> Capabilities | None:
        return self.servers.get(server)

    def note_capabilities(self, server: str, known: Capabilities) -> None:
        self.servers[server] = known

    def held_creates(self, mirror: str) -> HeldCreates | None:
        return self.full.get(mirror)

    def hold_creates(self, mirror: str, held: HeldCreates | None) -> None:
        self.full.pop(mirror, None)
        if held is not None:
            self.full[mirror] = held

    def pulse(self, server: str, *, since: float) -> Pulse:
        sent = [each for each in self.held.values() if each.sent_at is not None]
        ended = [e for e in sent if e.state in (EntryState.SYNCED, EntryState.FAILED)]
        began = [e for e in sent if e in ended or (e.progress_at or 0) > (e.sent_at or 0)]
        moved = [e for e in sent if e in ended or e.progress]
        just_now = [e.sent_at or 0 for e in began if (e.progress_at or 0) > since]
        return Pulse(
            overtaker=max((e.sent_at or 0 for e in ended), default=None),
            ended_at=max((e.progress_at or 0 for e in ended), default=None),
            moving=min(just_now, default=None),
            moved_at=max((e.progress_at or 0 for e in moved), default=None),
            sent_at=max((e.sent_at or 0 for e in sent), default=None),
        )

    def unmet(self, mirror: str, within: PathRange = EVERYTHING) -> Mapping[str, WhyUnmet]:
        known = self.whys.get(mirror, {})
        return {path: why for path, why in known.items() if path in within}

    def unmet_by_work(self, mirror: str) -> AbstractSet[str]:
        return self.by_work.get(mirror, set())

    def note_unmet(
        self, mirror: str, reasons: Mapping[str, WhyUnmet | None], *, by_work: bool = False
    ) -> None:
        noted = {**self.whys.get(mirror, {}), **reasons}
        self.whys[mirror] = {path: why for path, why in noted.items() if why is not None}
        worked = self.by_work.setdefault(mirror, set())
        worked.difference_update(reasons)
        worked.update(path for path, why in reasons.items() if why is not None and by_work)

    def mounts(self, mirror: str) -> Mapping[str, bool]:
        return self.mounted.get(mirror, {})

    def note_mounts(self, mirror: str, points: Mapping[str, bool | None]) -> None:
        noted = {**self.mounted.get(mirror, {}), **points}
        self.mounted[mirror] = {path: on for path, on in noted.items() if on is not None}

    def agreed_at(self, mirror: str) -> float:
        return self.agreed.get(mirror, 0.0)

    def restat(self, stats: Sequence[tuple[DocKey, Stat]]) -> None:
        for key, stat in stats:
            if key in self.rejections:
                self.rejections[key] = replace(self.rejections[key], stat=stat)
            else:
                self.held[key] = replace(self.held[key], stat=stat)

    def counts(self, mirror: str) -> Mapping[str, int]:
        found: dict[str, int] = defaultdict(int)
        for entry in self.held.values():
            found[entry.state.value] += 1
        return found


def _declared_readiness(entry: LedgerEntry) -> Readiness:
    off = entry.profile.endswith(OFF)
    return Readiness.DISABLED if off else Readiness.AVAILABLE


# -- a world of them -------------------------------------------------------------------------------
@dataclass
class Stage:
    """All four sides, and the world the engine sees."""

    source: Folder
    ledger: MemoryLedger
    server: ScriptedRemote
    clock: VirtualClock
    world: Context
    events: list[Event] = field(default_factory=list)

    def synced(self, path: str, content: bytes, **more: object) -> LedgerEntry:
        """File, document and entry agree, as after a pass."""
        stat = self.source.write(path, content)
        stored = self.server.put(self.world.mirror.document_name(path), content)
        entry = LedgerEntry(
            key=key_of(path),
            document_id=stored.id,
            document_name=stored.name,
            state=EntryState.SYNCED,
            stat=stat,
            fingerprint=fingerprint_of(content),
            rev=stored.rev,
            word_count=self.server.show(stored).word_count,
        )
        entry = replace(entry, **more)  # type: ignore[arg-type]
        self.ledger.held[entry.key] = entry
        return entry

    def declare(self, **declared: object) -> None:
        """Declare something else of the mirror."""
        self.world = replace(self.world, mirror=declaring(self.world.mirror, **declared))

    def states(self) -> dict[str, str]:
        return {key.path: entry.state.value for key, entry in self.ledger.held.items()}


def stage(
    files: Mapping[str, bytes] | None = None,
    *,
    requests_per_minute: int | None = None,
    swap: bool = False,
    prune_excluded: bool = False,
    **declared: object,
) -> Stage:
    """A folder, a ledger and a server, and a mirror of the defaults and what is `declared`."""
    source, ledger, clock = Folder(MIRROR, files=files), MemoryLedger(), VirtualClock()
    server = ScriptedRemote(clock)
    strategy = "swap" if swap else "in_place"
    given = {"knowledge_base": base_by_id(BASE), "update_strategy": strategy, **declared}
    config = mirror_config(**given)
    mirror = Mirror(
        config=config,
        server=ServerConfig(url="http://fake/v1", requests_per_minute=requests_per_minute),
        source=source,
        document_rules=one_rule(SETTINGS, config),
        prune_excluded=prune_excluded,
    )
    world = Context(mirror=mirror, ledger=ledger, remote=server, clock=clock, base_id=BASE)
    return Stage(source, ledger, server, clock, world)


def most_within(times: Sequence[float], window: float) -> int:
    """Return the largest number of `times` that fall into any half-open window of that length."""
    ordered = sorted(times)
    ends = (bisect.bisect_left(ordered, at + window - 1e-6) for at in ordered)
    return max((end - start for start, end in enumerate(ends)), default=0)


def declaring(mirror: Mirror, **declared: object) -> Mirror:
    """Return `mirror` with something else declared."""
    return replace(mirror, config=mirror.config.model_copy(update=declared))


class Unlimited(Permits):
    """Lets every key do everything."""

    def allowed(self, action: Action, *, present: bool, unmounted: bool = False) -> None:
        return None


def pool_of(
    stage: Stage,
    *,
    wait: bool = True,
    listing: ObservedListing | None = None,
    workers: int = 4,
) -> WorkerPool:
    """A pool for one pass in which every key may do everything; events go to `stage.events`."""
    policy = OneShot(Unlimited(), wait=wait)
    return WorkerPool(
        stage.world, policy, listing=listing, observe=stage.events.append, workers=workers
    )


async def run_pool(
    stage: Stage, *rounds: Sequence[str], wait: bool = True, listing: ObservedListing | None = None
) -> Report:
    """Work on the keys of `rounds` until nothing is left to do."""
    pool = pool_of(stage, wait=wait, listing=listing)
    return await pool.run(*([key_of(path) for path in paths] for paths in rounds))
