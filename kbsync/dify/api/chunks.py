"""Calls about chunks, which the API calls segments (docs/dify-api.md section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsync.dify.http import Exchange, mapped
from kbsync.dify.paging import PAGE_LIMIT, page_params
from kbsync.dify.request import Subject, read, write
from kbsync.dify.schemas import ChildChunk, ChunkRow, ListPage, Many, One
from kbsync.model import Outcome


class Chunks:
    """The chunks of one knowledge base's documents."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list(
        self,
        base_id: str,
        document_id: str,
        *,
        page: int = 1,
        limit: int = PAGE_LIMIT,
        keyword: str = "",
        status: str | None = None,
    ) -> Outcome[ListPage[ChunkRow]]:
        """Return one page in order of position; `status` is a chunk's ``indexing_status``."""
        params = page_params(page, limit, keyword, status)
        call = read("list chunks", Subject.CHUNK, *_segments(base_id, document_id))
        return await self._exchange.ask(call, ListPage[ChunkRow], params=params)

    async def add(
        self, base_id: str, document_id: str, chunks: Sequence[Mapping[str, object]]
    ) -> Outcome[Sequence[ChunkRow]]:
        """Add chunks behind the last one; check each one's `status` (section 16).

        Args:
            chunks: objects with ``content`` and, if wanted, ``answer`` and a list ``keywords``.
        """
        call = write("add chunks", Subject.CHUNK, "POST", *_segments(base_id, document_id))
        body = {"segments": [dict(chunk) for chunk in chunks]}
        reply = await self._exchange.ask(call, Many[ChunkRow], json=body)
        return mapped(reply, lambda many: many.rows)

    async def get(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[ChunkRow]:
        """Return one; the server does not check that it is of that document."""
        call = read("get chunk", Subject.CHUNK, *_segments(base_id, document_id), chunk_id)
        return mapped(await self._exchange.ask(call, One[ChunkRow]), lambda one: one.data)

    async def change(
        self, base_id: str, document_id: str, chunk_id: str, changes: Mapping[str, object]
    ) -> Outcome[ChunkRow]:
        """Change one in place; in high quality search may then miss it (section 16)."""
        path = (*_segments(base_id, document_id), chunk_id)
        call = write("change chunk", Subject.CHUNK, "POST", *path)
        reply = await self._exchange.ask(call, One[ChunkRow], json={"segment": dict(changes)})
        return mapped(reply, lambda one: one.data)

    async def delete(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        """Delete one."""
        path = (*_segments(base_id, document_id), chunk_id)
        return await self._exchange.tell(write("delete chunk", Subject.CHUNK, "DELETE", *path))


class ChildChunks:
    """The children of a chunk in a hierarchical document."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list(
        self,
        base_id: str,
        document_id: str,
        chunk_id: str,
        *,
        page: int = 1,
        limit: int = PAGE_LIMIT,
        keyword: str = "",
    ) -> Outcome[ListPage[ChildChunk]]:
        """Return one page; `limit` is 1 to 100."""
        params = page_params(page, limit, keyword)
        call = read("list child chunks", Subject.CHUNK, *_children(base_id, document_id, chunk_id))
        return await self._exchange.ask(call, ListPage[ChildChunk], params=params)

    async def add(
        self, base_id: str, document_id: str, chunk_id: str, content: str
    ) -> Outcome[ChildChunk]:
        """Add one behind the last."""
        path = _children(base_id, document_id, chunk_id)
        call = write("add child chunk", Subject.CHUNK, "POST", *path)
        reply = await self._exchange.ask(call, One[ChildChunk], json={"content": content})
        return mapped(reply, lambda one: one.data)

    async def change(
        self, base_id: str, document_id: str, chunk_id: str, child_id: str, content: str
    ) -> Outcome[ChildChunk]:
        """Change one's content."""
        path = (*_children(base_id, document_id, chunk_id), child_id)
        call = write("change child chunk", Subject.CHUNK, "PATCH", *path)
        reply = await self._exchange.ask(call, One[ChildChunk], json={"content": content})
        return mapped(reply, lambda one: one.data)

    async def delete(
        self, base_id: str, document_id: str, chunk_id: str, child_id: str
    ) -> Outcome[None]:
        """Delete one."""
        path = (*_children(base_id, document_id, chunk_id), child_id)
        return await self._exchange.tell(
            write("delete child chunk", Subject.CHUNK, "DELETE", *path)
        )


def _segments(base_id: str, document_id: str) -> tuple[str, ...]:
    return ("datasets", base_id, "documents", document_id, "segments")


def _children(base_id: str, document_id: str, chunk_id: str) -> tuple[str, ...]:
    return (*_segments(base_id, document_id), chunk_id, "child_chunks")
