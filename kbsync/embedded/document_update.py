"""Updating documents (docs/dify-api.md section 5)."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from . import accept_file, document_shape, knowledge_bases, process_rules
from .accept_file import Upload, file_upload, text_upload
from .call import Call, refuse_nul, require_object
from .envelope import InternalFaultError, Reply, invalid, not_found, reply
from .indexing import Task
from .payloads import DocumentTextUpdate, KnowledgeConfig
from .store import now
from .uploads import Form

LONGEST_NAME: Final = 255
_UPDATE: Final = """
UPDATE document SET upload = ?, rule = ?, name = ?, doc_form = ?, doc_language = ?,
  created_from = 'web', updated_at = ?, status = 'waiting', generation = generation + 1,
  doubled = 0, wedged = ?, processing_started_at = NULL, parsing_completed_at = NULL,
  cleaning_completed_at = NULL, splitting_completed_at = NULL, completed_at = NULL
WHERE id = ?
"""


def by_file(call: Call) -> Reply:
    """POST update-by-file."""
    form = call.form or Form()
    knowledge_bases.find_for_upload(call)
    options = require_object(json.loads(form.fields["data"])) if "data" in form.fields else {}
    part = form.the_file()
    upload = None if part is None else file_upload(part, updating=True)
    # What an update ignores (section 5) is not even looked at.
    ignored = ("original_document_id", "duplicate", "indexing_technique")
    asked = {name: value for name, value in options.items() if name not in ignored}
    config = KnowledgeConfig.model_validate({**asked, "indexing_technique": "economy"})
    return _save(call, config, upload)


def by_text(call: Call) -> Reply:
    """POST update-by-text."""
    payload = call.payload(DocumentTextUpdate)
    knowledge_bases.find_for_upload(call)
    upload = text_upload(payload.name or "", payload.text) if payload.text else None
    options = payload.model_dump(exclude_none=True, exclude={"text"})
    config = KnowledgeConfig.model_validate({**options, "indexing_technique": "economy"})
    return _save(call, config, upload)


def _save(call: Call, config: KnowledgeConfig, upload: Upload | None) -> Reply:
    if upload is None and config.process_rule is None:
        raise invalid("Data source or Process rule is required")
    if config.process_rule is not None:
        process_rules.check(config.process_rule)
    service = call.service
    with service.store.writing() as db:
        knowledge_bases.check_form(db, call.base, config.doc_form)
        task = replace(call, db, call.document, config, upload)
        answer = document_shape.upload_reply(db, call.base, call.document, service.store.owner)
        generation = document_shape.generation(db, call.document)
    service.indexers.submit(call.document, generation, task)
    return reply(answer)


def replace(
    call: Call,
    db: sqlite3.Connection,
    document: str,
    config: KnowledgeConfig,
    upload: Upload | None,
) -> Task:
    """Replace file, rule and name of an available document: what an update comes down to.

    Args:
        call: the request, for its base and the quirks.
        db: the transaction.
        document: the id of the document.
        config: the options; `name` wins over the name of the upload.
        upload: the new file; None keeps the present one and only cuts it anew.

    Returns:
        What the worker has to do with it.
    """
    old = document_shape.find(db, call.base, document)
    if old is None:
        raise not_found("Document not found")
    if document_shape.display_status(old) != "available":
        raise invalid("Document is not available")
    name = config.name or (upload.name if upload else old["name"])
    refuse_nul(name)
    if len(name) > LONGEST_NAME:
        raise InternalFaultError
    rule = config.process_rule
    rule_id = process_rules.record(db, call.base, rule) if rule else old["rule"]
    upload_id = accept_file.record(db, upload) if upload else old["upload"]
    wedges = "wedging-update" in call.service.quirks and _has_chunks(db, document)
    common = (config.doc_form, config.doc_language, now(), wedges, document)
    db.execute(_UPDATE, (upload_id, rule_id, name, *common))
    if upload:
        db.execute("DELETE FROM upload WHERE id = ?", (old["upload"],))
    db.execute("UPDATE segment SET status = 're_segment' WHERE document = ?", (document,))
    return Task.WEDGE if wedges else Task.INDEX


def _has_chunks(db: sqlite3.Connection, document: str) -> bool:
    found = db.execute("SELECT 1 FROM segment WHERE document = ? LIMIT 1", (document,)).fetchone()
    return found is not None
