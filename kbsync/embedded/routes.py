"""The route table (docs/dify-api.md section 2)."""

from __future__ import annotations

from . import (
    child_chunks,
    document_create,
    document_list,
    document_status,
    document_update,
    knowledge_bases,
    metadata,
    models,
    retrieve,
    segments,
    tags,
)
from .call import Endpoint
from .quirks import Quirks
from .routing import Route

DATASET = "/datasets/{ds}"
DOCUMENTS = f"{DATASET}/documents"
DOCUMENT = f"{DOCUMENTS}/{{doc}}"
SEGMENT = f"{DOCUMENT}/segments/{{seg}}"
CHILDREN = f"{SEGMENT}/child_chunks"


def routes(quirks: Quirks) -> list[Route]:
    """Every route of the server; old servers lack some."""
    found = [*_bases(), *_uploads(), *_documents(), *_chunks(), *_tags()]
    if "no-metadata" not in quirks:
        found += _metadata()
    return found


def _bases() -> list[Route]:
    return [
        _read("/datasets", knowledge_bases.listing),
        _write("POST", "/datasets", knowledge_bases.create),
        _read(DATASET, knowledge_bases.get),
        _write("PATCH", DATASET, knowledge_bases.update),
        _write("DELETE", DATASET, knowledge_bases.delete),
        _write("POST", f"{DATASET}/retrieve", retrieve.search),
        _write("POST", f"{DATASET}/hit-testing", retrieve.search),
        _read("/workspaces/current/models/model-types/{type}", models.listing),
        _read("/files/{id}/preview", models.file_preview),
    ]


def _uploads() -> list[Route]:
    found = []
    for dash in "-", "_":
        text, file = f"by{dash}text", f"by{dash}file"
        create, update = f"{DATASET}/document/create{dash}", f"{DOCUMENT}/update{dash}"
        found += [
            _write("POST", f"{create}{text}", document_create.by_text),
            _write("POST", f"{create}{file}", document_create.by_file, multipart=True),
            _write("POST", f"{update}{text}", document_update.by_text),
            _write("POST", f"{update}{file}", document_update.by_file, multipart=True),
        ]
    return found


def _documents() -> list[Route]:
    return [
        _read(DOCUMENTS, document_list.listing),
        _read(DOCUMENT, document_list.get),
        _write("DELETE", DOCUMENT, document_status.delete),
        _read(f"{DOCUMENTS}/{{batch}}/indexing-status", document_list.indexing_status),
        # The cloud does not count status changes (section 12).
        Route(
            method="PATCH",
            template=f"{DOCUMENTS}/status/{{action}}",
            endpoint=document_status.change,
        ),
    ]


def _chunks() -> list[Route]:
    return [
        _read(f"{DOCUMENT}/segments", segments.listing),
        _write("POST", f"{DOCUMENT}/segments", segments.add),
        _read(SEGMENT, segments.get),
        _write("POST", SEGMENT, segments.update),
        _write("DELETE", SEGMENT, segments.delete),
        _read(CHILDREN, child_chunks.listing),
        _write("POST", CHILDREN, child_chunks.add),
        _write("PATCH", f"{CHILDREN}/{{id}}", child_chunks.update),
        _write("DELETE", f"{CHILDREN}/{{id}}", child_chunks.delete),
    ]


def _metadata() -> list[Route]:
    fields = f"{DATASET}/metadata"
    return [
        _read(fields, metadata.listing),
        _write("POST", fields, metadata.create),
        _write("PATCH", f"{fields}/{{id}}", metadata.rename),
        _write("DELETE", f"{fields}/{{id}}", metadata.delete),
        _read(f"{fields}/built-in", metadata.built_in),
        _write("POST", f"{fields}/built-in/{{action}}", metadata.switch_built_in),
        _write("POST", f"{DOCUMENTS}/metadata", metadata.assign),
    ]


def _tags() -> list[Route]:
    found = [
        ("GET", "/datasets/tags", tags.listing),
        ("POST", "/datasets/tags", tags.create),
        ("PATCH", "/datasets/tags", tags.rename),
        ("DELETE", "/datasets/tags", tags.delete),
        ("POST", "/datasets/tags/binding", tags.bind),
        ("POST", "/datasets/tags/unbinding", tags.unbind),
        ("GET", f"{DATASET}/tags", tags.of_base),
    ]
    return [
        Route(method=method, template=template, endpoint=endpoint)
        for method, template, endpoint in found
    ]


def _read(template: str, endpoint: Endpoint) -> Route:
    return Route(method="GET", template=template, endpoint=endpoint)


def _write(method: str, template: str, endpoint: Endpoint, *, multipart: bool = False) -> Route:
    return Route(
        method=method, template=template, endpoint=endpoint, counted=True, multipart=multipart
    )
