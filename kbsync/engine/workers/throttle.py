"""A `Remote` whose every call goes through the throttle of its server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import anyio

from kbsync.engine.ports import (
    Assignment,
    Chunking,
    Clock,
    DocumentPage,
    Payload,
    Remote,
)
from kbsync.engine.workers.pending_call import PendingCall
from kbsync.engine.workers.rate_limiter import WriteLimit
from kbsync.engine.workers.throttled_calls import ThrottledCalls
from kbsync.messages import Notice
from kbsync.model import (
    UNDECLARED,
    Base,
    BaseSettings,
    Capabilities,
    Capability,
    ChunkPage,
    Original,
    Outcome,
    Progress,
    RemoteDocument,
    SearchHit,
    Uploaded,
)


class ThrottledRemote:
    """A `Remote` in front of another one. All mirrors of one server and key share it.

    Args:
        remote: the server.
        limiter: write permits.
        clock: time.
        in_flight: requests at once, reads included; or what others count theirs by, too.
        fence: looked at before each write; why nothing may be written any more.
    """

    def __init__(
        self,
        remote: Remote,
        *,
        limiter: WriteLimit,
        clock: Clock,
        in_flight: int | anyio.Semaphore,
        fence: Callable[[], Notice | None] = lambda: None,
    ) -> None:
        self._remote = remote
        self._calls = calls = ThrottledCalls(
            limiter=limiter, clock=clock, in_flight=in_flight, fence=fence
        )
        self._read, self._write = calls.read, calls.write

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""
        return self._remote.capabilities

    def note(self, capability: Capability, able: bool) -> None:
        """See `Remote.note`."""
        self._remote.note(capability, able)

    def recall(self, known: Capabilities) -> None:
        """See `Remote.recall`."""
        self._remote.recall(known)

    def paused_for(self) -> float:
        """See `Remote.paused_for`."""
        return max(self._remote.paused_for(), self._calls.paused_for())

    @property
    def held_back(self) -> float:
        """Seconds that calls waited for the declared rate, and that servers wanted no writes."""
        return self._calls.held_back

    @property
    def oldest(self) -> PendingCall | None:
        """The call whose answer is waited for longest."""
        return self._calls.oldest

    def waits(self, server: str) -> Notice | None:
        """Return which answer of `server` is waited for; None while no call is made."""
        return self._calls.waits(server)

    async def base(self, base_id: str) -> Outcome[Base]:
        """See `Remote.base`."""
        return await self._read("the knowledge base", lambda: self._remote.base(base_id))

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        """See `Remote.bases_named`."""
        return await self._read(
            "the list of knowledge bases", lambda: self._remote.bases_named(name)
        )

    async def embedding_models(self) -> Outcome[frozenset[str]]:
        """See `Remote.embedding_models`."""
        return await self._read("the list of models", self._remote.embedding_models)

    async def make_base(
        self, name: str, chunking: Chunking, settings: BaseSettings = UNDECLARED
    ) -> Outcome[Base]:
        """See `Remote.make_base`."""
        return await self._write(
            "a new knowledge base", lambda: self._remote.make_base(name, chunking, settings)
        )

    async def change_base(self, base_id: str, settings: BaseSettings) -> Outcome[None]:
        """See `Remote.change_base`."""
        return await self._write(
            "a setting of the knowledge base", lambda: self._remote.change_base(base_id, settings)
        )

    async def tag_base(
        self, base_id: str, *, on: AbstractSet[str], off: AbstractSet[str]
    ) -> Outcome[None]:
        """See `Remote.tag_base`."""
        return await self._write(
            "the tags of the knowledge base",
            lambda: self._remote.tag_base(base_id, on=on, off=off),
        )

    async def page(
        self, base_id: str, number: int, *, status: str | None = None, rows: int = 100
    ) -> Outcome[DocumentPage]:
        """See `Remote.page`."""
        return await self._read(
            "the list of documents",
            lambda: self._remote.page(base_id, number, status=status, rows=rows),
        )

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        """See `Remote.named`."""
        return await self._read(
            "the documents of one name", lambda: self._remote.named(base_id, name)
        )

    async def document(
        self, base_id: str, document_id: str, *, name: str = ""
    ) -> Outcome[RemoteDocument]:
        """See `Remote.document`."""
        return await self._read(
            "a document", lambda: self._remote.document(base_id, document_id, name=name)
        )

    async def original(self, base_id: str, document_id: str, *, largest: int) -> Outcome[Original]:
        """See `Remote.original`."""
        return await self._read(
            "the file of a document",
            lambda: self._remote.original(base_id, document_id, largest=largest),
            counted=True,
        )

    async def old_chunks(self, base_id: str, document_id: str) -> Outcome[bool]:
        """See `Remote.old_chunks`."""
        return await self._read(
            "the chunks of a document", lambda: self._remote.old_chunks(base_id, document_id)
        )

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        """See `Remote.progress`."""
        return await self._read(
            "how far indexing is", lambda: self._remote.progress(base_id, document_id, batch)
        )

    async def chunks(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        """See `Remote.chunks`."""
        return await self._read(
            "the chunks of a document",
            lambda: self._remote.chunks(base_id, document_id, number, rows=rows),
        )

    async def add_chunks(
        self, base_id: str, document_id: str, texts: Sequence[str]
    ) -> Outcome[int]:
        """See `Remote.add_chunks`."""
        return await self._write(
            "the addition of chunks",
            lambda: self._remote.add_chunks(base_id, document_id, texts),
        )

    async def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        """See `Remote.delete_chunk`."""
        return await self._write(
            "the deletion of a chunk",
            lambda: self._remote.delete_chunk(base_id, document_id, chunk_id),
        )

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        """See `Remote.search`."""
        return await self._read(
            "a search",
            lambda: self._remote.search(base_id, query, economy=economy, top=top, rev=rev),
            counted=True,
        )

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        """See `Remote.create`."""
        return await self._write(
            "the answer to an upload",
            lambda: self._remote.create(base_id, name, payload, chunking, duplicate=duplicate),
        )

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        """See `Remote.update`."""
        return await self._write(
            "the answer to an update",
            lambda: self._remote.update(base_id, document_id, name, payload, chunking),
        )

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        """See `Remote.delete`."""
        return await self._write(
            "the answer to a deletion", lambda: self._remote.delete(base_id, document_id)
        )

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        """See `Remote.switch`."""
        return await self._write(
            "the answer to a switch", lambda: self._remote.switch(base_id, document_id, action)
        )

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        """See `Remote.fields`."""
        return await self._read("the metadata fields", lambda: self._remote.fields(base_id))

    def field_kind(self, field_id: str) -> str:
        """See `Remote.field_kind`."""
        return self._remote.field_kind(field_id)

    async def make_field(self, base_id: str, name: str, kind: str = "string") -> Outcome[str]:
        """See `Remote.make_field`."""
        return await self._write(
            "a new metadata field", lambda: self._remote.make_field(base_id, name, kind)
        )

    async def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        """See `Remote.assign`."""
        return await self._write(
            "the answer to marks", lambda: self._remote.assign(base_id, fields, assignments)
        )
