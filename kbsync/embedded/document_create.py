"""Creating documents, and writing over those of the same name (docs/dify-api.md section 4)."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from typing import Final

from . import accept_file, document_shape, knowledge_bases, process_rules
from .accept_file import Upload, file_upload, text_upload
from .call import Call, require_object
from .document_update import replace
from .envelope import InternalFaultError, Refusal, Reply, invalid, reply
from .indexing import Task
from .payloads import DocumentTextCreatePayload, KnowledgeConfig
from .store import fresh_id, now
from .uploads import Form

_SAME_NAME: Final = """
SELECT * FROM document WHERE knowledge_base = ? AND name = ? AND enabled = 1
ORDER BY number LIMIT 1
"""
_INSERT: Final = """
INSERT INTO document (id, knowledge_base, position, name, upload, rule, batch, doc_form,
  doc_language, created_from, created_at, updated_at, status, generation)
VALUES (?, ?, (SELECT coalesce(max(position), 0) + 1 FROM document WHERE knowledge_base = ?),
  ?, ?, ?, ?, ?, ?, 'api', ?, ?, 'waiting', 1)
"""
_MERGE: Final = """
UPDATE document SET upload = ?, rule = ?, batch = ?, doc_form = ?, doc_language = ?,
  created_from = 'api', updated_at = ?, status = 'waiting', generation = generation + 1,
  doubled = ?, wedged = wedged & 1
WHERE id = ?
"""


def by_file(call: Call) -> Reply:
    """POST create-by-file."""
    form = call.form or Form()
    base = knowledge_bases.find_for_upload(call)
    options = require_object(json.loads(form.fields["data"])) if "data" in form.fields else {}
    technique = options.get("indexing_technique") or base["technique"]
    if not technique:
        raise invalid("indexing_technique is required.")
    _check_embedding(options.get("embedding_model_provider"), options.get("embedding_model"))
    part = form.the_file()
    if part is None:
        raise Refusal(400, "no_file_uploaded", "Please upload your file.")
    upload = file_upload(part, updating=False)
    config = KnowledgeConfig.model_validate({**options, "indexing_technique": technique})
    if config.process_rule is None and (
        "process_rule" in options or not (config.original_document_id or _has_rule(call))
    ):
        raise invalid("process_rule is required.")
    return _save(call, config, upload)


def by_text(call: Call) -> Reply:
    """POST create-by-text."""
    payload = call.payload(DocumentTextCreatePayload)
    base = knowledge_bases.find_for_upload(call)
    if not (payload.indexing_technique or base["technique"]):
        raise InternalFaultError
    _check_embedding(payload.embedding_model_provider, payload.embedding_model)
    upload = text_upload(payload.name, payload.text)
    options = payload.model_dump(exclude_none=True, exclude={"name", "text"})
    return _save(call, KnowledgeConfig.model_validate(options), upload)


def _save(call: Call, config: KnowledgeConfig, upload: Upload) -> Reply:
    if config.process_rule is not None:
        process_rules.check(config.process_rule)
    service = call.service
    with service.store.writing() as db:
        base = knowledge_bases.find(db, call.base)
        knowledge_bases.check_form(db, call.base, config.doc_form)
        if config.original_document_id is not None:
            document = config.original_document_id.lower()
            task = replace(call, db, document, config, upload)
        else:
            _initialise(db, base, config)
            document, task = _create_or_merge(call, db, config, upload)
        answer = document_shape.upload_reply(db, call.base, document, service.store.owner)
        generation = document_shape.generation(db, document)
    service.indexers.submit(document, generation, task)
    return reply(answer)


def _create_or_merge(
    call: Call, db: sqlite3.Connection, config: KnowledgeConfig, upload: Upload
) -> tuple[str, Task]:
    rule = _rule(db, call.base, config)
    upload_id = accept_file.record(db, upload)
    batch = time.strftime("%Y%m%d%H%M%S") + str(random.randint(100_000, 999_999))  # noqa: S311
    common = (upload_id, rule, batch, config.doc_form, config.doc_language)
    old = None
    if config.duplicate and "no-merge" not in call.service.quirks:
        old = db.execute(_SAME_NAME, (call.base, upload.name)).fetchone()
    if old is None:
        document = fresh_id()
        created = now()
        named = (document, call.base, call.base, upload.name)
        db.execute(_INSERT, (*named, *common, created, created))
        return document, Task.INDEX
    overlaps = old["status"] not in {"completed", "error"}
    doubled = overlaps and "overlapping-uploads" in call.service.quirks
    db.execute(_MERGE, (*common, now(), doubled, old["id"]))
    db.execute("DELETE FROM upload WHERE id = ?", (old["upload"],))
    return old["id"], Task.BLOCK if old["wedged"] == 1 else Task.INDEX


def _initialise(db: sqlite3.Connection, base: sqlite3.Row, config: KnowledgeConfig) -> None:
    """The first upload fixes what the base is, even when it then fails to index."""
    if base["technique"] is None and config.indexing_technique == "high_quality":
        raise knowledge_bases.no_embedding_model(
            config.embedding_model_provider, config.embedding_model
        )
    db.execute(
        "UPDATE knowledge_base SET technique = coalesce(technique, ?), "
        "data_source_type = coalesce(data_source_type, 'upload_file') WHERE id = ?",
        (config.indexing_technique, base["id"]),
    )


def _rule(db: sqlite3.Connection, base: str, config: KnowledgeConfig) -> str:
    newest = None if config.process_rule else process_rules.latest(db, base)
    return newest["id"] if newest else process_rules.record(db, base, config.process_rule)


def _has_rule(call: Call) -> bool:
    with call.service.store.reading() as db:
        return process_rules.latest(db, call.base) is not None


def _check_embedding(provider: object, model: object) -> None:
    if provider and model:
        raise invalid(f"Provider {provider} does not exist.")
    if provider:
        raise InternalFaultError
