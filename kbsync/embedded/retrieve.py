"""Search in a knowledge base (docs/dify-api.md section 10)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from . import knowledge_bases, models, search_methods
from .endpoint_call import EndpointCall
from .metadata_filters import matching_documents
from .metadata_values import stored
from .replies import JsonReply, invalid
from .request_models import HitTestingPayload
from .search_methods import ScoredChunk, Searched
from .segments import search_object

METHODS: Final = frozenset(
    {"semantic_search", "full_text_search", "hybrid_search", "keyword_search"}
)
DEFAULT_RECORDS: Final = 4
MAX_RECORDS: Final = 100
# Of likeness and of words in a hybrid search that says none.
WEIGHTS: Final = (0.7, 0.3)
_SEGMENT: Final = """
SELECT segment.*, document.name AS document_name, document.metadata
FROM segment JOIN document ON document.id = segment.document WHERE segment.number = ?
"""


def retrieve(call: EndpointCall) -> JsonReply:
    """POST /datasets/{ds}/retrieve, and its other name hit-testing."""
    payload = call.payload(HitTestingPayload)
    with call.server.store.reading() as db:
        base = knowledge_bases.usable(call, db)
        if not payload.query:
            raise invalid("Query or attachment_ids is required")
        model = payload.retrieval_model or knowledge_bases.retrieval_model(base)
        method = model.get("search_method", "semantic_search")
        if method not in METHODS:
            raise invalid(f"{method!r} is not a valid RetrievalMethod")
        if method != "keyword_search":
            _check_models(call, model)
        found = _found(db, base, payload.query, str(method), model)
        records = _records(call, db, found)
    return JsonReply({"query": {"content": payload.query}, "records": records})


def _check_models(call: EndpointCall, model: Mapping[str, object]) -> None:
    """Refuse a search that needs a model which is not here, even where it would find nothing."""
    quirks = call.server.quirks
    models.embedding_model(quirks, None, None)
    if model.get("reranking_enable"):
        models.check_reranking(quirks, model.get("reranking_model"))
    setting = _setting(model, "vector_setting")
    models.check(
        quirks, setting.get("embedding_provider_name"), setting.get("embedding_model_name")
    )


def _found(
    db: sqlite3.Connection,
    base: sqlite3.Row,
    query: str,
    method: str,
    model: Mapping[str, object],
) -> list[ScoredChunk]:
    # A high-quality base has no keywords, and every other one no vectors (section 10).
    if (base["technique"] == "high_quality") == (method == "keyword_search"):
        return []
    documents = matching_documents(db, base["id"], model.get("metadata_filtering_conditions"))
    hierarchical = knowledge_bases.doc_form(db, base["id"]) == "hierarchical_model"
    searched = Searched(db, base["id"], documents, hierarchical=hierarchical)
    top = _top(model.get("top_k"))
    least = _threshold(model)
    match method:
        case "keyword_search":
            # In economy hierarchical documents are not found at all (section 4.6).
            return [] if hierarchical else search_methods.by_keyword(searched, query, top)
        case "full_text_search":
            return search_methods.by_full_text(searched, query, top)
        case "semantic_search":
            return search_methods.by_likeness(searched, query, top, least)
        case _:
            return search_methods.by_both(searched, query, top, least, _weights(model))


def _records(
    call: EndpointCall, db: sqlite3.Connection, found: list[ScoredChunk]
) -> list[dict[str, object]]:
    """One record for each chunk found, and in it the child chunks by which it was found."""
    by_segment: dict[int, list[ScoredChunk]] = {}
    for each in found:
        by_segment.setdefault(each.segment, []).append(each)
    return [_record(call, db, segment, found) for segment, found in by_segment.items()]


def _record(
    call: EndpointCall, db: sqlite3.Connection, segment: int, found: list[ScoredChunk]
) -> dict[str, object]:
    row = db.execute(_SEGMENT, (segment,)).fetchone()
    none: list[object] | None = [] if call.profile.found_lists else None
    chunk = search_object(row, call.server.store.owner) | {"document": _document(row)}
    if chunk["keywords"] is None:
        chunk["keywords"] = none
    return {
        "segment": chunk,
        "child_chunks": [_child(db, each) for each in found if each.child] or none,
        "score": max(each.score for each in found),
        "tsne_position": None,
        "files": none,
        "summary": None,
    }


def _child(db: sqlite3.Connection, each: ScoredChunk) -> dict[str, object]:
    row = db.execute("SELECT * FROM child_chunk WHERE number = ?", (each.child,)).fetchone()
    return {
        "id": row["id"],
        "content": row["content"],
        "position": row["position"],
        "score": each.score,
    }


def _document(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["document"],
        "data_source_type": "upload_file",
        "name": row["document_name"],
        "doc_type": None,
        "doc_metadata": stored(row) or None,
    }


def _top(top_k: object) -> int:
    # JSON's true is an int in Python.
    if isinstance(top_k, bool) or not isinstance(top_k, int):
        return DEFAULT_RECORDS
    return max(0, min(top_k, MAX_RECORDS))


def _threshold(model: Mapping[str, object]) -> float:
    least = model.get("score_threshold") if model.get("score_threshold_enabled") else None
    return float(least) if isinstance(least, int | float) else 0.0


def _weights(model: Mapping[str, object]) -> tuple[float, float]:
    """What likeness and what words count in a hybrid search."""
    likeness = _setting(model, "vector_setting").get("vector_weight")
    words = _setting(model, "keyword_setting").get("keyword_weight")
    if model.get("reranking_mode") != "weighted_score":
        return WEIGHTS
    if not (isinstance(likeness, int | float) and isinstance(words, int | float)):
        return WEIGHTS
    return likeness, words


def _setting(model: Mapping[str, object], name: str) -> Mapping[str, object]:
    weights = model.get("weights")
    setting = weights.get(name) if isinstance(weights, Mapping) else None
    return setting if isinstance(setting, Mapping) else {}
