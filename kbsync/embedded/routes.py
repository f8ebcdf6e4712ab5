"""The routes, and what every one does before its endpoint (docs/dify-api.md sections 1.1 and 2)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
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
    models,
    pipelines,
    retrieve,
    segments,
    tags,
)
from .endpoint_call import UUID, Endpoint, EndpointCall
from .form_data import read_form
from .json_bodies import read_body
from .replies import invalid
from .server_state import ServerState
from .versions import Profile

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


def api_routes(profile: Profile) -> list[Route]:
    """Every route of the server below `BASE_PATH`; old versions lack some."""
    routes = [
        *_bases(profile),
        *_uploads(profile),
        *_documents(profile),
        *_chunks(profile),
        *(_metadata(profile) if profile.metadata else []),
        *(_tags() if profile.tags else []),
        *(_pipelines() if profile.pipelines else []),
    ]
    methods: dict[str, list[str]] = {}
    for route in routes:
        # Starlette adds HEAD to every GET; the other member is the method of the route.
        methods.setdefault(route.path, []).extend((route.methods or set()) - {"HEAD"})
    # Last, because the router tries the routes in order and OPTIONS is rare.
    return routes + [
        Route(path, partial(_answer_options, methods=found), methods=["OPTIONS"])
        for path, found in methods.items()
    ]


def file_routes(profile: Profile) -> list[Route]:
    """The routes outside `BASE_PATH`: files, which take a signature and no key."""
    if not profile.download:
        return []
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
    request: Request, *, endpoint: Endpoint, counted: bool, takes_form: bool, uploads: bool
) -> Response:
    """Check base, key and rate limit, in the real server's order, then read the body and answer."""
    server: ServerState = request.app.state.server
    profile = server.profile
    # Section 1.1: an unknown base can be a 404 even for a caller without a key.
    if not profile.base_found_first:
        server.authorize(request.headers.get("Authorization"))
    if base := request.path_params.get("ds"):
        if uploads and profile.missing_base and base not in server.bases:
            raise invalid(profile.missing_base)
        server.check_base(base)
    if profile.base_found_first:
        server.authorize(request.headers.get("Authorization"))
    if counted and "cloud-throttle" in server.quirks:
        server.rate_limit.count()
    form = await read_form(request) if takes_form else FormData()
    try:
        body = b"" if takes_form else await read_body(request)
        call = EndpointCall(request=request, server=server, body=body, form=form)
        # SQLite blocks, so endpoints run in threads.
        return await run_in_threadpool(endpoint, call)
    finally:
        await form.close()


def _bases(profile: Profile) -> list[Route]:
    routes = [
        _read("/datasets", knowledge_bases.listing),
        _write("POST", "/datasets", knowledge_bases.create),
        _write("DELETE", DATASET, knowledge_bases.delete),
    ]
    if profile.get_base:
        routes.append(_read(DATASET, knowledge_bases.get))
        routes.append(_write("PATCH", DATASET, knowledge_bases.update))
    if profile.search:
        for word in "retrieve", "hit-testing":
            routes.append(_write("POST", f"{DATASET}/{word}", retrieve.retrieve))
    if profile.models:
        kind = "/workspaces/current/models/model-types/{type}"
        routes.append(_read(kind, models.listing))
    if profile.file_preview:
        routes.append(_read("/files/{id:id}/preview", documents.file_preview))
    return routes


def _uploads(profile: Profile) -> list[Route]:
    routes = []
    for dash in "-_" if profile.hyphens else "_":
        create, update = f"{DATASET}/document/create{dash}by", f"{DOCUMENT}/update{dash}by"
        routes += [
            _upload(f"{create}{dash}text", document_writes.create_by_text),
            _upload(f"{create}{dash}file", document_writes.create_by_file, takes_form=True),
            _upload(f"{update}{dash}text", document_writes.update_by_text),
            _upload(f"{update}{dash}file", document_writes.update_by_file, takes_form=True),
        ]
    return routes


def _documents(profile: Profile) -> list[Route]:
    download, switch = f"{DOCUMENT}/download", f"{DOCUMENTS}/status/{{action}}"
    return [
        _read(DOCUMENTS, documents.listing),
        *([_read(DOCUMENT, documents.get)] if profile.get_document else []),
        _write("DELETE", DOCUMENT, documents.delete, uploads=True),
        *([_write("GET", download, downloads.signed_address)] if profile.download else []),
        *([_patch(document_writes.update_by_file)] if profile.patch_document else []),
        _read(f"{DOCUMENTS}/{{batch}}/indexing-status", documents.indexing_status),
        *([_write("PATCH", switch, documents.switch, counted=False)] if profile.switch else []),
    ]


def _chunks(profile: Profile) -> list[Route]:
    return [
        _read(SEGMENTS, segments.listing),
        _write("POST", SEGMENTS, segments.add),
        *([_read(SEGMENT, segments.get)] if profile.get_chunk else []),
        _write("POST", SEGMENT, segments.update),
        _write("DELETE", SEGMENT, segments.delete),
        *(_children() if profile.child_chunks else []),
    ]


def _children() -> list[Route]:
    return [
        _read(CHILDREN, segments.list_children),
        _write("POST", CHILDREN, segments.add_child),
        _write("PATCH", f"{CHILDREN}/{{id:id}}", segments.update_child),
        _write("DELETE", f"{CHILDREN}/{{id:id}}", segments.delete_child),
    ]


def _metadata(profile: Profile) -> list[Route]:
    built_in = f"{FIELDS if profile.base_built_in else '/datasets/metadata'}/built-in"
    return [
        _read(FIELDS, metadata.listing),
        _write("POST", FIELDS, metadata.create),
        _write("PATCH", f"{FIELDS}/{{id:id}}", metadata.rename),
        _write("DELETE", f"{FIELDS}/{{id:id}}", metadata.delete),
        _read(built_in, metadata.built_in),
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


def _pipelines() -> list[Route]:
    return [
        _upload("/datasets/pipeline/file-upload", pipelines.upload, takes_form=True),
        _read(f"{DATASET}/pipeline/datasource-plugins", pipelines.sources),
        _upload(f"{DATASET}/pipeline/run", pipelines.run),
    ]


def _read(path: str, endpoint: Endpoint) -> Route:
    return _write("GET", path, endpoint, counted=False)


def _upload(path: str, endpoint: Endpoint, *, takes_form: bool = False) -> Route:
    return _write("POST", path, endpoint, takes_form=takes_form, uploads=True)


def _patch(endpoint: Endpoint) -> Route:
    return _write("PATCH", DOCUMENT, endpoint, takes_form=True, uploads=True)


def _write(
    method: str,
    path: str,
    endpoint: Endpoint,
    *,
    counted: bool = True,
    takes_form: bool = False,
    uploads: bool = False,
) -> Route:
    """A route.

    Args:
        method: the HTTP method.
        path: its template.
        endpoint: what answers.
        counted: the cloud's rate limit counts it: writes, searches and downloads (12).
        takes_form: its body is a form.
        uploads: it is an upload or the delete of a document, for `Profile.missing_base`.
    """
    answer = partial(
        _answer, endpoint=endpoint, counted=counted, takes_form=takes_form, uploads=uploads
    )
    return Route(path, answer, methods=[method])
