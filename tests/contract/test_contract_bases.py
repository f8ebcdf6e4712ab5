"""Section 3: knowledge bases."""

from __future__ import annotations

import uuid

import pytest
from abilities import Ability, needs
from contract_server import (
    KEYWORD_SEARCH,
    NOWHERE,
    Base,
    Json,
    Server,
    emptied,
    refused,
)

pytestmark = pytest.mark.anyio
MEMBER = "11111111-2222-4333-8444-555555555555"


async def test_a_new_base(server: Server, base: Base) -> None:
    shown = await base.shown()
    assert shown["name"] == base.name
    assert shown["provider"] == "vendor"
    assert shown["permission"] == "only_me"
    assert shown["indexing_technique"] is shown.get("doc_form") is None
    assert shown["document_count"] == 0
    assert isinstance(shown["created_at"], int)
    assert shown.get("enable_api", True) is True
    assert (shown.get("maintainer") == shown["created_by"]) is base.can(Ability.MAINTAINER)


async def test_technique_at_creation(server: Server) -> None:
    base = await server.new_base(indexing_technique="economy", description="what it is for")
    shown = await base.shown()
    assert shown["indexing_technique"] == "economy"
    assert shown["description"] == "what it is for"


async def test_names_compare_exactly_and_are_not_trimmed(server: Server) -> None:
    name = f"kbsync {uuid.uuid4().hex[:8]} a"
    for each in (name, name.upper(), f" {name} "):
        base = await server.new_base(name=each)
        assert (await base.shown())["name"] == each


async def test_name_length_is_counted_in_code_points(server: Server) -> None:
    long = (uuid.uuid4().hex[:8] + "ä南🎉" * 20)[:40]
    await server.new_base(name=long)
    for wrong in ("", "x" * 41):
        reply = await server.http.post("/datasets", json={"name": wrong})
        refused(reply, 400, "invalid_param")


@needs(Ability.GET_BASE)
async def test_duplicate_on_create_and_on_patch(server: Server, base: Base) -> None:
    reply = await server.http.post("/datasets", json={"name": base.name})
    refused(reply, 409, "dataset_name_duplicate")
    other = await server.new_base()
    reply = await server.http.patch(other.url, json={"name": base.name})
    refused(reply, 400, "invalid_param", "Dataset name already exists")


@needs(Ability.GET_BASE)
async def test_patch(server: Server, base: Base) -> None:
    assert (await server.http.patch(base.url, json={})).status_code == 200
    name = f"kbsync renamed {uuid.uuid4().hex[:8]}"
    reply = await server.http.patch(base.url, json={"name": name, "description": "d"})
    assert reply.status_code == 200
    shown = await base.shown()
    assert (shown["name"], shown["description"]) == (name, "d")
    refused(await server.http.patch(f"/datasets/{NOWHERE}", json={}), 404, "not_found")


async def test_made_for_the_team(server: Server) -> None:
    base = await server.new_base(permission="all_team_members")
    assert (await base.shown())["permission"] == "all_team_members"


@needs(Ability.GET_BASE)
async def test_permission_by_patch(server: Server, base: Base) -> None:
    async def patched(**body: Json | list[Json] | str) -> Json:
        reply = await server.http.patch(base.url, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()  # type: ignore[no-any-return]

    assert (await patched(permission="all_team_members"))["permission"] == "all_team_members"
    assert (await base.shown())["permission"] == "all_team_members"
    list_ = [{"user_id": MEMBER}]
    reply = await patched(permission="partial_members", partial_member_list=list_)
    assert reply["partial_member_list"] == [MEMBER]
    shown = await base.shown()
    assert (shown["permission"], shown["partial_member_list"]) == ("partial_members", [MEMBER])
    await patched(permission="only_me")
    shown = await base.shown()
    assert (shown["permission"], shown.get("partial_member_list")) == ("only_me", None)
    again = await patched(permission="partial_members")
    assert again["partial_member_list"] == [], "another permission ends the list"
    alone = await patched(partial_member_list=list_)
    assert alone["partial_member_list"] == [], "it counts beside its permission alone"


@needs(Ability.GET_BASE)
async def test_a_description_can_be_emptied(server: Server, base: Base) -> None:
    for text in ("what it is for", ""):
        assert (await server.http.patch(base.url, json={"description": text})).status_code == 200
        assert (await base.shown())["description"] == text


@needs(Ability.GET_BASE)
async def test_retrieval_by_patch(server: Server) -> None:
    base = await server.new_base(indexing_technique="economy")
    model = KEYWORD_SEARCH | {"search_method": "semantic_search", "top_k": 7}
    reply = await server.http.patch(base.url, json={"retrieval_model": model})
    assert reply.json()["retrieval_model_dict"]["search_method"] == "semantic_search"
    shown = (await base.shown())["retrieval_model_dict"]
    assert (shown["top_k"], shown["score_threshold_enabled"]) == (7, False)
    assert shown["search_method"] == "keyword_search", "a get hides what is stored"


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
    shown = await base.shown()
    assert shown["indexing_technique"] == "economy"
    assert shown.get("doc_form", "text_model") == "text_model"
    assert shown["document_count"] == 1
    emptied(await base.http.delete(f"{base.url}/documents/{document['id']}"))
    shown = await base.shown()
    assert shown["indexing_technique"] == "economy"
    assert shown.get("doc_form") is None, "gone with the last document"


async def test_the_name_is_free_at_once(server: Server, base: Base) -> None:
    await base.upload("a.md")
    emptied(await server.http.delete(base.url))
    await server.new_base(name=base.name)


async def test_unknown_base_on_every_route(server: Server) -> None:
    url = f"/datasets/{NOWHERE}"
    paths = {
        "": Ability.GET_BASE,
        f"/documents/{NOWHERE}": Ability.GET_DOCUMENT,
        "/metadata": Ability.METADATA,
        "/tags": Ability.TAGS,
    }
    for path in ("/documents", *(path for path, ability in paths.items() if server.can(ability))):
        reply = await server.http.get(url + path)
        refused(reply, 404, "not_found", "Dataset not found.")
    refused(await server.http.delete(url), 404, "not_found", "Dataset not found.")
    gone = Base(server, NOWHERE, "")
    for reply in (
        await gone.upload("a.md"),
        await gone.update(NOWHERE, "a.md"),
        await server.http.delete(f"{url}/documents/{NOWHERE}"),
    ):
        if server.can(Ability.MISSING_BASE_404):
            refused(reply, 404, "not_found", "Dataset not found.")
        else:
            refused(reply, 400, "invalid_param", "Dataset ")
