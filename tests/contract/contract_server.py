"""A server under contract and a knowledge base of our own on it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import httpx
from abilities import Ability, can

Json = dict[str, Any]

AUTOMATIC: Json = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}
KEYWORD_SEARCH: Json = {
    "search_method": "keyword_search",
    "reranking_enable": False,
    "top_k": 10,
    "score_threshold_enabled": False,
}
NOWHERE = "00000000-0000-4000-8000-000000000009"
PATIENCE = 100.0  # seconds without any progress
ATTEMPTS = 3
# What the code after a release goes on telling, and the release it is like.
LAST, NEXT = "1.16.1", "1.17.0"


def custom(max_tokens: int = 500, separator: str = "\n\n") -> Json:
    """Return options with chunk rules of our own."""
    rules = {
        "pre_processing_rules": [],
        "segmentation": {"separator": separator, "max_tokens": max_tokens, "chunk_overlap": 0},
    }
    return {
        "indexing_technique": "economy",
        "process_rule": {"mode": "custom", "rules": rules},
    }


@dataclass
class Server:
    """One server. `kind`: ``in process``, ``tcp``, ``quirky`` or ``real``.

    `version` is what it tells, `like` the version whose abilities it has where that is another.
    """

    kind: str
    http: httpx.AsyncClient
    url: str
    key: str
    transport: httpx.AsyncBaseTransport | None = None
    version: str | None = None
    like: str | None = None
    made: list[str] = field(default_factory=list)

    def can(self, ability: Ability) -> bool:
        """Whether a server of this version has this ability."""
        return can(self.like or self.version, ability)

    async def embeds(self) -> bool:
        """Whether the server has a model for embeddings (section 11)."""
        reply = await self.http.get("/workspaces/current/models/model-types/text-embedding")
        assert reply.status_code == 200, reply.text
        return bool(reply.json()["data"])

    async def look(self) -> None:
        """See which of two versions it is, if it tells the one that the code after it tells too.

        They differ in their reply to metadata of a document that is not there.
        """
        if self.version == LAST:
            reply = await (await self.new_base()).assign(NOWHERE)
            assert reply.status_code in (400, 404), reply.text
            self.like = NEXT if reply.status_code == 404 else None

    async def new_base(self, **words: Any) -> Base:
        """Make a knowledge base that is removed after the test."""
        name = words.pop("name", f"kbsync contract {uuid.uuid4().hex[:12]}")
        reply = await self.http.post("/datasets", json={"name": name} | words)
        assert reply.status_code == 200, reply.text
        body: Json = reply.json()
        self.made.append(body["id"])
        return Base(self, body["id"], name)

    async def remove(self, since: int) -> None:
        """Delete what was made since `made` had that length, and see that it is gone."""
        for base_id in self.made[since:]:
            await self.http.delete(f"/datasets/{base_id}")
            left = await self.http.get(f"/datasets/{base_id}/documents")
            # A server that is limiting us cannot say; 200 it must not.
            assert left.status_code != 200, f"{base_id} is still there"
        del self.made[since:]


@dataclass
class Base:
    """One knowledge base of ours."""

    server: Server
    id: str
    name: str

    @property
    def http(self) -> httpx.AsyncClient:
        return self.server.http

    @property
    def url(self) -> str:
        return f"/datasets/{self.id}"

    def can(self, ability: Ability) -> bool:
        return self.server.can(ability)

    def call(self, verb: str, kind: str, document: str | None = None) -> str:
        """Return the address of an upload, in the spelling of the version."""
        word = f"{verb}-by-{kind}" if self.can(Ability.HYPHENS) else f"{verb}_by_{kind}"
        return f"{self.url}/{'document' if document is None else f'documents/{document}'}/{word}"

    async def shown(self) -> Json:
        """Return the base, by itself or out of the list of bases."""
        if self.can(Ability.GET_BASE):
            return await self._json("")
        reply = await self.http.get("/datasets", params={"limit": 100})
        return next(row for row in reply.json()["data"] if row["id"] == self.id)

    async def upload(
        self,
        name: str,
        content: bytes | str = "some words to find",
        options: Mapping[str, Any] | None = AUTOMATIC,
        **more: Any,
    ) -> httpx.Response:
        """Create by file; `options` None sends no ``data`` at all."""
        raw = content.encode() if isinstance(content, str) else content
        return await self.http.post(
            self.call("create", "file"),
            files={"file": (name, raw, "text/plain")},
            data={} if options is None else {"data": json.dumps({**options, **more})},
        )

    async def text(self, name: str, text: str, **more: Any) -> httpx.Response:
        """Create by text."""
        return await self.http.post(
            self.call("create", "text"),
            json={"name": name, "text": text, **AUTOMATIC, **more},
        )

    async def update(
        self,
        document: str,
        name: str | None,
        content: bytes | str = "other words to find",
        options: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """Update by file; `name` None sends no file."""
        raw = content.encode() if isinstance(content, str) else content
        files: Any = {"file": (name, raw, "text/plain")} if name is not None else None
        if files is None:
            files = {"data": (None, json.dumps(options or {}))}
            data = {}
        else:
            data = {} if options is None else {"data": json.dumps(options)}
        return await self.http.post(self.call("update", "file", document), files=files, data=data)

    async def indexed(
        self,
        name: str = "a.md",
        content: bytes | str = "some words to find",
        options: Mapping[str, Any] | None = AUTOMATIC,
        **more: Any,
    ) -> Json:
        """Create by file and wait for it; return the document as `get` shows it."""
        reply = await self.upload(name, content, options, **more)
        assert reply.status_code == 200, reply.text
        return await self.settled(reply.json()["document"]["id"])

    async def settled(self, document: str) -> Json:
        """Wait until a document is completed or in error, as long as anything moves."""
        seen: object = None
        quiet_since = time.monotonic()
        pause = 0.01
        while True:
            found = await self._polled(document)
            if found["indexing_status"] in ("completed", "error"):
                return found
            now = (found["indexing_status"], found.get("segment_count"), found["display_status"])
            if now != seen:
                seen, quiet_since = now, time.monotonic()
            assert time.monotonic() - quiet_since < PATIENCE, f"no progress: {found}"
            await anyio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def _polled(self, document: str) -> Json:
        """Get a document whose chunks may go away meanwhile: a real server can fail then (6.3)."""
        if not self.can(Ability.GET_DOCUMENT):
            return await self.row(document)
        for _ in range(ATTEMPTS):
            reply = await self.http.get(f"{self.url}/documents/{document}")
            if self.server.kind != "real" or reply.status_code != 500:
                break
        assert reply.status_code == 200, reply.text
        return cast(Json, reply.json())

    async def get(self, document: str) -> Json:
        """Return the document, by itself or out of the list, whose rows show less."""
        if self.can(Ability.GET_DOCUMENT):
            return await self._json(f"/documents/{document}")
        return await self.row(document)

    async def appears(self, name: str) -> None:
        """Wait until a document of this name is listed."""
        with anyio.fail_after(PATIENCE):
            while True:
                if await self.listed(keyword=name):
                    return
                await anyio.sleep(0.02)

    async def listed(self, **params: Any) -> list[Json]:
        return cast("list[Json]", (await self._json("/documents", **params))["data"])

    async def row(self, document: str) -> Json:
        return next(row for row in await self.listed(limit=100) if row["id"] == document)

    async def chunks(self, document: str) -> list[str]:
        found = await self._json(f"/documents/{document}/segments", limit=100)
        return [row["content"] for row in sorted(found["data"], key=lambda row: row["position"])]

    async def search(self, query: str) -> list[str]:
        body = {"query": query, "retrieval_model": KEYWORD_SEARCH}
        reply = await self.http.post(f"{self.url}/retrieve", json=body)
        assert reply.status_code == 200, reply.text
        return [record["segment"]["content"] for record in reply.json()["records"]]

    async def switch(self, action: str, *documents: str) -> httpx.Response:
        return await self.http.patch(
            f"{self.url}/documents/status/{action}", json={"document_ids": list(documents)}
        )

    async def field(self, name: str, type: str = "string") -> str:
        reply = await self.http.post(f"{self.url}/metadata", json={"type": type, "name": name})
        assert reply.status_code == 201, reply.text
        return cast(str, reply.json()["id"])

    async def assign(self, document: str, *values: Json, merge: bool = False) -> httpx.Response:
        row: Json = {"document_id": document, "metadata_list": list(values)}
        if merge:
            row["partial_update"] = True
        body = {"operation_data": [row]}
        return await self.http.post(f"{self.url}/documents/metadata", json=body)

    async def values(self, document: str) -> dict[str, Any]:
        """Return a document's own metadata values by name."""
        rows = (await self.get(document))["doc_metadata"] or []
        return {row["name"]: row["value"] for row in rows if row["id"] != "built-in"}

    async def _json(self, path: str, **params: Any) -> Json:
        reply = await self.http.get(self.url + path, params=params)
        assert reply.status_code == 200, reply.text
        return cast(Json, reply.json())


def rev(document: Json) -> str:
    """Return the id of a document's file, from a get or a row."""
    info = document["data_source_info"]
    return cast(str, info.get("upload_file_id") or info["upload_file"]["id"])


Quirky = Callable[..., AbstractAsyncContextManager[Server]]


def refused(reply: httpx.Response, status: int, code: str, message: str | None = None) -> None:
    """Assert that `reply` is this refusal in the API's envelope (docs/dify-api.md 1.2)."""
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert body["code"] == code, body
    assert body["status"] == status
    if message is not None:
        assert body["message"].startswith(message), body


def emptied(reply: httpx.Response) -> None:
    """Assert that `reply` is a success without content, in any version's way (1.3)."""
    assert reply.status_code in (200, 204), reply.text
    assert reply.text.strip() in ("204", "200", "") or reply.json() == {"result": "success"}
