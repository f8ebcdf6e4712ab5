"""Calls about documents (docs/dify-api.md sections 4 to 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsync.dify.http import Exchange, mapped
from kbsync.dify.multipart import Multipart, is_sendable
from kbsync.dify.paging import PAGE_LIMIT, page_params, rows_named
from kbsync.dify.request import Subject, read, write
from kbsync.dify.schemas import Document, Indexing, ListPage, Many, UploadReply
from kbsync.engine.ports import Payload
from kbsync.messages import remote as messages
from kbsync.model import Outcome, Rejected


class Documents:
    """Every call returns an `Outcome`. Ids are UUIDs; `options` are the API's own ``data`` keys."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create_by_file(
        self, base_id: str, name: str, payload: Payload, options: Mapping[str, object]
    ) -> Outcome[UploadReply]:
        """Create a document, or write over the enabled one of the same name (4.7)."""
        path = ("datasets", base_id, "document", "create-by-file")
        return await self._upload("create document", path, name, payload, options)

    async def update_by_file(
        self,
        base_id: str,
        document_id: str,
        name: str,
        payload: Payload | None,
        options: Mapping[str, object],
    ) -> Outcome[UploadReply]:
        """Replace a document's content and name; wedges 1.12.0 and 1.12.1 (section 5).

        Args:
            payload: None chunks the stored file again; `options` then need a ``process_rule``.
        """
        path = ("datasets", base_id, "documents", document_id, "update-by-file")
        return await self._upload("update document", path, name, payload, options)

    async def _upload(
        self,
        what: str,
        path: tuple[str, ...],
        name: str,
        payload: Payload | None,
        options: Mapping[str, object],
    ) -> Outcome[UploadReply]:
        # It would arrive as another name, which no later search would find.
        if not is_sendable(name):
            return Rejected(messages.UNSENDABLE_NAME(what=what, name=name))
        call = write(what, Subject.UPLOAD, "POST", *path)
        upload = Multipart(name, payload, options)
        return await self._exchange.ask(call, UploadReply, upload=upload)

    async def create_by_text(
        self, base_id: str, name: str, text: str, options: Mapping[str, object]
    ) -> Outcome[UploadReply]:
        """Create from text; `options` need ``indexing_technique`` every time (4.2)."""
        path = ("datasets", base_id, "document", "create-by-text")
        call = write("create document", Subject.UPLOAD, "POST", *path)
        body = {**options, "name": name, "text": text}
        return await self._exchange.ask(call, UploadReply, json=body)

    async def update_by_text(
        self, base_id: str, document_id: str, name: str, text: str, options: Mapping[str, object]
    ) -> Outcome[UploadReply]:
        """Replace content and name by text; an empty text counts as none (section 5)."""
        path = ("datasets", base_id, "documents", document_id, "update-by-text")
        call = write("update document", Subject.UPLOAD, "POST", *path)
        body = {**options, "name": name, "text": text}
        return await self._exchange.ask(call, UploadReply, json=body)

    async def list(
        self,
        base_id: str,
        *,
        page: int = 1,
        limit: int = PAGE_LIMIT,
        keyword: str = "",
        status: str | None = None,
    ) -> Outcome[ListPage[Document]]:
        """Return one page, newest first (6.2).

        Args:
            limit: at most 100 is sent: more would silently truncate.
            keyword: part of the name; ``%`` and ``_`` are wildcards, and cannot be escaped.
            status: a display status; the server ignores unknown ones.
        """
        params = page_params(page, limit, keyword, status)
        call = read("list documents", Subject.DOCUMENT, "datasets", base_id, "documents")
        return await self._exchange.ask(call, ListPage[Document], params=params)

    async def named(self, base_id: str, name: str) -> Outcome[tuple[Document, ...]]:
        """Return every document of exactly this name."""
        return await rows_named(name, lambda page: self.list(base_id, page=page, keyword=name))

    async def get(self, base_id: str, document_id: str) -> Outcome[Document]:
        """Return one by id: the only proof of absence (6.3)."""
        path = ("datasets", base_id, "documents", document_id)
        return await self._exchange.ask(read("get document", Subject.DOCUMENT, *path), Document)

    async def indexing(self, base_id: str, batch: str) -> Outcome[Sequence[Indexing]]:
        """Return how far a batch is; a superseded batch is `Gone` (6.1)."""
        path = ("datasets", base_id, "documents", batch, "indexing-status")
        call = read("ask for indexing status", Subject.DOCUMENT, *path)
        return mapped(await self._exchange.ask(call, Many[Indexing]), lambda many: many.rows)

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        """Delete one in any state but archived (6.4)."""
        path = ("datasets", base_id, "documents", document_id)
        return await self._exchange.tell(
            write("delete document", Subject.DOCUMENT, "DELETE", *path)
        )

    async def switch(self, base_id: str, action: str, document_ids: Sequence[str]) -> Outcome[None]:
        """Switch documents (6.5); one that cannot be switched stops the rest.

        Args:
            action: ``enable``, ``disable``, ``archive`` or ``un_archive``.
            document_ids: unknown ones are skipped by the server without a word.
        """
        path = ("datasets", base_id, "documents", "status", action)
        call = write(f"{action} document", Subject.SWITCH, "PATCH", *path)
        return await self._exchange.tell(call, json={"document_ids": list(document_ids)})
