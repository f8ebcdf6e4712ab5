"""What the engine needs from outside, as Protocols: clock, source, ledger, remote."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import Protocol

from kbsync.engine.source_port import Blocked as Blocked  # noqa: PLC0414 - the folder, also named from here
from kbsync.engine.source_port import FileRow as FileRow  # noqa: PLC0414
from kbsync.engine.source_port import Known as Known  # noqa: PLC0414
from kbsync.engine.source_port import Payload as Payload  # noqa: PLC0414
from kbsync.engine.source_port import Seen as Seen  # noqa: PLC0414
from kbsync.engine.source_port import Source as Source  # noqa: PLC0414
from kbsync.engine.unmet_port import UnmetLedger
from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    UNDECLARED,
    Base,
    BaseSettings,
    Binding,
    Capabilities,
    Capability,
    ChunkPage,
    DocKey,
    DocumentRules,
    HeldCreates,
    Intent,
    JournalLine,
    LedgerEntry,
    Original,
    Outcome,
    Ownership,
    Progress,
    Rehash,
    Rejection,
    RemoteDocument,
    Restless,
    SearchHit,
    Stat,
    Uploaded,
)
from kbsync.model import Chunking as Chunking  # noqa: PLC0414 - also named from here
from kbsync.model import DocumentPage as DocumentPage  # noqa: PLC0414 - the same
from kbsync.model.document_rule import MetadataValue
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


class Ledger(UnmetLedger, Protocol):
    """What was done. Synchronous: no await comes between the statements of a transaction."""

    def rows(
        self,
        mirror: str,
        rules: DocumentRules,
        *,
        listing: ObservedListing | None,
        marked: bool = False,
        now: float = 0.0,
    ) -> Iterator[FileRow]:
        """Stream the mirror's keys in code point order.

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

    def note_mounts(self, mirror: str, points: Mapping[str, bool]) -> None:
        """Record which folders below the root are mount points; replaces what was recorded."""
        ...

    def begin_listing(self, base_id: str) -> int:
        """Forget the previous listing of the base and start a new one; return its number."""
        ...

    def is_newest_listing(self, base_id: str, number: int) -> bool:
        """Whether no other listing of the base was begun since `begin_listing` gave this number."""
        ...

    def add_listed(self, base_id: str, documents: Sequence[RemoteDocument]) -> None:
        """Add a page; a repeated id overwrites."""
        ...

    def end_listing(self, base_id: str, listing: ObservedListing) -> None:
        """Close the listing."""
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

    def refused(self, mirror: str) -> Iterator[Rejection]:
        """Stream the remembered refusals in key order."""
        ...

    def taken_otherwise(self, mirror: str, rules: DocumentRules) -> Iterator[DocKey]:
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

    def note_halt(self, digest: str, members: AbstractSet[str], at: float) -> None:
        """Store a set of changes that was held back, to compare a release with."""
        ...

    def halts(self, prefix: str) -> Mapping[str, frozenset[str]]:
        """Return the stored sets whose digest starts with `prefix`, by digest."""
        ...

    def agree(self, mirror: str, at: float) -> None:
        """Record that a person agreed at `at` to what was held back."""
        ...

    def agreed_at(self, mirror: str) -> float:
        """Return when a person agreed last, 0.0 for never."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Metadata values for one document, by the name of their field; None takes one away."""

    document_id: str
    values: Mapping[str, MetadataValue | None] = field(default_factory=dict)


class Remote(Protocol):
    """One server and API key. Every call returns an `Outcome`; no answer of a server raises."""

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do, from its version and from what was seen."""
        ...

    def note(self, capability: Capability, able: bool) -> None:
        """Note that the server was seen to do it, or not to."""
        ...

    def recall(self, known: Capabilities) -> None:
        """Begin with what was known of the server before; a reply of another version ends it."""
        ...

    def paused_for(self) -> float:
        """Return for how many more seconds the server wants no writes (throttled)."""
        ...

    async def base(self, base_id: str) -> Outcome[Base]:
        """Get a base by id; `Gone` when it is not there."""
        ...

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        """Return the bases with exactly this name."""
        ...

    async def embedding_models(self) -> Outcome[frozenset[str]]:
        """Return the names of the models for embeddings; servers do not list them for every key."""
        ...

    async def make_base(
        self, name: str, chunking: Chunking, settings: BaseSettings = UNDECLARED
    ) -> Outcome[Base]:
        """Make a base; a taken name is `Rejected`.

        Args:
            name: 1 to 40 characters.
            chunking: technique, embedding model and retrieval of the base are in it.
            settings: description and permission count; None leaves them to the server.
        """
        ...

    async def change_base(self, base_id: str, settings: BaseSettings) -> Outcome[None]:
        """Set what `settings` names of a base; tags and fields have calls of their own."""
        ...

    async def tag_base(
        self, base_id: str, *, on: AbstractSet[str], off: AbstractSet[str]
    ) -> Outcome[None]:
        """Put tags on a base, each made when it is missing, and take others off."""
        ...

    async def page(
        self, base_id: str, number: int, *, status: str | None = None, rows: int = 100
    ) -> Outcome[DocumentPage]:
        """Return one page of documents, newest first.

        Args:
            number: of the page, from 1.
            status: only documents of this status, in the server's display words.
            rows: of a page, 1 to 100.
        """
        ...

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        """Return every document that bears exactly `name`: a search read to its end."""
        ...

    async def document(
        self, base_id: str, document_id: str, *, name: str = ""
    ) -> Outcome[RemoteDocument]:
        """Get a document by id; `name`, where it is known, spares old servers a long listing."""
        ...

    async def original(self, base_id: str, document_id: str, *, largest: int) -> Outcome[Original]:
        """Hash the bytes a document was made of, at most `largest`; servers count it as a write."""
        ...

    async def old_chunks(self, base_id: str, document_id: str) -> Outcome[bool]:
        """Return whether chunks of an earlier upload are left beside those of the last one."""
        ...

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        """Ask how far indexing of one document is, by its batch."""
        ...

    async def chunks(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        """Return one page of at most `rows` chunks of a document, in their order."""
        ...

    async def add_chunks(
        self, base_id: str, document_id: str, texts: Sequence[str]
    ) -> Outcome[int]:
        """Add chunks behind the last one, verbatim; return how many of them are there now."""
        ...

    async def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        """Delete one chunk of a document; `Gone` when it was not there."""
        ...

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        """Search as an application would; servers count it as a write.

        Args:
            economy: the base is searched by keywords, otherwise by meaning.
            top: find no more than so many chunks.
            rev: only in documents whose mark carries it; None: in all of them.
        """
        ...

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        """Create by file. `duplicate` False forces a second document of the same name."""
        ...

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        """Update by file: replaces content and name."""
        ...

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        """Delete by id; `Gone` when it was not there."""
        ...

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        """Enable, disable, archive or un_archive one document."""
        ...

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        """Return the ids of the base's metadata fields by name.

        `Rejected` on a server without metadata; then `capabilities` says so too.
        """
        ...

    def field_kind(self, field_id: str) -> str:
        """Return the type of a field, as `fields` or `make_field` met it last.

        ``string``, ``number`` or ``time``; ``string`` for one that was not met.
        """
        ...

    async def make_field(self, base_id: str, name: str, kind: str = "string") -> Outcome[str]:
        """Make a field of the type `kind` and return its id; a taken name is `Rejected`."""
        ...

    async def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        """Merge values into documents; `Done` does not prove it: read them back.

        Args:
            fields: field ids by name.
            assignments: at most one per document.
        """
        ...
