"""What the engine needs from outside, as Protocols: clock, source, ledger, remote."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from kbsync.engine.guard_port import GuardLedger
from kbsync.engine.remote_port import Assignment as Assignment  # noqa: PLC0414 - the server, also named from here
from kbsync.engine.remote_port import Remote as Remote  # noqa: PLC0414
from kbsync.engine.source_port import Blocked as Blocked  # noqa: PLC0414 - the folder, the same
from kbsync.engine.source_port import FileRow as FileRow  # noqa: PLC0414
from kbsync.engine.source_port import Known as Known  # noqa: PLC0414
from kbsync.engine.source_port import Payload as Payload  # noqa: PLC0414
from kbsync.engine.source_port import Seen as Seen  # noqa: PLC0414
from kbsync.engine.source_port import Source as Source  # noqa: PLC0414
from kbsync.engine.unmet_port import UnmetLedger
from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    Binding,
    Capabilities,
    DocKey,
    DocumentRules,
    HeldCreates,
    Intent,
    JournalLine,
    LedgerEntry,
    Ownership,
    Rehash,
    Rejection,
    RemoteDocument,
    Restless,
    Stat,
)
from kbsync.model import Chunking as Chunking  # noqa: PLC0414 - also named from here
from kbsync.model import DocumentPage as DocumentPage  # noqa: PLC0414 - the same
from kbsync.planning.path_range import EVERYTHING, PathRange
from kbsync.planning.standstill import Pulse


class Clock(Protocol):
    """Time. `now` never goes back, not even over a restart."""

    def now(self) -> float:
        """Return seconds since the epoch as the ledger counts them."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        ...


class Unchanged(enum.Enum):
    """The type of `UNCHANGED`: this part of the ledger stays as it is."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """Everything that one transaction does to one key. None removes, UNCHANGED leaves alone."""

    key: DocKey
    entry: LedgerEntry | Unchanged | None = UNCHANGED
    intent: Intent | Unchanged | None = UNCHANGED
    rejection: Rejection | Unchanged | None = UNCHANGED
    journal: tuple[JournalLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedListing:
    """The newest listing of a base.

    Args:
        complete: it proves absence of what it does not have.
        owners: who wrote the valid marks of the listing's mirror (`Mark.owner`).
    """

    started_at: float
    complete: bool
    documents: int
    owners: frozenset[str] = frozenset()


class Ledger(UnmetLedger, GuardLedger, Protocol):
    """What was done. Synchronous: no await comes between the statements of a transaction."""

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
        """Stream the mirror's keys of a range in code point order.

        A settled key (synced under the rule of its path, no intent, not contradicted by `listing`,
        and with `marked` one whose mark was read back) presents its file's stat; every other one
        presents a size of -1, which no file has. Keys that have only an intent or a mark in the
        listing are in the stream too. What rests in the trash at `now` presents a size of -2.
        """
        ...

    def entry(self, key: DocKey) -> LedgerEntry | None:
        """Return the entry of `key`."""
        ...

    def holder(self, base_id: str, document_id: str) -> DocKey | None:
        """Return the key whose entry holds the document, or supersedes it; of any mirror."""
        ...

    def intent(self, key: DocKey) -> Intent | None:
        """Return the pending intent of `key`."""
        ...

    def pending_names(self, base_id: str) -> frozenset[str]:
        """Return the document names of all pending calls on the base."""
        ...

    def rejection(self, key: DocKey) -> Rejection | None:
        """Return the remembered refusal of `key`."""
        ...

    def entries(
        self, mirror: str, *, states: Sequence[str] = (), prefix: str = ""
    ) -> Iterator[LedgerEntry]:
        """Stream entries in key order, all states when none are named."""
        ...

    def under_way(self, mirror: str) -> Sequence[LedgerEntry]:
        """Return the entries that are being indexed in the base of `mirror`, of all mirrors."""
        ...

    def proved_since(self, base_id: str, since: float) -> Sequence[LedgerEntry]:
        """Return the entries of the base, of all mirrors, whose documents were synced since."""
        ...

    def paths_of(self, mirror: str, inodes: AbstractSet[int]) -> Sequence[str]:
        """Return the paths whose file had one of `inodes` when it was sent, in no order."""
        ...

    def paths_after(self, mirror: str, path: str, *, limit: int) -> Sequence[str]:
        """Return at most `limit` paths with an entry or a refusal, the next after `path`."""
        ...

    def left_after(self, mirror: str, path: str) -> int:
        """Return how many entries and refusals there are after `path`; a key may have both."""
        ...

    def commit(self, change: EntryChange) -> None:
        """Apply `change` in one durable transaction."""
        ...

    def commit_all(self, changes: Sequence[EntryChange]) -> None:
        """Apply all `changes` or none, in one durable transaction."""
        ...

    def binding(self, mirror: str) -> Binding | None:
        """Return the binding of the mirror, None before its first pass."""
        ...

    def bind(self, binding: Binding) -> None:
        """Bind the mirror; replaces an older binding."""
        ...

    def ownership(self, mirror: str) -> Ownership | None:
        """Return the ownership of the mirror's marks, None before the first."""
        ...

    def own(self, mirror: str, ownership: Ownership) -> None:
        """Record the ownership of the mirror's marks from now on."""
        ...

    def unmark(self, mirror: str) -> None:
        """Clear what is known of the mirror's marks, so that all are written again."""
        ...

    def rehash(self, mirror: str) -> Rehash | None:
        """Return how far the rolling re-hash has come, None before the first."""
        ...

    def note_rehash(self, mirror: str, rehash: Rehash) -> None:
        """Record how far the rolling re-hash has come."""
        ...

    def held_creates(self, mirror: str) -> HeldCreates | None:
        """Return why the mirror's base takes no new documents, None when it does."""
        ...

    def hold_creates(self, mirror: str, held: HeldCreates | None) -> None:
        """Record that the mirror's base takes no new documents, or that it does again."""
        ...

    def mounts(self, mirror: str) -> Mapping[str, bool]:
        """Return the folders below the root that were seen to be mount points.

        Of each, whether a mount there may hide files that were sent.
        """
        ...

    def note_mounts(self, mirror: str, points: Mapping[str, bool | None]) -> None:
        """Record which folders below the root are mount points, None which are not; others stay."""
        ...

    def begin_listing(self, base_id: str) -> int:
        """Forget the previous listing of the base and start a new one; return its number."""
        ...

    def add_listed(
        self, base_id: str, documents: Sequence[RemoteDocument], *, number: int | None = None
    ) -> None:
        """Add a page to the listing of this number while it is the newest; None: whichever it is.

        A repeated id overwrites.
        """
        ...

    def end_listing(
        self, base_id: str, listing: ObservedListing, *, number: int | None = None
    ) -> None:
        """Close the listing of this number while it is the newest; None: whichever it is."""
        ...

    def listing(self, base_id: str) -> ObservedListing | None:
        """Return the newest listing of the base; None while one is being taken, or without one."""
        ...

    def unlist(self, base_id: str, document_id: str) -> None:
        """Remove a deleted document from the newest listing."""
        ...

    def listed(self, base_id: str, document_id: str) -> RemoteDocument | None:
        """Return a document of the newest listing by id."""
        ...

    def listed_named(self, base_id: str, name: str) -> tuple[RemoteDocument, ...]:
        """Return the documents of the newest listing that bear exactly `name`."""
        ...

    def listed_marked(self, base_id: str, key: DocKey) -> tuple[RemoteDocument, ...]:
        """Return the documents of the newest listing whose mark names `key`."""
        ...

    def foreign(self, base_id: str) -> Iterator[RemoteDocument]:
        """Stream the listed documents that are not ours: no entry, and no valid mark of ours."""
        ...

    def refused(self, mirror: str, within: PathRange = EVERYTHING) -> Iterator[Rejection]:
        """Stream the remembered refusals in key order."""
        ...

    def taken_otherwise(
        self, mirror: str, rules: DocumentRules, within: PathRange = EVERYTHING
    ) -> Iterator[DocKey]:
        """Stream the keys whose text was taken as something, and not as their rule says."""
        ...

    def repairs(self, key: DocKey, since: float) -> int:
        """Return how often drift of `key` was repaired since `since` (journal, cause drift)."""
        ...

    def restless(self, mirror: str, *, since: float, least: int) -> Mapping[str, Restless]:
        """Return by path what was updated at least so often since `since` (journal)."""
        ...

    def causes(self, mirror: str, *, since: float) -> Mapping[tuple[str, str], int]:
        """Count the uploads and removals that took effect since `since`, by action and cause."""
        ...

    def indexing_spans(self, mirror: str, *, limit: int = 200) -> Sequence[tuple[float, float]]:
        """Return when indexing of the newest `limit` documents began and ended, in seconds."""
        ...

    def pulse(self, server: str, *, since: float) -> Pulse:
        """Return what a server did with all it was sent, and what of it moved after `since`."""
        ...

    def restat(self, stats: Sequence[tuple[DocKey, Stat]]) -> None:
        """Record new stats of files whose content did not change, in one transaction."""
        ...

    def counts(self, mirror: str) -> Mapping[str, int]:
        """Return the number of entries by state."""
        ...

    def capabilities(self, server: str) -> Capabilities | None:
        """Return what is kept of the server at that address, None before its first pass."""
        ...

    def note_capabilities(self, server: str, known: Capabilities) -> None:
        """Keep what is known of the server at that address."""
        ...
