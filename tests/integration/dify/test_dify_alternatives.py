"""Where a route is missing, the call is made in an older way; what only looks so proves nothing."""

from __future__ import annotations

import json

import pytest
from dify_line import Open, answering, reply, serving

from kbsync.dify.remote import DifyRemote
from kbsync.messages import remote as messages
from kbsync.model import Capability, Done, Gone, Rejected, Unauthorized

pytestmark = pytest.mark.anyio
BASE = "22f83db9-93e4-424b-a446-2b01259772f4"
DOCUMENT = "11f83db9-93e4-424b-a446-2b01259772f4"
TOLD = "X-Version: 1.13.0"
ROW = {"id": DOCUMENT, "name": "a.md", "indexing_status": "completed", "word_count": 3}
PAGE = reply(404, b"<html>not here</html>", "text/html")


def said(body: object, *headers: str, status: int = 200) -> bytes:
    return reply(status, json.dumps(body).encode(), "application/json", *headers)


def rows(*found: object, version: str = TOLD) -> bytes:
    return said({"data": list(found), "total": len(found)}, *([version] if version else []))


UNKNOWN_ID = {"code": "not_found", "message": "Document not found.", "status": 404}
NO_ROUTE = {"code": "not_found", "message": "The requested URL was not found …", "status": 404}
NOT_HERE = {"code": "forbidden", "message": "not authorized for this", "status": 403}


@pytest.mark.parametrize("missing", [PAGE, said(NO_ROUTE, TOLD, status=404)])
async def test_a_route_that_is_missing_is_noted_and_the_list_is_read(
    open_client: Open, missing: bytes
) -> None:
    script = answering(rows(), missing, rows(), rows(ROW), rows(ROW))
    async with serving(script) as (url, taken), open_client(url) as client:
        remote = DifyRemote(client)
        await client.bases.list(limit=1)
        for _ in range(2):
            found = await remote.document(BASE, DOCUMENT, name="a.md")
            assert isinstance(found, Done)
            assert found.value.id == DOCUMENT
        assert remote.capabilities.state(Capability.GET_DOCUMENT) is False
    gets = [head for head in taken.heads if f"/documents/{DOCUMENT} " in head]
    assert len(gets) == 1


async def test_a_wrong_address_is_no_missing_route(open_client: Open) -> None:
    script = answering(rows(), PAGE, PAGE)
    async with serving(script) as (url, _), open_client(url) as client:
        remote = DifyRemote(client)
        await client.bases.list(limit=1)
        outcome = await remote.document(BASE, DOCUMENT)
        assert isinstance(outcome, Unauthorized)
        assert outcome.why.message is messages.WRONG_URL
        assert Capability.GET_DOCUMENT in remote.capabilities


async def test_a_key_that_may_not_list_proves_the_address_all_the_same(open_client: Open) -> None:
    script = answering(rows(), PAGE, said(NOT_HERE, TOLD, status=403))
    async with serving(script) as (url, _), open_client(url) as client:
        remote = DifyRemote(client)
        await client.bases.list(limit=1)
        assert isinstance(await remote.fields(BASE), Rejected)
        assert Capability.METADATA not in remote.capabilities


async def test_without_a_version_a_404_is_no_absence(open_client: Open) -> None:
    """Such a server may answer an unknown route and an unknown id in the same words."""
    missing = said(UNKNOWN_ID, status=404)
    script = answering(missing, rows(ROW, version=""), missing, rows(version=""))
    async with serving(script) as (url, _), open_client(url) as client:
        remote = DifyRemote(client)
        assert isinstance(await remote.document(BASE, DOCUMENT), Done)
        assert remote.capabilities.state(Capability.GET_DOCUMENT) is None
        assert await remote.document(BASE, DOCUMENT) == Gone()


async def test_without_a_version_a_document_that_was_got_proves_the_route(
    open_client: Open,
) -> None:
    script = answering(said(ROW), said(UNKNOWN_ID, status=404))
    async with serving(script) as (url, _), open_client(url) as client:
        remote = DifyRemote(client)
        assert isinstance(await remote.document(BASE, DOCUMENT), Done)
        assert remote.capabilities.proven(Capability.GET_DOCUMENT)
        assert await remote.document(BASE, DOCUMENT) == Gone()


@pytest.mark.parametrize(("row", "old"), [({}, True), ({"doc_metadata": []}, False)])
async def test_a_knowledge_base_tells_how_old_its_server_is(
    open_client: Open, row: dict[str, object], old: bool
) -> None:
    script = answering(rows({"id": BASE, "name": "Docs", **row}, version=""))
    async with serving(script) as (url, _), open_client(url) as client:
        await client.bases.list(limit=1)
        state = client.observed.now.state(Capability.METADATA)
        assert state is (False if old else None)


async def test_a_version_that_is_told_no_more_is_forgotten(open_client: Open) -> None:
    script = answering(rows(), rows(version=""))
    async with serving(script) as (url, _), open_client(url) as client:
        await client.bases.list(limit=1)
        assert client.observed.now.version == "1.13.0"
        await client.bases.list(limit=1)
        assert client.observed.now.version is None
        assert client.observed.now.unknown == set(Capability)
