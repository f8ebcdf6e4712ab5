"""Knowledge bases (the API: datasets) and the models for them (docs/dify-api.md 3 and 11)."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from starlette.responses import Response

from . import base_technique, chunk_rows, models, pipelines
from .endpoint_call import EndpointCall, refuse_nul
from .indexer import QueuedTask
from .replies import (
    EnvelopeError,
    InternalFaultError,
    JsonReply,
    emptied,
    invalid,
    not_found,
    without,
)
from .request_models import (
    DatasetCreatePayload,
    DatasetListQuery,
    DatasetUpdatePayload,
    KnowledgeConfig,
    Permission,
)
from .sqlite_store import fresh_id, now

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


def find(db: sqlite3.Connection, base: str) -> sqlite3.Row:
    """The knowledge base of that id; 404 when there is none."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM knowledge_base WHERE id = ?", (base,)
    ).fetchone()
    if row is None:
        raise not_found("Dataset not found.")
    return row


def usable(call: EndpointCall, db: sqlite3.Connection) -> sqlite3.Row:
    """The knowledge base of the address; refused while its embedding model is gone (section 7)."""
    row = find(db, call.base)
    models.check_base(call.server.quirks, row)
    return row


def find_for_upload(call: EndpointCall) -> sqlite3.Row:
    """The knowledge base of the address; an external one is refused, it holds no documents."""
    with call.server.store.reading() as db:
        row = find(db, call.base)
    if row["provider"] == "external":
        raise invalid("External datasets are not supported.")
    return row


def check_form(db: sqlite3.Connection, base: str, form: str) -> None:
    """Refuse a document form other than the one the base has (section 4.6)."""
    if doc_form(db, base) not in {None, form}:
        raise invalid("doc_form is different from the dataset doc_form.")


def initialise(
    call: EndpointCall, db: sqlite3.Connection, base: sqlite3.Row, config: KnowledgeConfig
) -> None:
    """Fix the technique of a base with its first upload, even one that then fails to index."""
    db.execute(
        "UPDATE knowledge_base SET data_source_type = coalesce(data_source_type, 'upload_file')"
        " WHERE id = ?",
        (base["id"],),
    )
    if base["technique"] is not None:
        return
    provider, embedding = _embedding_model(call, config)
    model = config.retrieval_model if provider else None
    db.execute(
        "UPDATE knowledge_base SET technique = ?, embedding_provider = ?, embedding_model = ?,"
        " retrieval_model = coalesce(?, retrieval_model) WHERE id = ?",
        (
            config.indexing_technique,
            provider,
            embedding,
            model.model_dump_json() if model else None,
            base["id"],
        ),
    )


def create(call: EndpointCall) -> JsonReply:
    """POST /datasets."""
    payload = call.payload(DatasetCreatePayload)
    refuse_nul(payload.name)
    refuse_nul(payload.description)
    base = fresh_id()
    with call.server.store.writing() as db:
        if _named(db, payload.name):
            raise EnvelopeError(
                409,
                "dataset_name_duplicate",
                "The dataset name already exists. Please modify your dataset name.",
            )
        provider, embedding = _embedding_model(call, payload)
        models.check_retrieval(call.server.quirks, payload.retrieval_model)
        if payload.provider == "external" and payload.external_knowledge_api_id:
            raise invalid("api template not found")
        model = payload.retrieval_model
        setting = payload.summary_index_setting
        db.execute(
            "INSERT INTO knowledge_base (id, name, description, provider, permission, technique,"
            " embedding_provider, embedding_model, retrieval_model, summary_setting, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                base,
                payload.name,
                payload.description,
                payload.provider,
                payload.permission.value if payload.permission else "only_me",
                payload.indexing_technique,
                provider,
                embedding,
                model.model_dump_json() if model else None,
                json.dumps(setting) if setting else None,
                now(),
                now(),
            ),
        )
        created = _base_object(db, find(db, base), call)
    # Only after the commit: a request that finds the base here has to find its row.
    call.server.bases[base] = True
    return JsonReply(created)


def listing(call: EndpointCall) -> JsonReply:
    """GET /datasets."""
    models.need_plugin_daemon(call)
    page = call.page()
    query = _list_query(call)
    conditions, values = ["1"], []
    if query.keyword:
        conditions.append("instr(fold(name), fold(?)) > 0")
        values.append(query.keyword)
    if query.tag_ids:
        conditions.append(
            "id IN (SELECT knowledge_base FROM tag_binding WHERE tag IN "
            "(SELECT value FROM json_each(?)))"
        )
        values.append(json.dumps(query.tag_ids))
    where = "FROM knowledge_base WHERE " + " AND ".join(conditions)
    with call.server.store.reading() as db:
        total = db.execute(f"SELECT count(*) {where}", values).fetchone()[0]
        found = db.execute(
            f"SELECT * {where} ORDER BY created_at DESC, number DESC {page.sql}",
            values,
        ).fetchall()
        rows = [_base_object(db, row, call) | _usable(call, row) for row in found]
    return JsonReply(page.wrap(rows, total))


def get(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}."""
    models.need_plugin_daemon(call)
    with call.server.store.reading() as db:
        row = find(db, call.base)
        found = _base_object(db, row, call) | _usable(call, row)
        if row["technique"] != "high_quality":
            # The real server shows another method here than the stored one, which retrieve uses.
            shown = retrieval_model(row) | {"search_method": "keyword_search"}
            found["retrieval_model_dict"] = shown
        if row["permission"] == "partial_members":
            found["partial_member_list"] = json.loads(row["partial_members"])
    return JsonReply(found)


def update(call: EndpointCall) -> JsonReply:
    """PATCH /datasets/{ds}."""
    payload = call.payload(DatasetUpdatePayload)
    refuse_nul(payload.name)
    refuse_nul(payload.description)
    with call.server.store.writing() as db:
        row = find(db, call.base)
        if payload.name and payload.name != row["name"] and _named(db, payload.name):
            raise invalid("Dataset name already exists")
        models.check_retrieval(call.server.quirks, payload.retrieval_model)
        tasks = _switch_technique(call, db, row, payload)
        for column, value in _changes(payload).items():
            db.execute(
                f"UPDATE knowledge_base SET {column} = ? WHERE id = ?",  # noqa: S608 - our own
                (value, call.base),
            )
        row = find(db, call.base)
        changed = _base_object(db, row, call)
        changed["partial_member_list"] = json.loads(row["partial_members"])
    for task in tasks:
        call.server.indexer.submit(*task)
    return JsonReply(changed)


def delete(call: EndpointCall) -> Response:
    """DELETE /datasets/{ds}: works in every state of its documents."""
    base = call.base
    with call.server.store.writing() as db:
        find(db, base)
        chunk_rows.delete_of_base(db, base)
        documents = "(SELECT id FROM document WHERE knowledge_base = ?)"
        db.execute(f"DELETE FROM metadata_binding WHERE document IN {documents}", (base,))  # noqa: S608
        uploads = "(SELECT upload FROM document WHERE knowledge_base = ?)"
        db.execute(f"DELETE FROM upload WHERE id IN {uploads}", (base,))  # noqa: S608
        for table in ("document", "process_rule", "metadata_field", "tag_binding"):
            db.execute(f"DELETE FROM {table} WHERE knowledge_base = ?", (base,))  # noqa: S608
        db.execute("DELETE FROM knowledge_base WHERE id = ?", (base,))
    call.server.bases.pop(base, None)
    return emptied(call.profile.emptied_base)


def doc_form(db: sqlite3.Connection, base: str) -> str | None:
    """The `doc_form` of the base, which is that of its documents; None while it has none."""
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
    no_rerank = {"reranking_provider_name": None, "reranking_model_name": None}
    return {name: stored[name] for name in _DEFAULT_MODEL} | {
        "reranking_model": rerank or no_rerank
    }


def _embedding_model(
    call: EndpointCall, payload: DatasetCreatePayload | KnowledgeConfig
) -> tuple[str | None, str | None]:
    """Provider and model of a base that gets its technique; without high quality there is none."""
    if payload.indexing_technique != "high_quality":
        return None, None
    named = (payload.embedding_model_provider, payload.embedding_model)
    return models.embedding_model(call.server.quirks, *named)


def _switch_technique(
    call: EndpointCall, db: sqlite3.Connection, row: sqlite3.Row, payload: DatasetUpdatePayload
) -> list[QueuedTask]:
    """Index anew for another technique, and return what the indexer has to do."""
    wanted, named = payload.indexing_technique, payload.embedding_model
    if wanted == "high_quality":
        if row["technique"] != wanted and not (payload.embedding_model_provider and named):
            raise InternalFaultError
        models.check(call.server.quirks, payload.embedding_model_provider, named)
    if wanted in {None, row["technique"]}:
        return []
    if wanted == "economy":
        return base_technique.to_economy(db, row["id"])
    return base_technique.to_high_quality(db, row["id"], models.PROVIDER, models.MODEL)


def _members(payload: DatasetUpdatePayload) -> str | None:
    """The list to store: it counts beside its own permission alone, and ends with another one."""
    if payload.permission is None:
        return None
    if payload.permission is not Permission.PARTIAL_TEAM:
        return "[]"
    named = payload.partial_member_list
    return json.dumps([member.get("user_id") for member in named]) if named else None


def _changes(payload: DatasetUpdatePayload) -> dict[str, object]:
    wanted: dict[str, object] = {
        "name": payload.name,
        "description": payload.description,
        "technique": payload.indexing_technique,
        "permission": payload.permission.value if payload.permission else None,
        "retrieval_model": payload.retrieval_model and payload.retrieval_model.model_dump_json(),
        "partial_members": _members(payload),
    }
    return {name: value for name, value in wanted.items() if value is not None} | {
        "updated_at": now()
    }


def _list_query(call: EndpointCall) -> DatasetListQuery:
    given: dict[str, object] = {
        name: call.query[name] for name in ("keyword", "include_all") if name in call.query
    }
    if "tag_ids" in call.query:
        tags = call.query.getlist("tag_ids")
        # On a server with broken tags the filter is one string, which fails the validation below.
        given["tag_ids"] = tags[0] if "broken-tags" in call.server.quirks else tags
    return DatasetListQuery.model_validate(given)


def _named(db: sqlite3.Connection, name: str) -> bool:
    found = db.execute("SELECT 1 FROM knowledge_base WHERE name = ?", (name,)).fetchone()
    return found is not None


def _usable(call: EndpointCall, row: sqlite3.Row) -> dict[str, object]:
    """What the replies to get and list say of the base's model; the others do not know it."""
    economy = row["technique"] != "high_quality"
    return {"embedding_available": economy or models.available(call.server.quirks)}


def _base_object(db: sqlite3.Connection, row: sqlite3.Row, call: EndpointCall) -> dict[str, object]:
    """The object of every dataset reply, as far as the version knows its fields.

    Args:
        db: for counts, tags and fields.
        row: the knowledge base.
        call: for the account all calls run as, and the version.
    """
    owner = call.server.store.owner
    base = row["id"]
    counts = db.execute(_COUNTS, (base,)).fetchone()
    whole: dict[str, object] = {
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
        "maintainer": owner,
        "author_name": "owner",
        "created_at": row["created_at"],
        "updated_by": owner,
        "updated_at": row["updated_at"],
        "embedding_model": row["embedding_model"],
        "embedding_model_provider": row["embedding_provider"],
        "embedding_available": None,
        "retrieval_model_dict": retrieval_model(row),
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
        "icon_info": {"icon_type": None, "icon": None, "icon_background": None, "icon_url": None},
        "total_documents": counts["documents"],
        "total_available_documents": counts["available"],
        "enable_api": bool(row["enable_api"]),
        "is_multimodal": False,
        **pipelines.shown_of(call.server.quirks, base),
    }
    return without(whole, call.profile.base_lacks)


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
