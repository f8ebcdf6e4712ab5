"""Calls about documents (docs/dify-api.md sections 4 to 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsync.dify.capabilities import Alternatives
from kbsync.dify.file_download import FileDownload, Sink
from kbsync.dify.http import Exchange, mapped
from kbsync.dify.multipart import Multipart, is_sendable
from kbsync.dify.paging import PAGE_LIMIT, page_params, row_of, rows_named
from kbsync.dify.request import Subject, read, write
from kbsync.dify.schemas import (
    Document,
    FileAddress,
    Indexing,
    ListPage,
    Many,
    UploadReply,
)
from kbsync.engine.ports import Payload
from kbsync.messages import remote as messages
from kbsync.model import Capability, Done, Gone, NotSent, Original, Outcome, Rejected
from kbsync.model.capabilities import since


class Documents:
    """Every call returns an `Outcome`. Ids are UUIDs; `options` are the API's own ``data`` keys."""

    def __init__(self, exchange: Exchange, alternatives: Alternatives, files: FileDownload) -> None:
        self._exchange = exchange
        self._alternatives = alternatives
        self._files = files

    async def create_by_file(
        self, base_id: str, name: str, payload: Payload, options: Mapping[str, object]
    ) -> Outcome[UploadReply]:
        """Create a document, or write over the enabled one of the same name (4.7)."""
        path = ("datasets", base_id, "document", self._spelled("create-by-file"))
        return await self._upload("create document", "POST", path, name, payload, options)

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
        document = ("datasets", base_id, "documents", document_id)
        if not self._alternatives.has(Capability.PATCH_DOCUMENT):
            path = (*document, self._spelled("update-by-file"))
            return await self._upload("update document", "POST", path, name, payload, options)
        outcome = await self._upload("update document", "PATCH", document, name, payload, options)
        # The payload can be read only once: the next try takes the older route.
        if await self._alternatives.missing(Capability.PATCH_DOCUMENT, outcome):
            return NotSent(messages.OTHER_ROUTE(what="update document"))
        return outcome

    def _spelled(self, route: str) -> str:
        """Return the name of a route as this server spells it; all know underscores."""
        hyphens = self._alternatives.has(Capability.HYPHEN_ROUTES)
        return route if hyphens else route.replace("-", "_")

    async def _upload(
        self,
        what: str,
        method: str,
        path: tuple[str, ...],
        name: str,
        payload: Payload | None,
        options: Mapping[str, object],
    ) -> Outcome[UploadReply]:
        # It would arrive as another name, which no later search would find.
        if not is_sendable(name):
            return Rejected(messages.UNSENDABLE_NAME(what=what, name=name))
        call = write(what, Subject.UPLOAD, method, *path)
        upload = Multipart(name, payload, options)
        return await self._exchange.ask(call, UploadReply, upload=upload)

    async def create_by_text(
        self, base_id: str, name: str, text: str, options: Mapping[str, object]
    ) -> Outcome[UploadReply]:
        """Create from text; `options` need ``indexing_technique`` every time (4.2)."""
        path = ("datasets", base_id, "document", self._spelled("create-by-text"))
        call = write("create document", Subject.UPLOAD, "POST", *path)
        body = {**options, "name": name, "text": text}
        return await self._exchange.ask(call, UploadReply, json=body)

    async def update_by_text(
        self, base_id: str, document_id: str, name: str, text: str, options: Mapping[str, object]
    ) -> Outcome[UploadReply]:
        """Replace content and name by text; an empty text counts as none (section 5)."""
        route = self._spelled("update-by-text")
        path = ("datasets", base_id, "documents", document_id, route)
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

    async def get(self, base_id: str, document_id: str, *, name: str = "") -> Outcome[Document]:
        """Return one by id: the only proof of absence (6.3).

        A server that cannot get one (before 1.5.1) is asked for the name, and if that does not
        find it for all its documents: a document may have been renamed there.

        Args:
            name: the document's, as far as it is known.
        """
        path = ("datasets", base_id, "documents", document_id)
        call = read("get document", Subject.DOCUMENT, *path)
        return await self._alternatives.choose(
            Capability.GET_DOCUMENT,
            lambda: self._exchange.ask(call, Document),
            lambda: self._listed(base_id, document_id, name),
        )

    async def _listed(self, base_id: str, document_id: str, name: str) -> Outcome[Document]:
        """Look for it by name, then among all documents, which proves absence."""
        if name:
            named = await row_of(
                document_id, lambda page: self.list(base_id, page=page, keyword=name)
            )
            if not isinstance(named, Gone):
                return named
        return await row_of(document_id, lambda page: self.list(base_id, page=page))

    async def original(
        self, base_id: str, document_id: str, *, largest: int, into: Sink | None = None
    ) -> Outcome[Original]:
        """Return the hash and size of the bytes a document was made of (6.6).

        Args:
            largest: no more bytes than this are read.
            into: gets the bytes; None: they are hashed and dropped.
        """
        path = ("datasets", base_id, "documents", document_id, "download")
        call = read("download document", Subject.DOCUMENT, *path)
        address = await self._alternatives.choose(
            Capability.DOWNLOAD, lambda: self._exchange.ask(call, FileAddress), self._no_downloads
        )
        if not isinstance(address, Done):
            return address
        return await self._files.hashed(call, address.value.url, largest, into)

    async def _no_downloads(self) -> Outcome[FileAddress]:
        version = self._alternatives.version or "of a version it does not tell"
        needed = since(Capability.DOWNLOAD)
        return Rejected(
            messages.NO_DOWNLOADS(what="download document", version=version, needed=needed)
        )

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
        return await self._alternatives.require(
            Capability.SWITCH,
            call.what,
            lambda: self._exchange.tell(call, json={"document_ids": list(document_ids)}),
        )
