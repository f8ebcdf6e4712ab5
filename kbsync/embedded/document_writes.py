"""Creating and updating documents by file or by text (docs/dify-api.md sections 4 and 5)."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import Final

from . import documents, knowledge_bases, models, process_rules
from .endpoint_call import EndpointCall, refuse_nul
from .form_data import form_file, form_options
from .indexer import DOC_FORMS, IndexTask
from .replies import EnvelopeError, InternalFaultError, JsonReply, forbidden, invalid, not_found
from .request_models import DocumentTextCreatePayload, DocumentTextUpdate, KnowledgeConfig
from .sqlite_store import fresh_id, now
from .uploaded_files import StoredFile, accept_file, accept_text, insert_file
from .versions import Merging

MAX_DOCUMENT_NAME: Final = 255
_SAME_NAME: Final = """
SELECT * FROM document WHERE knowledge_base = ? AND name = ? AND enabled = 1
  AND created_from <> 'rag-pipeline'
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
_UPDATE: Final = """
UPDATE document SET upload = ?, rule = ?, name = ?, doc_form = ?, doc_language = ?,
  created_from = 'web', updated_at = ?, status = 'waiting', generation = generation + 1,
  doubled = 0, wedged = ?, processing_started_at = NULL, parsing_completed_at = NULL,
  cleaning_completed_at = NULL, splitting_completed_at = NULL, completed_at = NULL
WHERE id = ?
"""


def create_by_file(call: EndpointCall) -> JsonReply:
    """POST create-by-file."""
    base = knowledge_bases.find_for_upload(call)
    options = form_options(call.form)
    technique = options.get("indexing_technique") or base["technique"]
    if not technique:
        raise invalid("indexing_technique is required.")
    models.check(
        call.server.quirks, options.get("embedding_model_provider"), options.get("embedding_model")
    )
    part = form_file(call.form)
    if part is None:
        raise EnvelopeError(400, "no_file_uploaded", "Please upload your file.")
    profile = call.profile
    characters, named = profile.refused_characters, profile.named_refusals
    file = accept_file(part, refused_characters=characters, named=named)
    config = KnowledgeConfig.model_validate({**options, "indexing_technique": technique})
    # An explicit null is refused even where an absent rule would be inherited.
    if config.process_rule is None and (
        "process_rule" in options or not (config.original_document_id or _has_rule(call))
    ):
        raise invalid("process_rule is required.")
    return _create(call, config, file)


def create_by_text(call: EndpointCall) -> JsonReply:
    """POST create-by-text."""
    payload = call.payload(DocumentTextCreatePayload)
    base = knowledge_bases.find_for_upload(call)
    if not (payload.indexing_technique or base["technique"]):
        if call.profile.technique_fault:
            raise InternalFaultError
        raise invalid("indexing_technique is required.")
    models.check(call.server.quirks, payload.embedding_model_provider, payload.embedding_model)
    file = accept_text(payload.name, payload.text)
    # The name stays out: it is that of the text file already, and cut to its length there.
    options = payload.model_dump(exclude_none=True, exclude={"name", "text"})
    return _create(call, KnowledgeConfig.model_validate(options), file)


def update_by_file(call: EndpointCall) -> JsonReply:
    """POST update-by-file."""
    knowledge_bases.find_for_upload(call)
    options = form_options(call.form)
    part = form_file(call.form)
    characters = call.profile.refused_characters
    file = None if part is None else accept_file(part, refused_characters=characters, named=True)
    # What an update ignores (section 5) is not even validated.
    ignored = ("original_document_id", "duplicate", "indexing_technique")
    used = {name: value for name, value in options.items() if name not in ignored}
    config = KnowledgeConfig.model_validate({**used, "indexing_technique": "economy"})
    return _update(call, config, file)


def update_by_text(call: EndpointCall) -> JsonReply:
    """POST update-by-text."""
    payload = call.payload(DocumentTextUpdate)
    knowledge_bases.find_for_upload(call)
    file = accept_text(payload.name or "", payload.text) if payload.text else None
    options = payload.model_dump(exclude_none=True, exclude={"text"})
    config = KnowledgeConfig.model_validate({**options, "indexing_technique": "economy"})
    return _update(call, config, file)


def _create(call: EndpointCall, config: KnowledgeConfig, file: StoredFile) -> JsonReply:
    _check_options(call, config)
    models.check_retrieval(call.server.quirks, config.retrieval_model)
    with call.server.store.writing() as db:
        _check_room(call, db)
        base = knowledge_bases.find(db, call.base)
        knowledge_bases.check_form(db, call.base, config.doc_form)
        if config.original_document_id is not None:
            document = config.original_document_id.lower()
            task = _replace(call, db, document, config, file)
        else:
            knowledge_bases.initialise(call, db, base, config)
            document, task = _create_or_merge(call, db, config, file)
        reply = documents.upload_reply(db, call, document)
        generation = documents.generation(db, document)
    # After the commit: the indexer reads over another connection.
    call.server.indexer.submit(document, generation, task)
    return JsonReply(reply)


def _update(call: EndpointCall, config: KnowledgeConfig, file: StoredFile | None) -> JsonReply:
    if file is None and config.process_rule is None:
        raise invalid("Data source or Process rule is required")
    _check_options(call, config)
    with call.server.store.writing() as db:
        knowledge_bases.usable(call, db)
        knowledge_bases.check_form(db, call.base, config.doc_form)
        task = _replace(call, db, call.document, config, file)
        reply = documents.upload_reply(db, call, call.document)
        generation = documents.generation(db, call.document)
    call.server.indexer.submit(call.document, generation, task)
    return JsonReply(reply)


def _check_room(call: EndpointCall, db: sqlite3.Connection) -> None:
    if "document-limit" not in call.server.quirks:
        return
    (count,) = db.execute("SELECT count(*) FROM document").fetchone()
    if count >= call.server.quirks.document_limit:
        raise forbidden("The number of documents has reached the limit of your subscription.")


def _check_options(call: EndpointCall, config: KnowledgeConfig) -> None:
    if config.process_rule is not None:
        process_rules.check(config.process_rule)
    if call.profile.forms_known and config.doc_form not in DOC_FORMS:
        raise invalid("Invalid doc_form.")


def _create_or_merge(
    call: EndpointCall, db: sqlite3.Connection, config: KnowledgeConfig, file: StoredFile
) -> tuple[str, IndexTask]:
    """Write a new document, or over the enabled one of the same name; its id and its task."""
    rule = _rule(db, call.base, config)
    upload_id = insert_file(db, file)
    batch = time.strftime("%Y%m%d%H%M%S") + str(random.randint(100_000, 999_999))  # noqa: S311
    common = (upload_id, rule, batch, config.doc_form, config.doc_language)
    old = None
    if _merges(call, config):
        old = db.execute(_SAME_NAME, (call.base, file.name)).fetchone()
    if old is None:
        document = fresh_id()
        created = now()
        named = (document, call.base, call.base, file.name)
        db.execute(_INSERT, (*named, *common, created, created))
        return document, IndexTask.INDEX
    # The document keeps its id; only its upload, and so its rev, is a new one.
    overlaps = old["status"] not in {"completed", "error"}
    quirky = "overlapping-uploads" in call.server.quirks
    doubled = overlaps and quirky and not call.server.indexer.lost(old["id"])
    db.execute(_MERGE, (*common, now(), doubled, old["id"]))
    db.execute("DELETE FROM upload WHERE id = ?", (old["upload"],))
    return old["id"], IndexTask.BLOCK if old["wedged"] == 1 else IndexTask.INDEX


def _merges(call: EndpointCall, config: KnowledgeConfig) -> bool:
    match call.profile.merging:
        case Merging.NEVER:
            return False
        case Merging.ASKED:
            # Left out, `duplicate` is false there, and a create by text knows no such option.
            return config.duplicate and "duplicate" in config.model_fields_set
        case Merging.UNASKED:
            return config.duplicate


def _replace(
    call: EndpointCall,
    db: sqlite3.Connection,
    document: str,
    config: KnowledgeConfig,
    file: StoredFile | None,
) -> IndexTask:
    """Replace file, rule and name of an available document.

    Args:
        call: the request, for its base and the quirks.
        db: the transaction.
        document: the id of the document.
        config: the options; `name` wins over the name of the file.
        file: the new file; None keeps the present one and only cuts it anew.

    Returns:
        What the indexer has to do with the document.
    """
    old = documents.find(db, call.base, document)
    if old is None:
        raise not_found("Document not found")
    if documents.display_status(old) != "available":
        raise invalid("Document is not available")
    name = config.name or (file.name if file else old["name"])
    refuse_nul(name)
    if len(name) > MAX_DOCUMENT_NAME:
        raise InternalFaultError
    rule = config.process_rule
    rule_id = process_rules.record(db, call.base, rule) if rule else old["rule"]
    upload_id = insert_file(db, file) if file else old["upload"]
    wedges = call.profile.update_wedges and _has_chunks(db, document)
    common = (config.doc_form, config.doc_language, now(), wedges, document)
    db.execute(_UPDATE, (upload_id, rule_id, name, *common))
    if file:
        db.execute("DELETE FROM upload WHERE id = ?", (old["upload"],))
    # The old chunks are not searched any more; the indexer deletes them.
    db.execute("UPDATE segment SET status = 're_segment' WHERE document = ?", (document,))
    return IndexTask.WEDGE if wedges else IndexTask.INDEX


def _rule(db: sqlite3.Connection, base: str, config: KnowledgeConfig) -> str:
    newest = None if config.process_rule else process_rules.latest(db, base)
    return newest["id"] if newest else process_rules.record(db, base, config.process_rule)


def _has_rule(call: EndpointCall) -> bool:
    with call.server.store.reading() as db:
        return process_rules.latest(db, call.base) is not None


def _has_chunks(db: sqlite3.Connection, document: str) -> bool:
    found = db.execute("SELECT 1 FROM segment WHERE document = ? LIMIT 1", (document,)).fetchone()
    return found is not None
