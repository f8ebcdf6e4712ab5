"""Knowledge bases: the wire calls them datasets (docs/dify-api.md section 3)."""

from __future__ import annotations

import json
import sqlite3

from . import chunk_rows
from .base_shape import doc_form, shape
from .call import Call, refuse_nul
from .envelope import InternalFaultError, Refusal, Reply, invalid, no_content, not_found, reply
from .payloads import DatasetCreatePayload, DatasetListQuery, DatasetUpdatePayload
from .store import fresh_id, now

PLUGIN_DAEMON = "Failed to request plugin daemon, url: plugin/{}/management/models"


def find(db: sqlite3.Connection, base: str) -> sqlite3.Row:
    """The knowledge base of that id; 404 when there is none."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM knowledge_base WHERE id = ?", (base,)
    ).fetchone()
    if row is None:
        raise not_found("Dataset not found.")
    return row


def find_for_upload(call: Call) -> sqlite3.Row:
    """The knowledge base of the address, which must be one that holds documents."""
    with call.service.store.reading() as db:
        row = find(db, call.base)
    if row["provider"] == "external":
        raise invalid("External datasets are not supported.")
    return row


def check_form(db: sqlite3.Connection, base: str, form: str) -> None:
    """Refuse a document form other than the one the base has (section 4.6)."""
    if doc_form(db, base) not in {None, form}:
        raise invalid("doc_form is different from the dataset doc_form.")


def create(call: Call) -> Reply:
    """POST /datasets."""
    payload = call.payload(DatasetCreatePayload)
    refuse_nul(payload.name)
    refuse_nul(payload.description)
    base = fresh_id()
    with call.service.store.writing() as db:
        if _named(db, payload.name):
            raise Refusal(
                409,
                "dataset_name_duplicate",
                "The dataset name already exists. Please modify your dataset name.",
            )
        if payload.indexing_technique == "high_quality":
            raise no_embedding_model(payload.embedding_model_provider, payload.embedding_model)
        if payload.provider == "external" and payload.external_knowledge_api_id:
            raise invalid("api template not found")
        model = payload.retrieval_model
        setting = payload.summary_index_setting
        db.execute(
            "INSERT INTO knowledge_base (id, name, description, provider, permission, technique,"
            " retrieval_model, summary_setting, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                base,
                payload.name,
                payload.description,
                payload.provider,
                payload.permission.value if payload.permission else "only_me",
                payload.indexing_technique,
                model.model_dump_json() if model else None,
                json.dumps(setting) if setting else None,
                now(),
                now(),
            ),
        )
        created = shape(db, find(db, base), owner=call.service.store.owner)
    call.service.bases[base] = True
    return reply(created)


def listing(call: Call) -> Reply:
    """GET /datasets."""
    need_plugin_daemon(call)
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
    with call.service.store.reading() as db:
        total = db.execute(f"SELECT count(*) {where}", values).fetchone()[0]
        found = db.execute(
            f"SELECT * {where} ORDER BY created_at DESC, number DESC {page.sql}",
            values,
        ).fetchall()
        owner = call.service.store.owner
        rows = [shape(db, row, owner=owner, embedding_available=True) for row in found]
    return reply(page.wrap(rows, total))


def get(call: Call) -> Reply:
    """GET /datasets/{ds}."""
    need_plugin_daemon(call)
    with call.service.store.reading() as db:
        row = find(db, call.base)
        found = shape(db, row, owner=call.service.store.owner, embedding_available=True)
        # Cosmetic, as on the real server: retrieve uses the stored method.
        model = found["retrieval_model_dict"]
        found["retrieval_model_dict"] = {**model, "search_method": "keyword_search"}  # type: ignore[dict-item]
        if row["permission"] == "partial_members":
            found["partial_member_list"] = json.loads(row["partial_members"])
    return reply(found)


def update(call: Call) -> Reply:
    """PATCH /datasets/{ds}."""
    payload = call.payload(DatasetUpdatePayload)
    refuse_nul(payload.name)
    refuse_nul(payload.description)
    with call.service.store.writing() as db:
        row = find(db, call.base)
        if payload.name and payload.name != row["name"] and _named(db, payload.name):
            raise invalid("Dataset name already exists")
        if payload.indexing_technique == "high_quality":
            _refuse_high_quality(payload)
        for column, value in _changes(payload).items():
            db.execute(
                f"UPDATE knowledge_base SET {column} = ? WHERE id = ?",  # noqa: S608 - our own
                (value, call.base),
            )
        row = find(db, call.base)
        changed = shape(db, row, owner=call.service.store.owner)
        changed["partial_member_list"] = json.loads(row["partial_members"])
    return reply(changed)


def delete(call: Call) -> Reply:
    """DELETE /datasets/{ds}: works in every state of its documents."""
    base = call.base
    with call.service.store.writing() as db:
        find(db, base)
        chunk_rows.delete_of_base(db, base)
        documents = "(SELECT id FROM document WHERE knowledge_base = ?)"
        db.execute(f"DELETE FROM metadata_binding WHERE document IN {documents}", (base,))  # noqa: S608
        uploads = "(SELECT upload FROM document WHERE knowledge_base = ?)"
        db.execute(f"DELETE FROM upload WHERE id IN {uploads}", (base,))  # noqa: S608
        for table in ("document", "process_rule", "metadata_field", "tag_binding"):
            db.execute(f"DELETE FROM {table} WHERE knowledge_base = ?", (base,))  # noqa: S608
        db.execute("DELETE FROM knowledge_base WHERE id = ?", (base,))
    call.service.bases.pop(base, None)
    return no_content()


def no_embedding_model(provider: str | None, model: str | None) -> Exception:
    """Why high quality is refused: there is no embedding model here (section 4.4)."""
    if provider and model:
        return invalid(f"Provider {provider} does not exist.")
    if provider:
        return InternalFaultError()
    return invalid("Default model not found for text-embedding")


def _refuse_high_quality(payload: DatasetUpdatePayload) -> None:
    if payload.embedding_model and payload.embedding_model_provider:
        raise invalid(f"Provider {payload.embedding_model_provider} does not exist.")
    raise InternalFaultError


def _changes(payload: DatasetUpdatePayload) -> dict[str, object]:
    members = payload.partial_member_list
    wanted: dict[str, object] = {
        "name": payload.name,
        "description": payload.description,
        "technique": payload.indexing_technique,
        "permission": payload.permission.value if payload.permission else None,
        "retrieval_model": payload.retrieval_model and payload.retrieval_model.model_dump_json(),
        "partial_members": None
        if members is None
        else json.dumps([member.get("user_id") for member in members]),
    }
    return {name: value for name, value in wanted.items() if value is not None} | {
        "updated_at": now()
    }


def _list_query(call: Call) -> DatasetListQuery:
    asked: dict[str, object] = {
        name: call.query[name] for name in ("keyword", "include_all") if name in call.query
    }
    if "tag_ids" in call.query:
        tags = call.query.getlist("tag_ids")
        asked["tag_ids"] = tags[0] if "broken-tags" in call.service.quirks else tags
    return DatasetListQuery.model_validate(asked)


def need_plugin_daemon(call: Call) -> None:
    """Refuse what the real server cannot answer while its plugin daemon is away."""
    if "plugin-daemon-away" in call.service.quirks:
        raise invalid(PLUGIN_DAEMON.format(call.service.store.tenant))


def _named(db: sqlite3.Connection, name: str) -> bool:
    found = db.execute("SELECT 1 FROM knowledge_base WHERE name = ?", (name,)).fetchone()
    return found is not None
