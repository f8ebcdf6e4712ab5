"""The knowledge base that is exported: every call of an export, behind the server's throttle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NoReturn

from kbsync.dify.client import DifyClient
from kbsync.dify.file_download import Sink
from kbsync.dify.paging import PAGE_LIMIT
from kbsync.dify.schemas import ChildChunk, ChunkRow, Document, KnowledgeBaseRow, ListPage
from kbsync.engine.workers.throttled_calls import ThrottledCalls
from kbsync.messages import Notice, Problem
from kbsync.messages import command as command_say
from kbsync.model import (
    Capability,
    Done,
    Failure,
    Gone,
    Original,
    Outcome,
    Throttled,
)

# The hierarchical form: a chunk has children.
HIERARCHICAL = "hierarchical_model"


class SourceBase:
    """One knowledge base, as an export reads it.

    Args:
        api: of its server.
        calls: the throttle of that.
        id: of the base.
    """

    def __init__(self, api: DifyClient, calls: ThrottledCalls, id: str) -> None:
        self._api = api
        self._calls = calls
        self.id = id

    def able(self, capability: Capability) -> bool:
        """Whether the server may be able to do it: nothing says that it is not."""
        return self._api.observed.now.state(capability) is not False

    async def row(self) -> KnowledgeBaseRow:
        """Return the base itself.

        Raises:
            Problem: it is not there, or the server could not be asked.
        """
        found = await self._calls.read("the knowledge base", lambda: self._api.bases.get(self.id))
        return found.value if isinstance(found, Done) else refused("get", found)

    async def fields(self) -> Mapping[str, str]:
        """Return the types of its metadata fields by name; empty where there are none to be had."""
        if not self.able(Capability.METADATA):
            return {}
        found = await self._calls.read(
            "the metadata fields", lambda: self._api.metadata.fields(self.id)
        )
        return (
            {each.name: each.type for each in found.value.fields} if isinstance(found, Done) else {}
        )

    async def tags(self) -> Sequence[str]:
        """Return the names of its tags; empty where they cannot be had (section 9)."""
        found = await self._calls.read("the tags", lambda: self._api.bases.tags(self.id))
        return [each.name for each in found.value] if isinstance(found, Done) else []

    async def page(self, number: int) -> ListPage[Document]:
        """Return one page of its documents, from 1.

        Raises:
            Problem: the server could not be asked.
        """
        found = await self._calls.read(
            "the list of documents", lambda: self._api.documents.list(self.id, page=number)
        )
        return found.value if isinstance(found, Done) else refused("list documents", found)

    async def document(self, document: str) -> Outcome[Document]:
        """Get a document by id."""
        return await self._calls.read(
            "a document", lambda: self._api.documents.get(self.id, document)
        )

    async def is_gone(self, document: str) -> bool:
        """Whether a document is not there although its base is.

        Raises:
            Problem: the base is gone, or the server could not be asked.
        """
        if not isinstance(await self.document(document), Gone):
            return False
        await self.row()
        # A server that was away for a moment may be back between two calls.
        return isinstance(await self.document(document), Gone)

    async def original(self, document: str, *, largest: int, into: Sink) -> Outcome[Original]:
        """Write the bytes a document was made of, at most `largest`; it counts like a write."""
        return await self._calls.read(
            "the file of a document",
            lambda: self._api.documents.original(self.id, document, largest=largest, into=into),
            counted=True,
        )

    async def chunks(self, document: str, number: int) -> Outcome[ListPage[ChunkRow]]:
        """Return one page of a document's chunks, from 1; old servers return all of them."""
        return await self._calls.read(
            "the chunks of a document",
            lambda: self._api.chunks.list(self.id, document, page=number),
        )

    async def children(self, document: str, chunk: str) -> AsyncIterator[ChildChunk]:
        """Yield the children of a chunk; none where the server cannot be asked for them."""
        number, rows = 1, PAGE_LIMIT
        while rows == PAGE_LIMIT:
            page = number
            found = await self._calls.read(
                "the child chunks of a chunk",
                lambda page=page: self._api.child_chunks.list(  # type: ignore[misc]
                    self.id, document, chunk, page=page
                ),
            )
            if not isinstance(found, Done):
                return
            for row in found.value.rows:
                yield row
            number, rows = number + 1, len(found.value.rows)


def refused(purpose: str, failure: Failure) -> NoReturn:
    """End the export for a call that nothing can go on without.

    Raises:
        Problem: always.
    """
    raise Problem(reason_of(purpose, failure))


def reason_of(purpose: str, failure: Failure) -> Notice:
    """Return why a call brought nothing."""
    match failure:
        case Gone():
            return command_say.NOT_THERE(call=f"kbsync export: {purpose}")
        case Throttled(after=after):
            return command_say.RESTING(call=f"kbsync export: {purpose}", seconds=f"{after:.0f}")
    return failure.why
