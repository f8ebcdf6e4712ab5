"""Searching a knowledge base: keywords, ranked by BM25 (docs/dify-api.md section 10)."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from . import base_shape, knowledge_bases
from .call import Call
from .envelope import Reply, invalid, reply
from .filters import matching_documents
from .metadata_values import stored
from .payloads import HitTestingPayload
from .segment_shape import search_shape
from .words import match_expression

METHODS: Final = frozenset(
    {"semantic_search", "full_text_search", "hybrid_search", "keyword_search"}
)
DEFAULT_ROWS: Final = 4
MOST_ROWS: Final = 100
_SEARCH: Final = """
SELECT segment.*, document.name AS document_name, document.metadata
FROM segment_text JOIN segment ON segment.number = segment_text.rowid
JOIN document ON document.id = segment.document
WHERE segment_text MATCH ? AND segment.knowledge_base = ? AND segment.status = 'completed'
  AND segment.enabled = 1 AND document.enabled = 1 AND document.archived = 0
  AND (? IS NULL OR document.id IN (SELECT value FROM json_each(?)))
ORDER BY bm25(segment_text), segment.number LIMIT ?
"""


def search(call: Call) -> Reply:
    """POST /datasets/{ds}/retrieve."""
    payload = call.payload(HitTestingPayload)
    with call.service.store.reading() as db:
        base = knowledge_bases.find(db, call.base)
        if not payload.query:
            raise invalid("Query or attachment_ids is required")
        model = payload.retrieval_model or base_shape.retrieval_model(base)
        method = model.get("search_method", "semantic_search")
        if method not in METHODS:
            raise invalid(f"{method!r} is not a valid RetrievalMethod")
        if method != "keyword_search":
            raise invalid("Default model not found for text-embedding")
        rows = _rows(db, call.base, payload.query, model)
    owner = call.service.store.owner
    records = [
        {
            "segment": search_shape(row, owner) | {"document": _document(row)},
            "child_chunks": None,
            "score": 0.0,
            "tsne_position": None,
            "files": None,
            "summary": None,
        }
        for row in rows
    ]
    return reply({"query": {"content": payload.query}, "records": records})


def _rows(
    db: sqlite3.Connection, base: str, query: str, model: dict[str, object]
) -> list[sqlite3.Row]:
    expression = match_expression(query)
    if expression is None:
        return []
    documents = matching_documents(db, base, model.get("metadata_filtering_conditions"))
    allowed = None if documents is None else json.dumps(documents)
    values = (expression, base, allowed, allowed, _top(model.get("top_k")))
    return db.execute(_SEARCH, values).fetchall()


def _top(asked: object) -> int:
    if isinstance(asked, bool) or not isinstance(asked, int):
        return DEFAULT_ROWS
    return max(0, min(asked, MOST_ROWS))


def _document(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["document"],
        "data_source_type": "upload_file",
        "name": row["document_name"],
        "doc_type": None,
        "doc_metadata": stored(row) or None,
    }
