"""What the engine needs of a server, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import Protocol

from kbsync.engine.source_port import Payload
from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    UNDECLARED,
    Base,
    BaseSettings,
    Capabilities,
    Capability,
    Chunking,
    ChunkPage,
    DocumentPage,
    Original,
    Outcome,
    Progress,
    RemoteDocument,
    SearchHit,
    Uploaded,
)
from kbsync.model.document_rule import MetadataValue


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
