"""Section 3: knowledge bases."""

from __future__ import annotations

import uuid

import pytest
from contract_server import NOWHERE, Base, Server, emptied, refused

pytestmark = pytest.mark.anyio


async def test_a_new_base(server: Server, base: Base) -> None:
    told = await base.told()
    assert told["name"] == base.name
    assert told["provider"] == "vendor"
    assert told["permission"] == "only_me"
    assert told["indexing_technique"] is told["doc_form"] is None
    assert told["document_count"] == 0
    assert isinstance(told["created_at"], int)
    assert told["enable_api"] is True


async def test_technique_at_creation(server: Server) -> None:
    base = await server.new_base(indexing_technique="economy", description="what it is for")
    told = await base.told()
    assert told["indexing_technique"] == "economy"
    assert told["description"] == "what it is for"


async def test_names_compare_exactly_and_are_not_trimmed(server: Server) -> None:
    name = f"kbsync {uuid.uuid4().hex[:8]} a"
    for each in (name, name.upper(), f" {name} "):
        base = await server.new_base(name=each)
        assert (await base.told())["name"] == each


async def test_name_length_is_counted_in_code_points(server: Server) -> None:
    long = (uuid.uuid4().hex[:8] + "ä南🎉" * 20)[:40]
    await server.new_base(name=long)
    for wrong in ("", "x" * 41):
        reply = await server.http.post("/datasets", json={"name": wrong})
        refused(reply, 400, "invalid_param")


async def test_duplicate_on_create_and_on_patch(server: Server, base: Base) -> None:
    reply = await server.http.post("/datasets", json={"name": base.name})
    refused(reply, 409, "dataset_name_duplicate")
    other = await server.new_base()
    reply = await server.http.patch(other.url, json={"name": base.name})
    refused(reply, 400, "invalid_param", "Dataset name already exists")


async def test_patch(server: Server, base: Base) -> None:
    assert (await server.http.patch(base.url, json={})).status_code == 200
    name = f"kbsync renamed {uuid.uuid4().hex[:8]}"
    reply = await server.http.patch(base.url, json={"name": name, "description": "d"})
    assert reply.status_code == 200
    told = await base.told()
    assert (told["name"], told["description"]) == (name, "d")
    refused(await server.http.patch(f"/datasets/{NOWHERE}", json={}), 404, "not_found")


async def test_list_by_keyword(server: Server) -> None:
    word = uuid.uuid4().hex[:8]
    plain = await server.new_base(name=f"kb {word} a_b 100%")
    other = await server.new_base(name=f"kb {word} axb 100x")

    async def found(keyword: str) -> set[str]:
        params: dict[str, str | int] = {"keyword": keyword, "limit": 100, "include_all": "true"}
        reply = await server.http.get("/datasets", params=params)
        assert reply.status_code == 200
        return {row["id"] for row in reply.json()["data"]}

    assert await found(word.upper()) == {plain.id, other.id}, "in any case"
    assert await found(f"{word} a_b") == {plain.id}, "no wildcard"
    assert await found(f"{word} axb 100%") == set()


async def test_list_is_newest_first(server: Server) -> None:
    word = uuid.uuid4().hex[:8]
    first = await server.new_base(name=f"kb {word} 1")
    second = await server.new_base(name=f"kb {word} 2")
    reply = await server.http.get("/datasets", params={"keyword": word})
    rows = reply.json()["data"]
    if rows[0]["created_at"] != rows[1]["created_at"]:
        assert [row["id"] for row in rows] == [second.id, first.id]
    assert {row["id"] for row in rows} == {first.id, second.id}


async def test_the_first_document_gives_form_and_technique(base: Base) -> None:
    document = await base.indexed()
    told = await base.told()
    assert (told["indexing_technique"], told["doc_form"]) == ("economy", "text_model")
    assert told["document_count"] == 1
    emptied(await base.http.delete(f"{base.url}/documents/{document['id']}"))
    told = await base.told()
    assert told["indexing_technique"] == "economy"
    assert told["doc_form"] is None, "gone with the last document"


async def test_the_name_is_free_at_once(server: Server, base: Base) -> None:
    await base.upload("a.md")
    emptied(await server.http.delete(base.url))
    await server.new_base(name=base.name)


async def test_unknown_base_on_every_route(server: Server) -> None:
    url = f"/datasets/{NOWHERE}"
    for path in ("", "/documents", f"/documents/{NOWHERE}", "/metadata", "/tags"):
        reply = await server.http.get(url + path)
        refused(reply, 404, "not_found", "Dataset not found.")
    gone = Base(server, NOWHERE, "")
    refused(await gone.upload("a.md"), 404, "not_found", "Dataset not found.")
    refused(await server.http.delete(url), 404, "not_found", "Dataset not found.")
