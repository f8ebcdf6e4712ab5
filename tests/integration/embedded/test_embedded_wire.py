"""Addresses, keys, envelopes, paging: what every route shares."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded_client import AUTOMATIC, KEY, Base, make_base, running

pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (KEY, "Authorization header must be provided and start with 'Bearer'"),
        (f"Bearer {KEY}x", "Access token is invalid"),
        (f"Bearer {KEY} ", "Access token is invalid"),
        (f"Bearer {KEY[:-1]}", "Access token is invalid"),
        ("Bearer clé", "Access token is invalid"),
    ],
)
async def test_keys_that_are_refused(base: Base, header: str, message: str) -> None:
    del base.http.headers["Authorization"]
    headers = {"Authorization": header.encode()}
    for url in ("/datasets", base.url, f"{base.url}/documents", f"/datasets/{UNKNOWN}"):
        reply = await base.http.get(url, headers=headers)
        assert reply.json() == {"code": "unauthorized", "message": message, "status": 401}
        assert reply.headers["www-authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "url",
    ["/", "/datasets/", "{base}/upload-file", "{base}/documents/create-by-file",
     "{base}/documents/abc", "{base}/documents/" + UNKNOWN + "/x",
     "{base}/document/create-by_file", "/files/upload", "/swagger.json"],
)  # fmt: skip
async def test_an_address_without_a_route_is_answered_in_html(base: Base, url: str) -> None:
    for method in ("GET", "DELETE"):
        reply = await base.http.request(method, url.replace("{base}", base.url))
        assert reply.status_code == 404
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert reply.text.startswith("<!doctype html>\n<html lang=en>\n<title>404 Not Found")


@pytest.mark.parametrize(
    ("method", "url"),
    [("POST", ""), ("POST", "/documents/status/disable")],
)
async def test_a_wrong_method(base: Base, method: str, url: str) -> None:
    reply = await base.http.request(method, base.url + url, headers={"Authorization": "none"})
    assert reply.json() == {
        "code": "method_not_allowed",
        "message": "The method is not allowed for the requested URL.",
        "status": 405,
    }


async def test_head_and_options(base: Base) -> None:
    head = await base.http.head("/datasets")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100
    options = await base.http.options("/datasets", headers={"Authorization": ""})
    assert set(options.headers["allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}


async def test_headers_and_escapes(base: Base) -> None:
    reply = await base.upload("é.md", "text")
    assert reply.headers["x-version"] == "1.16.1"
    assert reply.headers["x-env"] == "PRODUCTION"
    assert "set-cookie" not in reply.headers
    assert reply.content.isascii()
    assert rb"\u00e9.md" in reply.content
    assert reply.content.endswith(b"}\n")


async def test_uuids_are_read_in_any_case(base: Base) -> None:
    assert (await base.http.get(f"/datasets/{base.id.upper()}")).json()["id"] == base.id


@pytest.mark.parametrize("url", ["", "/documents/status/disable", "/metadata"])
async def test_bodies_that_are_no_json(base: Base, url: str) -> None:
    method = "POST" if url == "/metadata" else "PATCH"
    for content, kind, status, code in [
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{bad", "application/json", 400, "bad_request"),
        (b"", "application/json", 400, "bad_request"),
    ]:
        reply = await base.http.request(
            method, base.url + url, content=content, headers={"content-type": kind}
        )
        assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_a_missing_base_answers_every_route_alike(base: Base) -> None:
    document = await base.indexed("a.txt", "text")
    await base.http.delete(base.url)
    for method, url in [
        ("GET", ""), ("DELETE", ""), ("PATCH", ""), ("GET", "/documents"),
        ("GET", f"/documents/{document}"), ("DELETE", f"/documents/{document}"),
        ("POST", f"/documents/{document}/update-by-text"), ("POST", "/retrieve"),
        ("POST", "/documents/metadata"), ("PATCH", "/documents/status/enable"),
        ("GET", "/documents/x/indexing-status"), ("GET", "/metadata"), ("GET", "/tags"),
    ]:  # fmt: skip
        reply = await base.http.request(method, base.url + url)
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found"), url
        assert reply.json()["message"].startswith("Dataset not found.")


async def test_a_404_on_some_routes_names_similar_addresses(base: Base) -> None:
    await base.http.delete(base.url)
    reply = await base.upload("a.md", "text")
    assert reply.json()["message"] == (
        f"Dataset not found. You have requested this URI [/v1{base.url}/document/create-by-file] "
        "but did you mean /v1/datasets/<uuid:dataset_id>/document/create-by-file or "
        "/v1/datasets/<uuid:dataset_id>/document/create_by_file or "
        "/v1/datasets/<uuid:dataset_id>/document/create-by-text ?"
    )


async def test_paging(base: Base) -> None:
    for number in range(12):
        await base.upload(f"f{number:02}.txt", "text")

    async def page(**params: Any) -> tuple[int, bool, int, int, int]:
        body = (await base.http.get(f"{base.url}/documents", params=params)).json()
        return len(body["data"]), body["has_more"], body["limit"], body["total"], body["page"]

    assert await page(page=-1, limit=5) == (5, True, 5, 12, -1)
    assert await page(page=10**30) == (0, False, 20, 12, 10**30)
    assert (await base.names(limit=3)) == ["f11.txt", "f10.txt", "f09.txt"]


async def test_keywords_of_the_document_list(base: Base) -> None:
    for name in ("a_b.md", "axb.md", "c[1].md", "c-star.md"):
        await base.upload(name, "x")
    assert await base.names(keyword="c[1]") == ["c[1].md"]
    assert await base.names(keyword="c*") == []
    assert await base.names(keyword=r"a\_b") == ["a_b.md"]


async def test_bases(tmp_path: Path) -> None:
    async with running(tmp_path / "store.db") as http:
        await make_base(http, "one_%")
        await make_base(http, "TWO")
        await make_base(http, " one_% ")

        async def names(**params: Any) -> list[str]:
            reply = await http.get("/datasets", params=params)
            return [row["name"] for row in reply.json()["data"]]

        assert await names() == [" one_% ", "TWO", "one_%"]
        assert await names(keyword="two") == ["TWO"]
        assert await names(keyword="e_%") == [" one_% ", "one_%"]
        assert await names(keyword="n_T") == []
        assert await names(include_all="true", limit=1, page=2) == ["TWO"]
        await refused(http, {"name": "x", "description": "d" * 401}, 400, "invalid_param")
        await refused(http, {"name": "x", "indexing_technique": "cheap"}, 400, "invalid_param")
        await refused(http, {"name": "x", "permission": "all"}, 400, "invalid_param")
        made = await http.post("/datasets", json={"name": "é" * 40, "foo": 1})
        assert made.json()["embedding_available"] is None
        assert made.json()["retrieval_model_dict"]["search_method"] == "semantic_search"


async def refused(http: httpx.AsyncClient, body: dict[str, Any], status: int, code: str) -> None:
    reply = await http.post("/datasets", json=body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_changing_a_base(base: Base) -> None:
    assert (await base.http.patch(base.url, json={"name": "Docs"})).status_code == 200
    changed = await base.http.patch(base.url, json={"name": "New", "description": "d"})
    assert (changed.json()["name"], changed.json()["partial_member_list"]) == ("New", [])
    assert (await base.http.patch(base.url, json={})).json()["name"] == "New"
    model = await base.http.patch(base.url, json={"indexing_technique": "high_quality"})
    assert model.json() == {"message": "Internal Server Error", "code": "unknown", "status": 500}


async def test_models(base: Base) -> None:
    url = "/workspaces/current/models/model-types/"
    (provider,) = (await base.http.get(f"{url}text-embedding")).json()["data"]
    (model,) = provider["models"]
    assert (provider["provider"], provider["status"]) == ("kbsync", "active")
    assert (model["model"], model["model_type"]) == ("hashed-words", "text-embedding")
    assert (await base.http.get(f"{url}rerank")).json() == {"data": []}
    assert (await base.http.get(f"/files/{UNKNOWN}/preview")).status_code == 401


async def test_an_external_base_holds_no_documents(base: Base) -> None:
    made = await base.http.post("/datasets", json={"name": "Ext", "provider": "external"})
    external = Base(base.http, made.json()["id"])
    reply = await external.upload("a.md", "x", AUTOMATIC)
    assert reply.json()["message"] == "External datasets are not supported."
