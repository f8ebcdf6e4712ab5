"""The routes, and what every one does before its endpoint (docs/dify-api.md sections 1.1 and 2)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from . import (
    document_writes,
    documents,
    downloads,
    knowledge_bases,
    metadata,
    retrieve,
    segments,
    tags,
)
from .endpoint_call import UUID, Endpoint, EndpointCall
from .form_data import read_form
from .quirks import Quirks
from .server_state import ServerState

BASE_PATH: Final = "/v1"
DATASET: Final = "/datasets/{ds:id}"
DOCUMENTS: Final = f"{DATASET}/documents"
DOCUMENT: Final = f"{DOCUMENTS}/{{doc:id}}"
SEGMENTS: Final = f"{DOCUMENT}/segments"
SEGMENT: Final = f"{SEGMENTS}/{{seg:id}}"
CHILDREN: Final = f"{SEGMENT}/child_chunks"
FIELDS: Final = f"{DATASET}/metadata"
_FLASK_NAMES: Final = {
    "ds": "dataset_id", "doc": "document_id", "seg": "segment_id", "id": "child_chunk_id",
}  # fmt: skip


class _IdConvertor(Convertor[str]):
    """A UUID as Flask matches it; Starlette's own convertor takes one without hyphens, too."""

    regex = UUID.pattern

    def convert(self, value: str) -> str:
        return value.lower()

    def to_string(self, value: str) -> str:
        return value


# Used in the templates above as `{ds:id}`; Starlette keeps convertors per process.
register_url_convertor("id", _IdConvertor())


def api_routes(quirks: Quirks) -> list[Route]:
    """Every route of the server below `BASE_PATH`; old servers lack some."""
    routes = [*_bases(), *_uploads(), *_documents(), *_chunks(), *_tags()]
    if "no-metadata" not in quirks:
        routes += _metadata()
    methods: dict[str, list[str]] = {}
    for route in routes:
        # Starlette adds HEAD to every GET; the other member is the method of the route.
        methods.setdefault(route.path, []).extend((route.methods or set()) - {"HEAD"})
    # Last, because the router tries the routes in order and OPTIONS is rare.
    return routes + [
        Route(path, partial(_answer_options, methods=found), methods=["OPTIONS"])
        for path, found in methods.items()
    ]


def file_routes() -> list[Route]:
    """The routes outside `BASE_PATH`: files, which take a signature and no key."""
    return [Route("/files/{id:id}/file-preview", downloads.file, methods=["GET"])]


def did_you_mean(message: str, url_path: str, routes: Sequence[Route]) -> str:
    """The message of a 404 with the guesses that flask-restx adds (section 1.2)."""
    templates = dict.fromkeys(route.path_format for route in routes)
    # Flask compares the fixed text before the first and after the last part that varies.
    rules = {BASE_PATH + re.sub(r"\{.*\}", "", template): template for template in templates}
    close = difflib.get_close_matches(url_path, list(rules))
    if not close:
        return message
    meant = " or ".join(BASE_PATH + _flask_rule(rules[name]) for name in close)
    return (
        f"{message.rstrip('.')}. You have requested this URI [{url_path}] "
        f"but did you mean {meant} ?"
    )


def _flask_rule(template: str) -> str:
    return re.sub(
        r"\{(\w+)\}", lambda name: f"<uuid:{_FLASK_NAMES.get(name[1], name[1])}>", template
    )


async def _answer_options(request: Request, *, methods: Sequence[str]) -> Response:
    del request
    allowed = [*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])]
    return HTMLResponse(b"", headers={"Allow": ", ".join(allowed)})


async def _answer(
    request: Request, *, endpoint: Endpoint, counted: bool, takes_form: bool
) -> Response:
    """Check base, key and rate limit, in the real server's order, then read the body and answer."""
    server: ServerState = request.app.state.server
    path: Mapping[str, str] = request.path_params
    # Section 1.1: an unknown base is a 404 even for a caller without a key.
    if "ds" in path:
        server.check_base(path["ds"])
    server.authorize(request.headers.get("Authorization"))
    if counted and "cloud-throttle" in server.quirks:
        server.rate_limit.count()
    form = await read_form(request) if takes_form else FormData()
    try:
        body = b"" if takes_form else await request.body()
        call = EndpointCall(request=request, server=server, body=body, form=form)
        # SQLite blocks, so endpoints run in threads.
        return await run_in_threadpool(endpoint, call)
    finally:
        await form.close()


def _bases() -> list[Route]:
    return [
        _read("/datasets", knowledge_bases.listing),
        _write("POST", "/datasets", knowledge_bases.create),
        _read(DATASET, knowledge_bases.get),
        _write("PATCH", DATASET, knowledge_bases.update),
        _write("DELETE", DATASET, knowledge_bases.delete),
        _write("POST", f"{DATASET}/retrieve", retrieve.retrieve),
        _write("POST", f"{DATASET}/hit-testing", retrieve.retrieve),
        _read("/workspaces/current/models/model-types/{type}", knowledge_bases.list_models),
        _read("/files/{id:id}/preview", documents.file_preview),
    ]


def _uploads() -> list[Route]:
    routes = []
    for dash in "-", "_":
        text, file = f"by{dash}text", f"by{dash}file"
        create, update = f"{DATASET}/document/create{dash}", f"{DOCUMENT}/update{dash}"
        routes += [
            _write("POST", f"{create}{text}", document_writes.create_by_text),
            _write("POST", f"{create}{file}", document_writes.create_by_file, takes_form=True),
            _write("POST", f"{update}{text}", document_writes.update_by_text),
            _write("POST", f"{update}{file}", document_writes.update_by_file, takes_form=True),
        ]
    return routes


def _documents() -> list[Route]:
    return [
        _read(DOCUMENTS, documents.listing),
        _read(DOCUMENT, documents.get),
        _write("DELETE", DOCUMENT, documents.delete),
        _write("GET", f"{DOCUMENT}/download", downloads.signed_address),
        _read(f"{DOCUMENTS}/{{batch}}/indexing-status", documents.indexing_status),
        _write("PATCH", f"{DOCUMENTS}/status/{{action}}", documents.switch, counted=False),
    ]


def _chunks() -> list[Route]:
    return [
        _read(SEGMENTS, segments.listing),
        _write("POST", SEGMENTS, segments.add),
        _read(SEGMENT, segments.get),
        _write("POST", SEGMENT, segments.update),
        _write("DELETE", SEGMENT, segments.delete),
        _read(CHILDREN, segments.list_children),
        _write("POST", CHILDREN, segments.add_child),
        _write("PATCH", f"{CHILDREN}/{{id:id}}", segments.update_child),
        _write("DELETE", f"{CHILDREN}/{{id:id}}", segments.delete_child),
    ]


def _metadata() -> list[Route]:
    return [
        _read(FIELDS, metadata.listing),
        _write("POST", FIELDS, metadata.create),
        _write("PATCH", f"{FIELDS}/{{id:id}}", metadata.rename),
        _write("DELETE", f"{FIELDS}/{{id:id}}", metadata.delete),
        _read(f"{FIELDS}/built-in", metadata.built_in),
        _write("POST", f"{FIELDS}/built-in/{{action}}", metadata.switch_built_in),
        _write("POST", f"{DOCUMENTS}/metadata", metadata.assign),
    ]


def _tags() -> list[Route]:
    return [
        _read("/datasets/tags", tags.listing),
        _write("POST", "/datasets/tags", tags.create, counted=False),
        _write("PATCH", "/datasets/tags", tags.rename, counted=False),
        _write("DELETE", "/datasets/tags", tags.delete, counted=False),
        _write("POST", "/datasets/tags/binding", tags.bind, counted=False),
        _write("POST", "/datasets/tags/unbinding", tags.unbind, counted=False),
        _read(f"{DATASET}/tags", tags.of_base),
    ]


def _read(path: str, endpoint: Endpoint) -> Route:
    return _write("GET", path, endpoint, counted=False)


def _write(
    method: str, path: str, endpoint: Endpoint, *, counted: bool = True, takes_form: bool = False
) -> Route:
    """A route; the cloud's rate limit counts writes, searches and downloads (12)."""
    answer = partial(_answer, endpoint=endpoint, counted=counted, takes_form=takes_form)
    return Route(path, answer, methods=[method])
