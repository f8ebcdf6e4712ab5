"""The whole knowledge API of one server, by subject."""

from __future__ import annotations

from types import TracebackType

import httpx

from kbsync.dify.access import Access
from kbsync.dify.api.chunks import ChildChunks, Chunks
from kbsync.dify.api.documents import Documents
from kbsync.dify.api.knowledge_bases import KnowledgeBases
from kbsync.dify.api.metadata import Metadata
from kbsync.dify.api.pipelines import Pipelines
from kbsync.dify.api.search import Search
from kbsync.dify.api.tags import Tags
from kbsync.dify.capabilities import Alternatives, Observed, route_is_missing
from kbsync.dify.file_download import FileDownload
from kbsync.dify.http import Exchange
from kbsync.dify.transport import open_http
from kbsync.dify.way import way_to
from kbsync.model import Done, Rejected, Unauthorized


class DifyClient:
    """Every call of docs/dify-api.md section 2; each returns an `Outcome` and none raises.

    Use it as an async context manager, in the event loop that makes the calls::

        async with DifyClient(access) as client:
            outcome = await client.bases.list(keyword="Docs")

    Args:
        access: the server and key.
        transport: used instead of the network, e.g. `httpx.ASGITransport` for a server in process.

    Raises:
        Problem: a proxy, or certificate authorities, that cannot be used.
    """

    def __init__(self, access: Access, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.access = access
        self.observed = Observed()
        way = way_to(access, network=transport is None)
        self.where = way.where
        self._http = open_http(way, transport)
        exchange = Exchange(way, self._http, self.observed.see)
        self.waits = exchange.pending.waits
        self.traffic = exchange.traffic
        self.alternatives = Alternatives(self.observed, self._answers)
        self.bases = KnowledgeBases(exchange, self.alternatives)
        files = FileDownload(access, self._http, exchange)
        self.documents = Documents(exchange, self.alternatives, files)
        self.chunks = Chunks(exchange)
        self.child_chunks = ChildChunks(exchange)
        self.metadata = Metadata(exchange, self.alternatives)
        self.pipelines = Pipelines(exchange, self.alternatives)
        self.tags = Tags(exchange, self.alternatives)
        self.search = Search(exchange, self.alternatives)

    async def __aenter__(self) -> DifyClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _answers(self) -> bool:
        """Whether the address is right: every version has the list of knowledge bases."""
        listed = await self.bases.list(limit=1)
        # A key that is bound to one base is refused there in the API's own words.
        refused = isinstance(listed, Unauthorized | Rejected) and not route_is_missing(listed)
        return isinstance(listed, Done) or refused
