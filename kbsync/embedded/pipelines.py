"""Knowledge bases with a pipeline, played with the quirk `pipeline-bases` (docs/dify-api.md 14).

The pipeline takes one local file, and cuts by the automatic rule. A real one is drawn by hand and
may do anything.
"""

from __future__ import annotations

import random
import sqlite3
import time
import uuid
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel

from . import process_rules
from .endpoint_call import EndpointCall, refuse_nul
from .form_data import form_file
from .quirks import Quirks
from .replies import EnvelopeError, JsonReply, invalid
from .sqlite_store import fresh_id, now
from .uploaded_files import StoredFile, accept_any_file, insert_file

FROM_PIPELINE: Final = "rag-pipeline"
QUIRK: Final = "pipeline-bases"
NODE: Final = "src"
INPUT: Final = "language"
MAX_NAME: Final = 255
_NODE: Final[dict[str, object]] = {
    "node_id": NODE,
    "plugin_id": "langgenius/file",
    "provider_name": "file",
    "datasource_type": "local_file",
    "title": "File",
    # Of inputs it tells those alone that the node itself uses; the one below is of another.
    "user_input_variables": [],
    "credentials": [],
}
_INSERT: Final = """
INSERT INTO document (id, knowledge_base, position, name, upload, rule, batch, doc_form,
  doc_language, created_from, created_at, updated_at, status, generation)
VALUES (?, ?, (SELECT coalesce(max(position), 0) + 1 FROM document WHERE knowledge_base = ?),
  ?, ?, ?, ?, 'text_model', 'English', ?, ?, ?, 'waiting', 1)
"""


class PipelineRunApiEntity(BaseModel):
    """The body of a run."""

    inputs: Mapping[str, object]
    datasource_type: str
    datasource_info_list: list[Mapping[str, object]]
    start_node_id: str
    is_published: bool
    response_mode: Literal["streaming", "blocking"]


def is_on(quirks: Quirks) -> bool:
    """Whether the knowledge bases of the server have pipelines."""
    return QUIRK in quirks


def shown_of(quirks: Quirks, base: str) -> dict[str, object]:
    """What a knowledge base shows of its pipeline."""
    if not is_on(quirks):
        none = {"pipeline_id": None, "runtime_mode": "general", "chunk_structure": None}
        return none | {"is_published": False}
    return {
        "pipeline_id": str(uuid.uuid5(uuid.UUID(base), QUIRK)),
        "runtime_mode": "rag_pipeline",
        "chunk_structure": "text_model",
        "doc_form": "text_model",
        "is_published": quirks.value(QUIRK) != "draft",
    }


def source_of(row: sqlite3.Row) -> dict[str, object]:
    """What a row of a list shows of where a pipeline's document comes from."""
    file = row["upload"]
    return {
        "data_source_type": "local_file",
        "data_source_info": {"related_id": file, "reference": file, "name": row["name"]},
        "data_source_detail_dict": {},
        "dataset_process_rule_id": None,
        "tokens": None,
    }


def upload(call: EndpointCall) -> JsonReply:
    """POST /datasets/pipeline/file-upload: any file, which is no document yet."""
    part = form_file(call.form)
    if part is None:
        raise EnvelopeError(400, "no_file_uploaded", "Please upload your file.")
    file = accept_any_file(part, refused_characters=call.profile.refused_characters)
    with call.server.store.writing() as db:
        file_id = insert_file(db, file)
    shown = {
        "id": file_id,
        "name": file.name,
        "size": file.size,
        "extension": file.extension,
        "mime_type": file.mime_type,
        "created_by": call.server.store.owner,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
    }
    return JsonReply(shown, 201)


def sources(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}/pipeline/datasource-plugins: where the pipeline can begin."""
    _must_have_one(call)
    match call.server.quirks.value(QUIRK):
        case "two":
            nodes = [_NODE, _NODE | {"node_id": "other"}]
        case "node-inputs":
            asked = {"variable": INPUT, "type": "text-input", "required": True}
            nodes = [_NODE | {"user_input_variables": [asked]}]
        case _:
            nodes = [_NODE]
    return JsonReply(nodes)


def run(call: EndpointCall) -> JsonReply:
    """POST /datasets/{ds}/pipeline/run: a new document for each file, whatever its name."""
    payload = call.payload(PipelineRunApiEntity)
    _must_have_one(call)
    batch = time.strftime("%Y%m%d%H%M%S") + str(random.randint(100_000, 999_999))  # noqa: S311
    if payload.datasource_info_list:
        _check_inputs(call, payload)
    with call.server.store.writing() as db:
        made = [_insert(call, db, info, batch) for info in payload.datasource_info_list]
        base = db.execute("SELECT * FROM knowledge_base WHERE id = ?", (call.base,)).fetchone()
    # A node that is not there is no error: the document waits for ever.
    if payload.start_node_id == NODE:
        for document in made:
            call.server.indexer.submit(str(document["id"]), 1)
    shown = {"id": base["id"], "name": base["name"], "description": base["description"]}
    dataset = shown | {"chunk_structure": "text_model"}
    return JsonReply({"batch": batch, "dataset": dataset, "documents": made})


def _must_have_one(call: EndpointCall) -> None:
    if not is_on(call.server.quirks):
        raise invalid("Pipeline not found")


def _check_inputs(call: EndpointCall, payload: PipelineRunApiEntity) -> None:
    if call.server.quirks.value(QUIRK) == "inputs" and INPUT not in payload.inputs:
        raise _failed(f"{INPUT} is required in input form")


def _insert(
    call: EndpointCall, db: sqlite3.Connection, info: Mapping[str, object], batch: str
) -> dict[str, object]:
    """Write one document and return it as the reply shows it."""
    name = str(info.get("name", "untitled"))
    refuse_nul(name)
    if len(name) > MAX_NAME:
        raise _failed("value too long for type character varying(255)")
    file = str(info.get("reference") or info.get("related_id"))
    known = db.execute("SELECT 1 FROM upload WHERE id = ?", (file,)).fetchone()
    if not known:  # nothing that could be read, so that its document ends in error
        file = insert_file(db, _NOTHING)
    document, rule, moment = fresh_id(), process_rules.record(db, call.base, None), now()
    named = (document, call.base, call.base, name, file, rule, batch, FROM_PIPELINE)
    db.execute(_INSERT, (*named, moment, moment))
    row = db.execute("SELECT * FROM document WHERE id = ?", (document,)).fetchone()
    return {
        "id": document,
        "position": row["position"],
        "data_source_type": "local_file",
        "data_source_info": dict(info),
        "name": name,
        "indexing_status": "waiting",
        "error": None,
        "enabled": True,
    }


_NOTHING: Final = StoredFile(name="", size=0, extension="pdf", mime_type="", content=b"")


def _failed(message: str) -> EnvelopeError:
    return EnvelopeError(500, "pipeline_run_error", message)
