"""Search in a knowledge base: keywords ranked by BM25, metadata filters (docs/dify-api.md 10)."""

from __future__ import annotations

import json
import operator
import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from . import knowledge_bases
from .chunk_rows import match_expression
from .endpoint_call import EndpointCall
from .metadata_values import stored
from .replies import JsonReply, invalid
from .request_models import HitTestingPayload
from .segments import search_object

METHODS: Final = frozenset(
    {"semantic_search", "full_text_search", "hybrid_search", "keyword_search"}
)
DEFAULT_RECORDS: Final = 4
MAX_RECORDS: Final = 100
_SEARCH: Final = """
SELECT segment.*, document.name AS document_name, document.metadata
FROM segment_text JOIN segment ON segment.number = segment_text.rowid
JOIN document ON document.id = segment.document
WHERE segment_text MATCH ? AND segment.knowledge_base = ? AND segment.status = 'completed'
  AND segment.enabled = 1 AND document.enabled = 1 AND document.archived = 0
  AND (? IS NULL OR document.id IN (SELECT value FROM json_each(?)))
ORDER BY bm25(segment_text), segment.number LIMIT ?
"""
Comparison = Callable[[object, object], bool]


def retrieve(call: EndpointCall) -> JsonReply:
    """POST /datasets/{ds}/retrieve, and its other name hit-testing."""
    payload = call.payload(HitTestingPayload)
    with call.server.store.reading() as db:
        base = knowledge_bases.find(db, call.base)
        if not payload.query:
            raise invalid("Query or attachment_ids is required")
        model = payload.retrieval_model or knowledge_bases.retrieval_model(base)
        method = model.get("search_method", "semantic_search")
        if method not in METHODS:
            raise invalid(f"{method!r} is not a valid RetrievalMethod")
        if method != "keyword_search":
            # The other methods compare embeddings, and there is no embedding model here.
            raise invalid("Default model not found for text-embedding")
        rows = _rows(db, call.base, payload.query, model)
    owner = call.server.store.owner
    records = [
        {
            "segment": search_object(row, owner) | {"document": _document(row)},
            "child_chunks": None,
            "score": 0.0,
            "tsne_position": None,
            "files": None,
            "summary": None,
        }
        for row in rows
    ]
    return JsonReply({"query": {"content": payload.query}, "records": records})


def _rows(
    db: sqlite3.Connection, base: str, query: str, model: dict[str, object]
) -> list[sqlite3.Row]:
    expression = match_expression(query)
    if expression is None:
        return []
    documents = _matching_documents(db, base, model.get("metadata_filtering_conditions"))
    allowed = None if documents is None else json.dumps(documents)
    values = (expression, base, allowed, allowed, _top(model.get("top_k")))
    return db.execute(_SEARCH, values).fetchall()


def _top(top_k: object) -> int:
    # JSON's true is an int in Python.
    if isinstance(top_k, bool) or not isinstance(top_k, int):
        return DEFAULT_RECORDS
    return max(0, min(top_k, MAX_RECORDS))


def _document(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["document"],
        "data_source_type": "upload_file",
        "name": row["document_name"],
        "doc_type": None,
        "doc_metadata": stored(row) or None,
    }


def _matching_documents(db: sqlite3.Connection, base: str, filters: object) -> list[str] | None:
    """The ids of the documents the conditions let through; None when there are no conditions."""
    if not isinstance(filters, dict):
        return None
    conditions = [entry for entry in filters.get("conditions") or [] if isinstance(entry, dict)]
    if not conditions:
        return None
    combine = any if filters.get("logical_operator") == "or" else all
    rows = db.execute("SELECT id, metadata FROM document WHERE knowledge_base = ?", (base,))
    found = []
    for row in rows:
        values = stored(row)
        if combine(_holds(condition, values) for condition in conditions):
            found.append(str(row["id"]))
    return found


def _holds(condition: Mapping[str, object], values: Mapping[str, object]) -> bool:
    """Whether one condition holds; of a document without the value only `empty` does."""
    comparison = condition.get("comparison_operator")
    have = values.get(str(condition.get("name")))
    if comparison == "empty":
        return have is None
    if have is None:
        return False
    if comparison == "not empty":
        return True
    test = _COMPARISONS.get(str(comparison))
    return test is not None and test(have, condition.get("value"))


def _equal(have: object, want: object) -> bool:
    numbers = _numbers(have, want) if isinstance(want, int | float) else None
    return numbers[0] == numbers[1] if numbers else str(have) == str(want)


def _among(have: object, want: object) -> bool:
    choices = want if isinstance(want, list) else str(want).split(",")
    return str(have) in {str(choice).strip() for choice in choices}


def _numeric(compare: Callable[[float, float], bool]) -> Comparison:
    def test(have: object, want: object) -> bool:
        numbers = _numbers(have, want)
        return numbers is not None and compare(*numbers)

    return test


def _numbers(have: object, want: object) -> tuple[float, float] | None:
    try:
        return float(str(have)), float(str(want))
    except ValueError:
        return None


def _negated(test: Comparison) -> Comparison:
    return lambda have, want: not test(have, want)


def _contains(have: object, want: object) -> bool:
    return str(want) in str(have)


_COMPARISONS: Final[dict[str, Comparison]] = {
    "contains": _contains,
    "not contains": _negated(_contains),
    "start with": lambda have, want: str(have).startswith(str(want)),
    "end with": lambda have, want: str(have).endswith(str(want)),
    "is": _equal,
    "=": _equal,
    "is not": _negated(_equal),
    "≠": _negated(_equal),
    "in": _among,
    "not in": _negated(_among),
    "before": _numeric(operator.lt),
    "<": _numeric(operator.lt),
    "after": _numeric(operator.gt),
    ">": _numeric(operator.gt),
    "≤": _numeric(operator.le),
    "<=": _numeric(operator.le),
    "≥": _numeric(operator.ge),
    ">=": _numeric(operator.ge),
}
