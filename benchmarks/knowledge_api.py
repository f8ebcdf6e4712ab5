"""A stub of the knowledge API: one base in memory, every request counted.

It answers what kbsync asks on its way to an indexed document, as docs/dify-api.md says it, and
nothing else. Its answers cost next to no time, so that what a pace adds is what a client waits for.
The embedded knowledge base is what stands for a server where its own work is to count.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from benchmarks.documents import StoredDocument, StoredDocuments, field_id, identifier
from benchmarks.http_server import Reply, Request, reply
from benchmarks.open_webui import OpenWebui
from benchmarks.pace import PacedQueue

BASE_ID, BASE_NAME = identifier(9, 1), "Docs"
MODEL, PROVIDER = "embedding", "benchmark/models/models"
VERSION = "1.16.1"
COUNTS = "/counts"
_NAME = re.compile(rb'filename="([^"]*)"')
_IDENTIFIERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_BATCHES = re.compile(r"\d{20}")
_ROUTES: list[tuple[str, re.Pattern[str], str]] = [
    ("GET", re.compile(r"/v1/datasets"), "bases"),
    ("POST", re.compile(r"/v1/datasets"), "base"),
    ("GET", re.compile(r"/v1/workspaces/current/models/model-types/[a-z-]+"), "models"),
    ("GET", re.compile(rf"/v1/datasets/{BASE_ID}"), "base"),
    ("GET", re.compile(rf"/v1/datasets/{BASE_ID}/documents"), "listing"),
    ("POST", re.compile(rf"/v1/datasets/{BASE_ID}/document/create[-_]by[-_]file"), "upload"),
    ("GET", re.compile(rf"/v1/datasets/{BASE_ID}/documents/(\d{{20}})/indexing-status"), "status"),
    ("POST", re.compile(rf"/v1/datasets/{BASE_ID}/documents/metadata"), "assign"),
    ("GET", re.compile(rf"/v1/datasets/{BASE_ID}/documents/([0-9a-f-]{{36}})"), "document"),
    ("PATCH", re.compile(rf"/v1/datasets/{BASE_ID}/documents/([0-9a-f-]{{36}})"), "upload"),
    (
        "POST",
        re.compile(rf"/v1/datasets/{BASE_ID}/documents/([0-9a-f-]{{36}})/update[-_]by[-_]file"),
        "upload",
    ),
    ("GET", re.compile(rf"/v1/datasets/{BASE_ID}/documents/([0-9a-f-]{{36}})/segments"), "chunks"),
    ("GET", re.compile(rf"/v1/datasets/{BASE_ID}/metadata"), "fields"),
    ("POST", re.compile(rf"/v1/datasets/{BASE_ID}/metadata"), "field"),
    ("POST", re.compile(rf"/v1/datasets/{BASE_ID}/retrieve"), "search"),
]


class KnowledgeApi:
    """Answers requests, and counts them by method and route.

    Args:
        documents: what the base holds.
        queue: how long answers and indexing take.
        beside: answers what is asked of Open WebUI.
    """

    def __init__(self, documents: StoredDocuments, queue: PacedQueue, beside: OpenWebui) -> None:
        self._beside = beside
        self._documents = documents
        self._queue = queue
        self._fields: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._uploads: list[float] = []

    async def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path == COUNTS:
            return self._counted(request)
        arrived = time.monotonic()
        self._counts[f"{request.method} {_shortened(request.path)}"] += 1
        if request.path.startswith("/api/v1/"):
            return self._beside.handle(request)
        kind, words = _route(request)
        answers: Mapping[str, Callable[..., Reply]] = {
            "bases": lambda _: reply({"data": [self._base()], "total": 1, "has_more": False}),
            "base": lambda _: reply(self._base()),
            "models": lambda _: reply({"data": [{"provider": PROVIDER, "models": _MODELS}]}),
            "listing": self._listing,
            "upload": self._upload,
            "status": self._status,
            "assign": self._assign,
            "document": self._document,
            "chunks": self._chunks,
            "fields": lambda _: reply(self._all_fields()),
            "field": self._field,
            "search": self._search,
        }
        await self._queue.answer(upload=kind == "upload")
        if kind not in answers:
            return reply({"code": "not_found", "message": "Not found.", "status": 404}, 404)
        answered = answers[kind](request, *words)
        if kind == "upload":
            self._uploads += [arrived, time.monotonic()]
        return answered

    def _counted(self, request: Request) -> Reply:
        """Answer what was counted; a POST begins anew."""
        first, last = (min(self._uploads), max(self._uploads)) if self._uploads else (0.0, 0.0)
        counted = reply({"requests": self._counts, "first_upload": first, "last_upload": last})
        if request.method == "POST":
            self._counts, self._uploads = Counter(), []
        return counted

    def _base(self) -> dict[str, object]:
        return {
            "id": BASE_ID,
            "name": BASE_NAME,
            "description": "",
            "provider": "vendor",
            "permission": "only_me",
            "indexing_technique": "high_quality",
            "document_count": len(self._documents),
            "word_count": 0,
            "embedding_model": MODEL,
            "embedding_model_provider": PROVIDER,
            "embedding_available": True,
            "retrieval_model_dict": {"search_method": "semantic_search", "top_k": 3},
            "doc_form": "text_model",
            "doc_metadata": self._all_fields()["doc_metadata"],
            "tags": [],
            "enable_api": True,
            "runtime_mode": "general",
        }

    def _listing(self, request: Request) -> Reply:
        limit = int(request.query.get("limit", 20))
        words = {name: request.query.get(name, "") for name in ("keyword", "status")}
        page = int(request.query.get("page", 1))
        found, total = self._documents.page(page, limit, **words)
        rows = b",".join(document.row() for document in found)
        more = "true" if page * limit < total else "false"
        tail = f'],"has_more":{more},"limit":{limit},"total":{total},"page":{page}}}'
        return Reply(200, b'{"data":[' + rows + tail.encode())

    def _upload(self, request: Request, over: str | None = None) -> Reply:
        named = _NAME.search(request.body)
        if named is None:
            return reply({"code": "no_file_uploaded", "message": "", "status": 400}, 400)
        begin = request.body.index(b"\r\n\r\n", named.end()) + 4
        boundary = request.body.partition(b"\r\n")[0]
        size = request.length - begin - len(boundary) - len(b"\r\n--\r\n")
        text = request.body[begin : begin + min(size, 400)].decode("utf-8", "replace")
        name = unquote(named.group(1).decode("utf-8", "replace"))
        ready_at = self._queue.indexed_at()
        document = self._documents.upload(name, size, text, ready_at, over)
        return reply({"document": document.shown(), "batch": document.batch})

    def _status(self, request: Request, batch: str) -> Reply:
        document = self._documents.of_batch(batch)
        if document is None:
            return _missing("Documents not found.")
        status = "completed" if document.indexed else "indexing"
        done = int(document.indexed)
        row = {"id": document.id, "indexing_status": status, "error": None}
        return reply({"data": [{**row, "completed_segments": done, "total_segments": 1}]})

    def _document(self, request: Request, document_id: str) -> Reply:
        document = self._documents.get(document_id)
        if document is None:
            return _missing("Document not found.")
        shown = document.shown()
        file = {"id": document.file_id, "size": document.size, "extension": "md"}
        shown["data_source_info"] = {"upload_file": file}
        return reply({**shown, "segment_count": 1, "word_count": None})

    def _assign(self, request: Request) -> Reply:
        body: Any = request.json()
        for row in body["operation_data"]:
            document = self._documents.get(row["document_id"])
            if document is not None:
                values = {each["name"]: each["value"] for each in row["metadata_list"]}
                document.assign(values, merge=row.get("partial_update", False))
        return reply({"result": "success"})

    def _chunks(self, request: Request, document_id: str) -> Reply:
        document = self._documents.get(document_id)
        if document is None:
            return _missing("Document not found.")
        # There are none with a status of chunks that an update left behind.
        whole = document.indexed and request.query.get("status", "completed") == "completed"
        rows = [_chunk(document)] if whole else []
        return reply({"data": rows, "total": len(rows), "has_more": False})

    def _search(self, request: Request) -> Reply:
        body: Any = request.json()
        retrieval = body.get("retrieval_model") or {}
        asked = (retrieval.get("metadata_filtering_conditions") or {}).get("conditions") or []
        values = [self._documents.of_file(each["value"]) for each in asked]
        found = values[0] if values else self._documents.of_text(body["query"])
        records = [_chunk(found)] if found and found.indexed else []
        return reply({"records": [{"segment": each, "score": 1.0} for each in records]})

    def _all_fields(self) -> dict[str, object]:
        fields = [
            {"id": field_id(name), "name": name, "type": kind, "count": 0}
            for name, kind in self._fields.items()
        ]
        return {"doc_metadata": fields, "built_in_field_enabled": False}

    def _field(self, request: Request) -> Reply:
        body: Any = request.json()
        self._fields[body["name"]] = body["type"]
        field = {"id": field_id(body["name"]), "name": body["name"], "type": body["type"]}
        return reply(field, 201)

    def have_fields(self, names: tuple[str, ...]) -> None:
        """Have metadata fields from the beginning on."""
        self._fields.update(dict.fromkeys(names, "string"))


_MODELS = [{"model": MODEL, "model_type": "text-embedding", "status": "active"}]


def _chunk(document: StoredDocument) -> dict[str, object]:
    return {
        "id": identifier(6, document.number),
        "document_id": document.id,
        "position": 1,
        "content": document.text or document.name,
        "word_count": document.size,
        "keywords": [],
        "enabled": True,
        "status": "completed",
        "document": {"id": document.id, "name": document.name},
    }


def _missing(message: str) -> Reply:
    return reply({"code": "not_found", "message": message, "status": 404}, 404)


def _route(request: Request) -> tuple[str, tuple[str, ...]]:
    for method, path, kind in _ROUTES:
        if method == request.method and (match := path.fullmatch(request.path)):
            return kind, match.groups()
    return "", ()


def _shortened(path: str) -> str:
    """Return a path with words in place of ids."""
    return _BATCHES.sub("BATCH", _IDENTIFIERS.sub("ID", path))
