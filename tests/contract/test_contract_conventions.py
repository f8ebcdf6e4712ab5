"""Section 1: address, key, envelope, deletes, pages."""

from __future__ import annotations

import httpx
import pytest
from abilities import Ability, needs
from contract_server import NOWHERE, Base, Server, refused

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Authorization header must be provided and start with 'Bearer'"),
        ("dataset-nospace", "Authorization header must be provided and start with 'Bearer'"),
        ("Basic abc", "Authorization scheme must be 'Bearer'"),
        ("Bearer dataset-unknownunknownunknown1", "Access token is invalid"),
        ("Bearer app-unknownunknownunknown1234", "Access token is invalid"),
    ],
)
async def test_1_1_keys(server: Server, header: str | None, message: str) -> None:
    request = server.http.build_request("GET", "/datasets")
    del request.headers["Authorization"]
    if header:
        request.headers["Authorization"] = header
    reply = await server.http.send(request)
    refused(reply, 401, "unauthorized", message)
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="api"'


async def test_1_1_scheme_in_any_case(server: Server) -> None:
    header = {"Authorization": f"bearer {server.key}"}
    assert (await server.http.get("/datasets", headers=header)).status_code == 200


async def test_1_1_which_of_base_and_key_comes_first(server: Server) -> None:
    header = {"Authorization": "Bearer wrong"}
    reply = await server.http.get(f"/datasets/{NOWHERE}/documents", headers=header)
    if server.can(Ability.KEY_FIRST):
        refused(reply, 401, "unauthorized", "Access token is invalid")
    else:
        refused(reply, 404, "not_found")


async def test_1_1_headers(server: Server) -> None:
    reply = await server.http.get("/datasets")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers.get("X-Version") == server.version
    assert "ETag" not in reply.headers


async def test_1_2_unmatched_urls_are_web_pages(server: Server, base: Base) -> None:
    for path in ("/datasets/not-a-uuid", f"{base.url}/", "/datasets/x/y/z", "/nowhere"):
        reply = await server.http.get(path)
        assert reply.status_code == 404, path
        assert reply.headers["Content-Type"].startswith("text/html"), path


async def test_1_2_wrong_method(server: Server, base: Base) -> None:
    refused(await server.http.put(base.url, json={}), 405, "method_not_allowed")


async def test_1_2_json_bodies(server: Server) -> None:
    kind = {"Content-Type": "application/json"}
    for body in (b"{", b""):
        reply = await server.http.post("/datasets", content=body, headers=kind)
        refused(reply, 400, "bad_request")
    reply = await server.http.post("/datasets", content=b"{}", headers={"Content-Type": "text/x"})
    refused(reply, 415, "unsupported_media_type")


async def test_1_2_every_validation_failure_is_invalid_param(server: Server) -> None:
    refused(await server.http.post("/datasets", json={}), 400, "invalid_param")
    reply = await server.http.post("/datasets", json={"name": "x", "permission": "nobody"})
    refused(reply, 400, "invalid_param")


async def test_1_2_the_body_that_breaks_the_envelope(base: Base) -> None:
    document = await base.indexed()
    reply = await base.http.post(f"{base.url}/documents/{document['id']}/segments", json={})
    assert reply.status_code == 400
    assert set(reply.json()) == {"error"}
    if not base.can(Ability.CHUNKS_VALIDATED):
        assert reply.json() == {"error": "Segments is required"}


async def test_1_3_deletes(server: Server, base: Base) -> None:
    document = await base.indexed()
    one = await server.http.delete(f"{base.url}/documents/{document['id']}")
    whole = await server.http.delete(base.url)
    if base.can(Ability.DELETE_EMPTY):
        assert (one.status_code, one.content) == (204, b"")
    elif base.can(Ability.DELETE_NUMBER):
        assert (one.status_code, one.json()) == (200, 204)
    else:
        assert (one.status_code, one.json()) == (200, {"result": "success"})
    if base.can(Ability.DELETE_NUMBER):
        assert (whole.status_code, whole.json()) == (200, 204)
    else:
        assert (whole.status_code, whole.content) == (204, b"")
    refused(await server.http.delete(base.url), 404, "not_found", "Dataset not found.")


async def pages(base: Base, **params: object) -> tuple[int, bool, int, int]:
    reply: httpx.Response = await base.http.get(f"{base.url}/documents", params=params)  # type: ignore[arg-type]
    assert reply.status_code == 200, reply.text
    body = reply.json()
    return len(body["data"]), body["has_more"], body["limit"], body["total"]


async def test_1_4_paging(base: Base) -> None:
    for number in range(4):
        await base.indexed(f"{number}.md")
    assert await pages(base) == (4, False, 20, 4)
    assert await pages(base, limit=2) == (2, True, 2, 4)
    assert await pages(base, limit=2, page=2) == (2, True, 2, 4), "an exactly full last page"
    assert await pages(base, limit=2, page=3) == (0, False, 2, 4)
    assert await pages(base, limit=3, page=2) == (1, False, 3, 4)
    assert await pages(base, limit=101) == (4, False, 101, 4), "echoed uncapped"
    least = 1 if base.can(Ability.LEAST_ONE_ROW) else 4
    assert (await pages(base, limit=0))[:3] == (least, False, 0)
    assert (await pages(base, limit=-1))[:3] == (least, False, -1)
    assert (await pages(base, page=0))[0] == 4
    reply = await base.http.get(f"{base.url}/documents", params={"page": "x"})
    if base.can(Ability.STRICT_PAGES):
        refused(reply, 400, "invalid_param")
    else:
        assert len(reply.json()["data"]) == 4


async def test_1_4_segments_forgive_odd_pages(base: Base) -> None:
    document = await base.indexed()
    url = f"{base.url}/documents/{document['id']}/segments"
    assert (await base.http.get(url, params={"page": "x"})).status_code == 200


async def test_2_what_is_not_there(base: Base) -> None:
    document = (await base.indexed())["id"]
    for path in ("upload-file", "retry", "pause", "rename"):
        reply = await base.http.get(f"{base.url}/documents/{document}/{path}")
        assert reply.status_code in (404, 405), path


@needs(Ability.HYPHENS)
async def test_2_both_spellings(base: Base) -> None:
    body = {"name": "x.md", "text": "words", "indexing_technique": "economy",
            "process_rule": {"mode": "automatic"}}  # fmt: skip
    for path in ("create-by-text", "create_by_text"):
        reply = await base.http.post(f"{base.url}/document/{path}", json=body)
        assert reply.status_code == 200, reply.text
        await base.settled(reply.json()["document"]["id"])
    reply = await base.http.post(f"{base.url}/documents/create-by-text", json=body)
    assert reply.status_code in (404, 405), "the singular is the route"


async def test_2_patch_of_a_document(base: Base) -> None:
    document = (await base.indexed())["id"]
    url = f"{base.url}/documents/{document}"
    reply = await base.http.patch(url, files={"data": (None, "{}")})
    if base.can(Ability.PATCH_DOCUMENT):
        refused(reply, 400, "invalid_param", "Data source or Process rule is required")
        reply = await base.http.patch(url, files={"file": ("b.md", b"new words", "text/plain")})
        assert reply.json()["document"]["id"] == document
        assert (await base.settled(document))["name"] == "b.md"
        assert await base.chunks(document) == ["new words"]
    else:
        refused(reply, 405, "method_not_allowed")
