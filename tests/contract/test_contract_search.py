"""Sections 9 to 11: tags, search, models."""

from __future__ import annotations

import uuid

import pytest
from abilities import Ability, needs
from contract_server import KEYWORD_SEARCH, Base, Server, emptied, refused

pytestmark = pytest.mark.anyio


@needs(Ability.TAGS)
async def test_9_tags(server: Server, base: Base) -> None:
    if server.kind == "real":
        pytest.skip("where tags are broken, a tag made here could not be removed again")
    reply = await server.http.post("/datasets/tags", json={"name": uuid.uuid4().hex[:20]})
    assert reply.status_code == 200, reply.text
    tag = reply.json()["id"]
    body = {"tag_ids": [tag], "target_id": base.id}
    emptied(await server.http.post("/datasets/tags/binding", json=body))
    of_base = (await server.http.get(f"{base.url}/tags")).json()
    assert ([row["id"] for row in of_base["data"]], of_base["total"]) == ([tag], 1)
    body = {"tag_id": tag, "target_id": base.id}
    emptied(await server.http.post("/datasets/tags/unbinding", json=body))
    assert (await server.http.get(f"{base.url}/tags")).json()["total"] == 0
    emptied(await server.http.request("DELETE", "/datasets/tags", json={"tag_id": tag}))
    gone = await server.http.request("DELETE", "/datasets/tags", json={"tag_id": tag})
    refused(gone, 404, "not_found", "Tag not found.")


@needs(Ability.TAGS)
async def test_9_tag_refusals(server: Server, base: Base) -> None:
    refused(await server.http.post("/datasets/tags", json={"name": "t" * 51}), 400, "invalid_param")
    body = {"tag_ids": [], "target_id": base.id}
    refused(await server.http.post("/datasets/tags/binding", json=body), 400, "invalid_param")


@needs(Ability.SEARCH)
async def test_10_search(base: Base) -> None:
    document = await base.indexed("k.md", "kernel scheduler threads")
    await base.indexed("o.md", "orchids need shade")
    body = {"query": "kernel", "retrieval_model": KEYWORD_SEARCH}
    for path in ("retrieve", "hit-testing"):
        reply = await base.http.post(f"{base.url}/{path}", json=body)
        assert reply.status_code == 200, reply.text
        assert reply.json()["query"] == {"content": "kernel"}
        (record,) = reply.json()["records"]
        assert record["segment"]["content"] == "kernel scheduler threads"
        assert record["segment"]["document"]["id"] == document["id"]
        assert record["segment"]["document"]["name"] == "k.md"
        assert record["score"] == 0.0
    assert await base.search("xylophone") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("scheduler threads", ["threads", "sleep"]),
        ("threads OR", ["threads"]),
        ("sleep scheduler", ["sleep", "threads"]),
        ("Hounds", ["hounds"]),
        ("node_modules", ["paths"]),
        ("self-hosted", ["paths"]),
        ("\u76ee\u5f55", ["unspaced"]),
        ("8080", ["paths"]),
        ("xylophone", []),
        ("reindex", []),
    ],
)
@needs(Ability.SEARCH)
async def test_10_words_of_a_query(base: Base, query: str, found: list[str]) -> None:
    texts = {
        "threads": "kernel scheduler threads",
        "sleep": "a scheduler may sleep",
        "hounds": "Foxes and Hounds",
        "paths": "self-hosted node_modules on port 8080, re-index",
        "unspaced": "\u77e5\u8bc6\u5e93\u540c\u6b65\u7a0b\u5e8f\u8bfb\u53d6\u76ee\u5f55",
    }
    # One by one: a real server loses keywords of documents that it indexes together (18.3).
    for name, text in texts.items():
        await base.settled((await base.text(name, text)).json()["document"]["id"])

    async def answers(top: int) -> list[str]:
        body = {"query": query, "retrieval_model": KEYWORD_SEARCH | {"top_k": top}}
        reply = await base.http.post(f"{base.url}/retrieve", json=body)
        assert reply.status_code == 200, reply.text
        return [record["segment"]["document"]["name"] for record in reply.json()["records"]]

    assert sorted(await answers(10)) == sorted(found)
    assert await answers(1) == found[:1], "the one with most of the words"


@needs(Ability.SEARCH)
async def test_10_queries_that_are_refused(base: Base) -> None:
    await base.indexed()
    url = f"{base.url}/retrieve"
    for query in ("", "x" * 251):
        body = {"query": query, "retrieval_model": KEYWORD_SEARCH}
        refused(await base.http.post(url, json=body), 400, "invalid_param")
    body = {"query": "x", "retrieval_model": KEYWORD_SEARCH | {"search_method": "foo"}}
    refused(await base.http.post(url, json=body), 400, "invalid_param")
    refused(await base.http.post(url, json={}), 400, "invalid_param")


@needs(Ability.SEARCH)
async def test_10_an_empty_base_is_no_error(base: Base) -> None:
    assert await base.search("anything") == []


@needs(Ability.SEARCH)
async def test_10_stored_retrieval_model(server: Server) -> None:
    base = await server.new_base(indexing_technique="economy", retrieval_model=KEYWORD_SEARCH)
    await base.indexed("k.md", "kernel scheduler threads")
    reply = await base.http.post(f"{base.url}/retrieve", json={"query": "kernel"})
    assert reply.status_code == 200, reply.text
    assert len(reply.json()["records"]) == 1


@needs(Ability.SEARCH)
async def test_10_deleted_documents_are_not_found(base: Base) -> None:
    document = (await base.indexed("k.md", "kernel scheduler threads"))["id"]
    await base.http.delete(f"{base.url}/documents/{document}")
    if base.server.kind == "real":
        pytest.skip("a real server cleans its index up when its worker gets to it")
    assert await base.search("kernel") == []


@needs(Ability.MODELS)
async def test_11_models(server: Server) -> None:
    url = "/workspaces/current/models/model-types"
    for kind in ("text-embedding", "rerank"):
        reply = await server.http.get(f"{url}/{kind}")
        assert reply.status_code == 200, reply.text
        for row in reply.json()["data"]:
            assert row["provider"]
            assert all(model["model"] for model in row["models"])
    refused(await server.http.get(f"{url}/foo"), 400, "invalid_param")
