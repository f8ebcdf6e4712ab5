"""A knowledge base as JSON (docs/dify-api.md section 3, "Dataset object")."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

_COUNTS: Final = """
SELECT count(*) AS documents, coalesce(sum(word_count), 0) AS words,
  coalesce(sum(status = 'completed' AND enabled AND NOT archived), 0) AS available
FROM document WHERE knowledge_base = ?
"""
_DEFAULT_MODEL: Final[dict[str, object]] = {
    "search_method": "semantic_search",
    "reranking_enable": False,
    "reranking_mode": None,
    "reranking_model": {"reranking_provider_name": "", "reranking_model_name": ""},
    "weights": None,
    "top_k": 2,
    "score_threshold_enabled": False,
    "score_threshold": None,
}


def shape(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    *,
    owner: str,
    embedding_available: bool | None = None,
) -> dict[str, object]:
    """The object of every dataset reply.

    Args:
        db: for counts, tags and fields.
        row: the knowledge base.
        owner: the account all calls run as.
        embedding_available: null in the replies to create and update.
    """
    base = row["id"]
    counts = db.execute(_COUNTS, (base,)).fetchone()
    model = retrieval_model(row)
    return {
        "id": base,
        "name": row["name"],
        "description": row["description"],
        "provider": row["provider"],
        "permission": row["permission"],
        "data_source_type": row["data_source_type"],
        "indexing_technique": row["technique"],
        "app_count": 0,
        "document_count": counts["documents"],
        "word_count": counts["words"],
        "created_by": owner,
        "author_name": "owner",
        "created_at": row["created_at"],
        "updated_by": owner,
        "updated_at": row["updated_at"],
        "embedding_model": None,
        "embedding_model_provider": None,
        "embedding_available": embedding_available,
        "retrieval_model_dict": model,
        "summary_index_setting": _summary(row),
        "tags": _tags(db, base),
        "doc_form": doc_form(db, base),
        "external_knowledge_info": {
            "external_knowledge_id": None,
            "external_knowledge_api_id": None,
            "external_knowledge_api_name": None,
            "external_knowledge_api_endpoint": None,
        },
        "external_retrieval_model": _external_model(row),
        "doc_metadata": _fields(db, base),
        "built_in_field_enabled": bool(row["built_in"]),
        "pipeline_id": None,
        "runtime_mode": "general",
        "chunk_structure": None,
        "icon_info": {"icon_type": None, "icon": None, "icon_background": None, "icon_url": None},
        "is_published": False,
        "total_documents": counts["documents"],
        "total_available_documents": counts["available"],
        "enable_api": bool(row["enable_api"]),
        "is_multimodal": False,
    }


def doc_form(db: sqlite3.Connection, base: str) -> str | None:
    """The form of any document of the base: null while it has none."""
    found = db.execute(
        "SELECT doc_form FROM document WHERE knowledge_base = ? LIMIT 1", (base,)
    ).fetchone()
    return None if found is None else str(found[0])


def retrieval_model(row: sqlite3.Row) -> dict[str, object]:
    """The stored retrieval model, or the default one."""
    if row["retrieval_model"] is None:
        return _DEFAULT_MODEL
    stored: dict[str, object] = json.loads(row["retrieval_model"])
    rerank = stored["reranking_model"]
    nobody = {"reranking_provider_name": None, "reranking_model_name": None}
    return {name: stored[name] for name in _DEFAULT_MODEL} | {"reranking_model": rerank or nobody}


def _external_model(row: sqlite3.Row) -> dict[str, object]:
    if row["retrieval_model"] is None:
        return {"top_k": 2, "score_threshold": 0.0, "score_threshold_enabled": None}
    stored = json.loads(row["retrieval_model"])
    return {name: stored[name] for name in ("top_k", "score_threshold", "score_threshold_enabled")}


def _summary(row: sqlite3.Row) -> dict[str, object]:
    stored = json.loads(row["summary_setting"]) if row["summary_setting"] else {}
    names = ("enable", "model_name", "model_provider_name", "summary_prompt")
    return {name: stored.get(name) for name in names}


def _tags(db: sqlite3.Connection, base: str) -> list[dict[str, object]]:
    found = db.execute(
        "SELECT tag.id, tag.name FROM tag JOIN tag_binding ON tag_binding.tag = tag.id "
        "WHERE knowledge_base = ? ORDER BY tag.number",
        (base,),
    )
    return [{"id": row["id"], "name": row["name"], "type": "knowledge"} for row in found]


def _fields(db: sqlite3.Connection, base: str) -> list[dict[str, object]]:
    found = db.execute(
        "SELECT id, name, type FROM metadata_field WHERE knowledge_base = ? ORDER BY number",
        (base,),
    )
    return [dict(row) for row in found]
