"""`engine.ports.Remote` over the client: the API's objects in, those of `model` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, TypeVar

from kbsync.dify import errors, to_model
from kbsync.dify.api.metadata import DocumentValues, Value
from kbsync.dify.api.search import by_keyword, by_meaning, having
from kbsync.dify.base_tags import tag_base
from kbsync.dify.client import DifyClient
from kbsync.dify.http import mapped
from kbsync.dify.pipeline_bases import PipelineBases
from kbsync.dify.request import is_id
from kbsync.dify.schemas import Document, KnowledgeBaseRow, UploadReply
from kbsync.engine.ports import (
    Assignment,
    Chunking,
    DocumentPage,
    Payload,
    Remote,
)
from kbsync.messages import remote as messages
from kbsync.model import (
    UNDECLARED,
    Base,
    BaseSettings,
    Capabilities,
    Capability,
    ChunkPage,
    Done,
    Gone,
    Original,
    Outcome,
    Progress,
    Rejected,
    RemoteDocument,
    SearchHit,
    Uploaded,
)
from kbsync.model.document_rule import MetadataValue
from kbsync.planning.marks import REV as REV_FIELD

R = TypeVar("R", KnowledgeBaseRow, Document)

# What the server allows (docs/dify-api.md section 3).
LONGEST_BASE_NAME = 40
# The status of a chunk from an update on, until the indexing task deletes it (section 7).
COMPLETED, TO_BE_DELETED = "completed", "re_segment"
# Values of these types are text in marks, and have to be sent as the numbers they were.
NUMERIC = ("number", "time")


class DifyRemote:
    """Implements `kbsync.engine.ports.Remote` over a `DifyClient`."""

    def __init__(self, client: DifyClient) -> None:
        self._client = client
        self._kinds: dict[str, str] = {}
        self._pipelines = PipelineBases(client)

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do, as of its last reply."""
        return self._client.observed.now

    def note(self, capability: Capability, able: bool) -> None:
        """Note that the server was seen to do it, or not to."""
        self._client.observed.note(capability, able)

    def recall(self, known: Capabilities) -> None:
        """Begin with what was known of the server before."""
        self._client.observed.recall(known)

    def paused_for(self) -> float:
        """Return 0: a pause is remembered by the throttle in front of this."""
        return 0.0

    async def base(self, base_id: str) -> Outcome[Base]:
        """Get a base by id."""
        if self.capabilities.state(Capability.GET_BASE) is None:
            # A row tells how old a server is that does not tell its version.
            await self._client.bases.list(limit=1)
        found = await self._client.bases.get(base_id)
        found = _the_one("get knowledge base", base_id, found)
        return await self._pipelines.base_of(found.value) if isinstance(found, Done) else found

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        """Return the bases of exactly this name, those of other members too."""
        found = await self._client.bases.named(name)
        return await self._pipelines.all_of(found.value) if isinstance(found, Done) else found

    async def embedding_models(self) -> Outcome[frozenset[str]]:
        """Return the names of the models for embeddings (docs/dify-api.md section 11)."""
        listed = await self._client.search.models()
        return mapped(
            listed, lambda found: frozenset(model for each in found for model in each.models)
        )

    async def make_base(
        self, name: str, chunking: Chunking, settings: BaseSettings = UNDECLARED
    ) -> Outcome[Base]:
        """Make a base; without a declared permission it has the server's (``only_me``).

        One for some members is made for the owner alone: a create takes no list of them (3).
        """
        if not 1 <= len(name) <= LONGEST_BASE_NAME:
            return Rejected(messages.BASE_NAME_LENGTH(name=name, length=len(name)))
        made = await self._client.bases.create(
            name,
            description=settings.description,
            permission=settings.permission if settings.members is None else None,
            technique=chunking.technique,
            embedding_model=chunking.embedding_model,
            embedding_provider=chunking.embedding_provider if chunking.embedding_model else None,
            retrieval=chunking.retrieval,
        )
        return mapped(made, to_model.base)

    async def change_base(self, base_id: str, settings: BaseSettings) -> Outcome[None]:
        """Set what `settings` names of a base (docs/dify-api.md section 3, PATCH)."""
        changed = await self._client.bases.change(base_id, to_model.changes(settings))
        return mapped(changed, lambda row: None)

    async def tag_base(
        self, base_id: str, *, on: AbstractSet[str], off: AbstractSet[str]
    ) -> Outcome[None]:
        """Put tags on a base, each made when it is missing, and take others off."""
        return await tag_base(self._client, base_id, on=on, off=off)

    async def page(
        self, base_id: str, number: int, *, status: str | None = None, rows: int = 100
    ) -> Outcome[DocumentPage]:
        """Return page `number` (from 1) of `rows` documents, newest first."""
        listing = await self._client.documents.list(base_id, page=number, limit=rows, status=status)
        return mapped(
            listing,
            lambda found: DocumentPage(
                documents=tuple(to_model.document(row) for row in found.rows), total=found.total
            ),
        )

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        """Return every document of exactly this name."""
        found = await self._client.documents.named(base_id, name)
        return mapped(found, lambda rows: tuple(map(to_model.document, rows)))

    async def document(
        self, base_id: str, document_id: str, *, name: str = ""
    ) -> Outcome[RemoteDocument]:
        """Get a document by id. `word_count` may be None even where there are chunks."""
        found = await self._client.documents.get(base_id, document_id, name=name)
        return mapped(_the_one("get document", document_id, found), to_model.document)

    async def original(self, base_id: str, document_id: str, *, largest: int) -> Outcome[Original]:
        """Hash the bytes a document was made of."""
        return await self._client.documents.original(base_id, document_id, largest=largest)

    async def old_chunks(self, base_id: str, document_id: str) -> Outcome[bool]:
        """Ask for one chunk that an update was to delete; servers keep a word for those."""
        listed = await self._client.chunks.list(base_id, document_id, limit=1, status=TO_BE_DELETED)
        # A server that does not know the filter returns any chunk.
        return mapped(listed, lambda page: any(c.status == TO_BE_DELETED for c in page.rows))

    async def chunks(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        """Return one page of a document's chunks; old servers return all of them (section 7)."""
        listed = await self._client.chunks.list(base_id, document_id, page=number, limit=rows)
        return mapped(
            listed,
            lambda page: ChunkPage(chunks=tuple(map(to_model.chunk, page.rows)), total=page.total),
        )

    async def add_chunks(
        self, base_id: str, document_id: str, texts: Sequence[str]
    ) -> Outcome[int]:
        """Add chunks; a row that is in error says that its chunk was not added (section 16)."""
        rows = [{"content": text} for text in texts]
        added = await self._client.chunks.add(base_id, document_id, rows)
        return mapped(added, lambda found: sum(row.status == COMPLETED for row in found))

    async def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        """Delete one chunk."""
        return await self._client.chunks.delete(base_id, document_id, chunk_id)

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        """Search by keywords, or by meaning: an economy base finds nothing by that."""
        model = dict(by_keyword(top)) if economy else dict(by_meaning(top))
        if rev is not None:
            model["metadata_filtering_conditions"] = having(REV_FIELD, rev)
        hits = await self._client.search.retrieve(base_id, query, model)
        return mapped(hits, lambda found: tuple(to_model.found_chunk(each) for each in found))

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        """Ask how far a document is; `Gone` when its batch was superseded."""
        rows = await self._client.documents.indexing(base_id, batch)
        if not isinstance(rows, Done):
            return rows
        # A batch holds every document of its upload.
        ours = next((row for row in rows.value if row.id == document_id), None)
        return Gone() if ours is None else Done(to_model.progress(ours))

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        """Create by file, everything that shapes the chunks said explicitly.

        Where there is a pipeline it decides all that, and never merges.
        """
        if base_id in self._pipelines:
            made = await self._pipelines.create(base_id, name, payload)
            return mapped(made, _uploaded(payload))
        options = to_model.options(chunking, duplicate=duplicate)
        reply = await self._client.documents.create_by_file(base_id, name, payload, options)
        return mapped(reply, _uploaded(payload))

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        """Update by file: content and name."""
        options = to_model.options(chunking) | {"name": name}
        reply = await self._client.documents.update_by_file(
            base_id, document_id, name, payload, options
        )
        return mapped(reply, _uploaded(payload))

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        """Delete by id."""
        return await self._client.documents.delete(base_id, document_id)

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        """Enable, disable, archive or un_archive one document."""
        return await self._client.documents.switch(base_id, action, [document_id])

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        """Return the ids of the base's metadata fields by name.

        `Rejected` when the server has no metadata; then `capabilities` says so too.
        """
        found = await self._client.metadata.fields(base_id)
        if isinstance(found, Done):
            self._kinds |= {each.id: each.type for each in found.value.fields}
        return mapped(found, lambda all_: {field.name: field.id for field in all_.fields})

    def field_kind(self, field_id: str) -> str:
        """Return the type of a field as the server named it last."""
        return self._kinds.get(field_id, "string")

    async def make_field(self, base_id: str, name: str, kind: str = "string") -> Outcome[str]:
        """Make a field and return its id; a taken name is `Rejected`."""
        made = await self._client.metadata.create_field(base_id, name, kind)
        if isinstance(made, Done):
            self._kinds[made.value.id] = kind
        return mapped(made, lambda field: field.id)

    async def assign(
        self,
        base_id: str,
        fields: Mapping[str, str],
        assignments: Sequence[Assignment],
        *,
        merge: bool = True,
    ) -> Outcome[None]:
        """Assign values in one call; read them back, for `Done` does not prove it.

        Args:
            fields: field ids by name, as `fields` returned them.
            merge: False drops all other values of each document.
        """
        for name in sorted({name for row in assignments for name in row.values}):
            if not is_id(fields.get(name, "")):
                return Rejected(messages.UNKNOWN_FIELD(what="assign metadata", name=name))
        # One that is no id would end the batch in silence (docs/dify-api.md section 16).
        for row in assignments:
            if not is_id(row.document_id):
                return Rejected(messages.BAD_ID(what="assign metadata", id=row.document_id))
        batch = [
            DocumentValues(
                document_id=row.document_id,
                merge=merge,
                values=[
                    Value(field_id=fields[name], name=name, value=self._typed(fields[name], value))
                    for name, value in row.values.items()
                ],
            )
            for row in assignments
        ]
        return await self._client.metadata.assign(base_id, batch)

    def _typed(self, field_id: str, value: MetadataValue | None) -> MetadataValue | None:
        """Give a number that was read as text back as the number it was."""
        if not isinstance(value, str) or self.field_kind(field_id) not in NUMERIC:
            return value
        try:
            return int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            return value


def _the_one(what: str, asked: str, found: Outcome[R]) -> Outcome[R]:
    """Return `found` unless it is about another id than was asked for: then nothing is known."""
    if isinstance(found, Done) and found.value.id.lower() != asked.lower():
        return errors.another_id(what)
    return found


def _uploaded(payload: Payload) -> Callable[[UploadReply], Uploaded]:
    return lambda reply: Uploaded(
        document=to_model.document(reply.document), batch=reply.batch, content=payload.content
    )


if TYPE_CHECKING:
    _PORT: type[Remote] = DifyRemote
