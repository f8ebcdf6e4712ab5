"""A small client for these tests: one knowledge base and the calls the tests repeat."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
from canary import KEY

from kbsync.embedded import embedded_app

AUTOMATIC: dict[str, Any] = {
    "indexing_technique": "economy",
    "process_rule": {"mode": "automatic"},
}
KEYWORD_SEARCH = {
    "search_method": "keyword_search",
    "reranking_enable": False,
    "top_k": 3,
    "score_threshold_enabled": False,
}

NAMED = {"embedding_model_provider": "kbsync", "embedding_model": "hashed-words"}
HIGH: dict[str, Any] = {"indexing_technique": "high_quality", **NAMED}
SEMANTIC = {
    "search_method": "semantic_search",
    "reranking_enable": False,
    "top_k": 3,
    "score_threshold_enabled": False,
}


def custom(separator: str = "\n\n", max_tokens: int = 500, **rules: Any) -> dict[str, Any]:
    segmentation = {"separator": separator, "max_tokens": max_tokens, "chunk_overlap": 0}
    given = {"pre_processing_rules": [], "segmentation": segmentation} | rules
    return {
        "indexing_technique": "economy",
        "process_rule": {"mode": "custom", "rules": given},
    }


class Base:
    """One knowledge base on one embedded server."""

    def __init__(self, http: httpx.AsyncClient, base_id: str) -> None:
        self.http = http
        self.id = base_id
        self.url = f"/datasets/{base_id}"

    async def upload(
        self, name: str, content: bytes | str, options: Mapping[str, Any] | None = AUTOMATIC
    ) -> httpx.Response:
        raw = content.encode() if isinstance(content, str) else content
        fields = {} if options is None else {"data": json.dumps(options)}
        return await self.http.post(
            f"{self.url}/document/create-by-file",
            files={"file": (name, raw, "text/plain")},
            data=fields,
        )

    async def update(
        self, document: str, name: str, content: str, options: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        fields = {} if options is None else {"data": json.dumps(options)}
        return await self.http.post(
            f"{self.url}/documents/{document}/update-by-file",
            files={"file": (name, content.encode(), "text/plain")},
            data=fields,
        )

    async def indexed(
        self, name: str, content: bytes | str, options: Mapping[str, Any] | None = AUTOMATIC
    ) -> str:
        """Upload and wait; the id of the document."""
        reply = await self.upload(name, content, options)
        assert reply.status_code == 200, reply.text
        document: str = reply.json()["document"]["id"]
        await self.settled(document)
        return document

    async def get(self, document: str) -> Any:
        reply = await self.http.get(f"{self.url}/documents/{document}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def settled(self, document: str) -> Any:
        return await self.reaches(document, "completed", "error")

    async def reaches(self, document: str, *statuses: str) -> Any:
        with anyio.fail_after(20):
            while True:
                found = await self.get(document)
                if found["indexing_status"] in statuses:
                    return found
                await anyio.sleep(0.01)

    async def chunks(self, document: str) -> list[str]:
        reply = await self.http.get(
            f"{self.url}/documents/{document}/segments", params={"limit": 100}
        )
        assert reply.status_code == 200, reply.text
        return [segment["content"] for segment in reply.json()["data"]]

    async def search(self, query: str, **model: Any) -> list[str]:
        reply = await self.http.post(
            f"{self.url}/retrieve",
            json={"query": query, "retrieval_model": KEYWORD_SEARCH | model},
        )
        assert reply.status_code == 200, reply.text
        return [record["segment"]["content"] for record in reply.json()["records"]]

    async def names(self, **params: Any) -> list[str]:
        reply = await self.http.get(f"{self.url}/documents", params=params)
        assert reply.status_code == 200, reply.text
        return [document["name"] for document in reply.json()["data"]]

    async def toggle(self, action: str, *documents: str) -> httpx.Response:
        return await self.http.patch(
            f"{self.url}/documents/status/{action}", json={"document_ids": list(documents)}
        )


@asynccontextmanager
async def running(
    store: Path, quirks: Sequence[str] | Mapping[str, str] = (), **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an embedded server that runs in this process."""
    async with (
        embedded_app(store, api_key=KEY, quirks=quirks, **options) as app,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://embedded/v1",
            headers={"Authorization": f"Bearer {KEY}"},
        ) as http,
    ):
        yield http


@asynccontextmanager
async def new_base(
    store: Path, quirks: Sequence[str] | Mapping[str, str] = (), **options: Any
) -> AsyncIterator[Base]:
    """A knowledge base on a server of its own."""
    async with running(store, quirks, **options) as http:
        yield await make_base(http)


async def make_base(http: httpx.AsyncClient, name: str = "Docs") -> Base:
    reply = await http.post("/datasets", json={"name": name})
    assert reply.status_code == 200, reply.text
    return Base(http, reply.json()["id"])


async def high_base(http: httpx.AsyncClient, name: str = "High", **more: Any) -> Base:
    reply = await http.post("/datasets", json={"name": name, **HIGH, **more})
    assert reply.status_code == 200, reply.text
    return Base(http, reply.json()["id"])


async def found(base: Base, query: str, **model: Any) -> list[dict[str, Any]]:
    body: dict[str, Any] = {"query": query}
    if model:
        body["retrieval_model"] = SEMANTIC | model
    reply = await base.http.post(f"{base.url}/retrieve", json=body)
    assert reply.status_code == 200, reply.text
    records: list[dict[str, Any]] = reply.json()["records"]
    return records


def contents(records: list[dict[str, Any]]) -> list[str]:
    return [record["segment"]["content"] for record in records]


def children(record: dict[str, Any]) -> list[str]:
    return [child["content"] for child in record["child_chunks"] or ()]
