"""The case of one key: the entry, the file as it is now, the evidence from the server.

Evidence comes from the listing of this pass where there is one; what the listing cannot prove is
asked for by id or by an exhausted exact-name search (docs/design.md sections 5 and 6).
"""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.observe.declared import declared_for, sidecar_of, wanted_switch
from kbsync.engine.observe.known_bytes import known_of
from kbsync.engine.observe.name_proofs import HOLDS_FOR, NameProofs
from kbsync.engine.observe.remote_state import document_of, is_kept, owner_of
from kbsync.engine.observe.standing import standing_of
from kbsync.engine.ports import ObservedListing
from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    Absent,
    Capability,
    Declared,
    DocKey,
    EntryState,
    Excluded,
    FileState,
    LedgerEntry,
    Present,
    Rejection,
    RemoteDocument,
    Sidecar,
    Skipped,
)
from kbsync.planning.case import GONE, Case, Evidence, Missing
from kbsync.planning.declared_metadata import are_stored, profile_of
from kbsync.planning.marks import mark_for, mark_of, values_hash, values_of
from kbsync.planning.standstill import Standing

A_DAY = 86_400.0


def _concerns_switch(
    entry: LedgerEntry | None, local: FileState, profile: str, enabled: bool | None
) -> bool:
    """Whether the document's switch decides what is done, so that it has to be asked for."""
    if entry is None or enabled is None or not isinstance(local, Present):
        return False
    return entry.profile != profile or entry.stat != local.stat


def _is_altered(entry: LedgerEntry | None, evidence: Evidence) -> bool:
    """Whether values were changed there: to write them again takes their types, too.

    Their field may have been deleted with them.
    """
    known = evidence.known
    if entry is None or not isinstance(known, RemoteDocument):
        return False
    return not are_stored(entry.metadata, known.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCollector:
    """Builds cases.

    Args:
        context: the three sides of the mirror.
        listing: the listing of this pass, None when there is none. It says nothing of documents
            that were changed after it: for their keys use a collector without one.
        asks: ask the server where ledger and listing do not know. A plan that only selects keys
            for workers, which look again, believes the ledger and takes a new name for free.
    """

    context: Context
    listing: ObservedListing | None = None
    asks: bool = True
    _names_of_base: NameProofs = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names_of_base", NameProofs(self.context, self.listing))

    async def case(
        self,
        key: DocKey,
        *,
        seen: FileState | None = None,
        ask: bool = False,
        probe: bool = False,
    ) -> Case:
        """Return the case of `key`.

        Args:
            key: what to decide about.
            seen: its state as a walk met it; looked at afresh when None.
            ask: ask the server for its document even where the ledger would do.
            probe: its document stands still with all others, and is to be sent anew.

        Raises:
            Problem: the server could not be asked.
        """
        ledger, mirror = self.context.ledger, self.context.mirror
        entry = ledger.entry(key)
        intent = ledger.intent(key)
        name = entry.document_name if entry else mirror.document_name(key.path)
        local = seen or mirror.source.look(key.path)
        evidence, declared = Evidence(), None
        rejection = ledger.rejection(key)
        # Nothing of a new file is looked for before it is sent.
        sidecar = sidecar_of(self.context, local) if entry is not None or ask else None
        profile = profile_of(mirror.rule_of(key.path), sidecar)
        enabled = wanted_switch(self.context, entry, local, sidecar)
        # T0 and T1 come first and need no evidence: then no request is made.
        if intent is None and (self._asks_for_evidence(local) or self._under_way(entry)):
            asks = ask or _concerns_switch(entry, local, profile, enabled)
            name, evidence = await self._evidence(key, entry, local, name, asks)
            local = await self._hashed(local, entry, rejection, evidence, profile)
            asks = ask or _is_altered(entry, evidence)
            local, declared = await self._declared(local, entry, sidecar, profile, asks)
        standing, still_since = await self._standing(entry, evidence)
        if entry is not None and (probe or standing is not Standing.MOVES):
            # A listing that was stored does not say that a document was archived meanwhile.
            evidence = replace(
                evidence, known=await self._by_id(entry.document_id, entry.document_name)
            )
        return Case(
            key=key,
            name=name,
            local=local,
            rules=self.context.decision_rules(key.path),
            now=self.context.clock.now(),
            entry=entry,
            intent=intent,
            rejection=rejection,
            evidence=evidence,
            metadata_hash=self._metadata_hash(entry),
            profile=profile,
            declared=declared,
            enabled=enabled,
            repairs=ledger.repairs(key, self.context.clock.now() - A_DAY) if entry else 0,
            standing=standing,
            still_since=still_since,
            probe=probe,
        )

    async def _standing(
        self, entry: LedgerEntry | None, evidence: Evidence
    ) -> tuple[Standing, float | None]:
        """Return how a busy document stands, and since when it has not moved."""
        known = evidence.known
        if entry is None or not isinstance(known, RemoteDocument) or not known.readiness.busy:
            return Standing.MOVES, None
        standing = await standing_of(self.context, entry, known)
        return standing, entry.progress_at or entry.sent_at

    def _metadata_hash(self, entry: LedgerEntry | None) -> str | None:
        """Return the hash of what the document should carry, None where it carries nothing."""
        if entry is None or self.context.fields is None:
            return None
        mark = mark_for(entry, self.context.owner)
        return None if mark is None else values_hash(values_of(mark))

    def _asks_for_evidence(self, local: FileState) -> bool:
        mirror = self.context.mirror
        pruned = (isinstance(local, Excluded) and mirror.prune_excluded) or (
            isinstance(local, Skipped) and mirror.prune_stale
        )
        return pruned or isinstance(local, Present | Absent)

    def _under_way(self, entry: LedgerEntry | None) -> bool:
        """Whether the end of a document counts for others on its base, whatever its file is."""
        indexing = entry is not None and entry.state is EntryState.INDEXING
        return indexing and self.context.loses_keywords

    async def _hashed(
        self,
        local: FileState,
        entry: LedgerEntry | None,
        rejection: Rejection | None,
        evidence: Evidence,
        profile: str,
    ) -> FileState:
        """Hash only where a decision needs it: what was sent or refused before, or a mark."""
        if not isinstance(local, Present) or local.content is not None:
            return local
        # Same stat as when it was read: the recorded hash stands for the content. What was refused
        # was read last: a content may change behind its stat, and only the last stat is doubted.
        last = rejection if rejection is not None and rejection.fingerprint else entry
        agrees = entry is not None and entry.profile == profile
        if agrees and last is not None and last.fingerprint and last.stat == local.stat:
            return replace(local, content=last.fingerprint.content)
        compared = entry is not None and entry.fingerprint is not None
        refused = rejection is not None and rejection.stat != local.stat
        # A new file is read once, while it is sent.
        if not compared and not refused and not evidence.marked:
            return local
        read, taken = self.context.mirror.source.read, entry.encoding if entry else None
        known = known_of(entry, self.context.mirror.rule_of(local.key.path).settings)
        return await anyio.to_thread.run_sync(partial(read, local.key.path, taken, known=known))

    async def _declared(
        self,
        local: FileState,
        entry: LedgerEntry | None,
        sidecar: Sidecar | None,
        profile: str,
        ask: bool,
    ) -> tuple[FileState, Declared | None]:
        """Return the file, and what is declared of its document where that has to be known."""
        if not isinstance(local, Present) or (entry is None and not ask):
            return local, None
        taken = entry.encoding if entry else None
        if not ask and entry is not None and self._is_recorded(local, entry, profile):
            return local, None
        found = await declared_for(self.context, local, sidecar, taken)
        return (local, found) if isinstance(found, Declared) else (found, None)

    def _is_recorded(self, local: Present, entry: LedgerEntry, profile: str) -> bool:
        """Whether what is declared was written before, or another text is to be sent first."""
        if not profile and not entry.metadata:
            return True
        sent = entry.fingerprint
        if sent is None or (local.content is not None and local.content != sent.content):
            return True
        marked = self.context.fields is None or entry.metadata_hash is not None
        return marked and entry.profile == profile and entry.stat == local.stat

    async def _evidence(
        self, key: DocKey, entry: LedgerEntry | None, local: FileState, name: str, ask: bool
    ) -> tuple[str, Evidence]:
        # Amid a swap both documents have to be asked for: T2 decides by what is there.
        if not self.asks and (entry is None or entry.superseded is None):
            return name, Evidence(listed=True)
        known = await self._known(entry, ask)
        replaced = None
        if entry is not None and entry.superseded is not None:
            replaced = await self._by_id(entry.superseded, entry.document_name)
        evidence = Evidence(known=known, replaced=replaced)
        # With its document there, a name decides nothing.
        if entry is not None and known is not GONE:
            return name, replace(evidence, marked=self._listed_marks(key, entry))
        # A mark of a file that is gone can only be known from a listing.
        if isinstance(local, Absent) and self.listing is None:
            return name, evidence
        claimed = () if entry is not None else self._listed_marks(key, entry)
        if claimed:  # its name decides nothing
            return name, replace(evidence, marked=claimed)
        name, named = await self._name_to_take(key)
        return name, self._names(evidence, key, entry, named)

    async def _known(self, entry: LedgerEntry | None, ask: bool) -> RemoteDocument | Missing | None:
        if entry is None:
            return None
        if self.listing is not None and self.context.base_id is not None:
            listed = self.context.ledger.listed(self.context.base_id, entry.document_id)
            # A listing that is not complete, or old, proves no absence: only a 404 by id does.
            if listed is not None and self._fresh():
                return listed
            if listed is None and self._proves_absence():
                return GONE
            found = await self._by_id(entry.document_id, entry.document_name)
            return _counted(entry, found, listed)
        # The common case costs no request: the ledger is believed until a resync lists the base.
        settled = entry.state is EntryState.SYNCED and entry.superseded is None
        if settled and not ask:
            return None
        return await self._by_id(entry.document_id, entry.document_name)

    def _fresh(self) -> bool:
        listing, now = self.listing, self.context.clock.now()
        return listing is not None and now - listing.started_at < HOLDS_FOR

    def _proves_absence(self) -> bool:
        """Whether the listing is as good as an answer by id, because by id it would be listed."""
        gets = Capability.GET_DOCUMENT in self.context.remote.capabilities
        listing = self.listing
        whole = listing is not None and self._fresh() and is_kept(self.context, listing)
        return not gets and whole

    async def _by_id(self, document_id: str, name: str) -> RemoteDocument | Missing:
        if self.context.base_id is None:
            return GONE
        return await document_of(self.context, document_id, "asking for a document", name=name)

    async def _name_to_take(self, key: DocKey) -> tuple[str, tuple[RemoteDocument, ...]]:
        """Return the first name of `key` that no document of another key of ours bears.

        A document that moved keeps its old name until its next upload: a new file there would be
        written over it. With the name come the documents that bear it.
        """
        for name in self.context.mirror.document_names(key.path):
            if self._of_another_path(key, name):
                continue
            named = await self._named(name)
            if not any(self._moved(document, key) for document in named):
                return name, named
        raise AssertionError("names never end")

    def _of_another_path(self, key: DocKey, name: str) -> bool:
        """Whether another path of ours has the name: a file that is sent as it is, before all.

        A listing of this pass does not have what the pass itself makes.
        """
        mirror, ledger = self.context.mirror, self.context.ledger
        for path in mirror.paths_alike(key.path):
            other = replace(key, path=path)
            entry, intent = ledger.entry(other), ledger.intent(other)
            if (entry and entry.document_name == name) or (intent and intent.name == name):
                return True
            first = name == mirror.document_name(key.path)
            longer = len(path) > len(key.path)
            if first and longer and isinstance(mirror.source.look(path), Present):
                return True
        return False

    def _moved(self, document: RemoteDocument, key: DocKey) -> bool:
        """Whether the document is another key's of this mirror; another mirror's is in our way."""
        owner = owner_of(self.context, document)
        return owner is not None and owner != key and owner.mirror == key.mirror

    def _names(
        self,
        evidence: Evidence,
        key: DocKey,
        entry: LedgerEntry | None,
        named: tuple[RemoteDocument, ...],
    ) -> Evidence:
        marks = {document.id: document for document in self._listed_marks(key, entry)}
        marks |= {each.id: each for each in named if owner_of(self.context, each) == key}
        # The documents of the entry are neither orphans nor foreign.
        own = {entry.document_id, entry.superseded} if entry else set()
        others = tuple(d for d in named if d.id not in marks and d.id not in own)
        marked = tuple(marks[each] for each in sorted(marks) if each not in own)
        return replace(evidence, listed=True, namesakes=others, marked=marked)

    async def _named(self, name: str) -> tuple[RemoteDocument, ...]:
        return await self._names_of_base.bearers(name)

    def _listed_marks(self, key: DocKey, entry: LedgerEntry | None) -> tuple[RemoteDocument, ...]:
        if self.listing is None or self.context.base_id is None:
            return ()
        own = {entry.document_id, entry.superseded} if entry else set()
        marked = self.context.ledger.listed_marked(self.context.base_id, key)
        return tuple(each for each in marked if each.id not in own and mark_of(each) is not None)


def _counted(
    entry: LedgerEntry, found: RemoteDocument | Missing, listed: RemoteDocument | None
) -> RemoteDocument | Missing:
    """Return what was found by id; in the trash with the words that the pass has listed."""
    if entry.state is not EntryState.TRASHED or not isinstance(found, RemoteDocument):
        return found
    same = listed is not None and listed.rev == found.rev
    return replace(found, word_count=listed.word_count) if listed and same else found
