"""Section 8: metadata fields and values."""

from __future__ import annotations

from typing import Any

import pytest
from abilities import Ability, needs
from contract_server import NOWHERE, Base, emptied, refused

pytestmark = [pytest.mark.anyio, needs(Ability.METADATA)]


async def create(base: Base, name: str, type: str = "string") -> Any:
    return await base.http.post(f"{base.url}/metadata", json={"type": type, "name": name})


async def test_fields(base: Base) -> None:
    assert (await base.http.get(f"{base.url}/metadata")).json() == {
        "doc_metadata": [],
        "built_in_field_enabled": False,
    }
    for type in ("string", "number", "time"):
        reply = await create(base, f"my {type}", type)
        assert reply.status_code == 201
        assert (reply.json()["name"], reply.json()["type"]) == (f"my {type}", type)
    listed = (await base.http.get(f"{base.url}/metadata")).json()["doc_metadata"]
    assert {(row["name"], row["count"]) for row in listed} == {
        ("my string", 0),
        ("my number", 0),
        ("my time", 0),
    }


async def test_field_refusals(base: Base) -> None:
    await base.field("taken")
    refused(await create(base, "taken"), 400, "invalid_param", "Metadata name already exists.")
    refused(
        await create(base, "document_name"), 400, "invalid_param", "Metadata name already exists"
    )
    refused(await create(base, "n" * 256), 400, "invalid_param", "Metadata name cannot exceed 255")
    refused(await create(base, "x", "bool"), 400, "invalid_param")
    assert (await create(base, "n" * 255)).status_code == 201
    assert (await create(base, "")).status_code == 201


async def test_rename_and_delete(base: Base) -> None:
    field = await base.field("old")
    await base.field("other")
    url = f"{base.url}/metadata/{field}"
    assert (await base.http.patch(url, json={"name": "new"})).json()["name"] == "new"
    refused(await base.http.patch(url, json={"name": "other"}), 400, "invalid_param")
    unknown = await base.http.patch(f"{base.url}/metadata/{NOWHERE}", json={"name": "z"})
    if base.can(Ability.MISSING_FIELD_REFUSED):
        refused(unknown, 400, "invalid_param")
    else:
        assert unknown.status_code == 200
        assert unknown.json() == {"id": None, "type": None, "name": None}
    emptied(await base.http.delete(url))
    emptied(await base.http.delete(url))


def done(base: Base) -> Any:
    """Return what a write of metadata answers."""
    return {"result": "success"} if base.can(Ability.ASSIGNED_OBJECT) else 200


def value(field: str, name: str, value: Any) -> dict[str, Any]:
    return {"id": field, "name": name, "value": value}


async def test_assign_replaces_and_merges(base: Base) -> None:
    document = (await base.indexed())["id"]
    if base.can(Ability.GET_DOCUMENT):
        assert (await base.get(document))["doc_metadata"] is None, "until something was assigned"
    path, size = await base.field("path"), await base.field("size", "number")
    both = value(path, "path", "a.md"), value(size, "size", 9)
    assert (await base.assign(document, *both)).json() == done(base)
    assert await base.values(document) == {"path": "a.md", "size": 9}
    await base.assign(document, value(path, "path", "b.md"))
    assert await base.values(document) == {"path": "b.md"}, "all others are dropped"
    await base.assign(document, value(size, "size", 7), merge=True)
    left = {"path": "b.md"} if base.can(Ability.PARTIAL_UPDATE) else {}
    assert await base.values(document) == left | {"size": 7}


async def test_built_in_values_come_along(base: Base) -> None:
    document = (await base.indexed())["id"]
    path = await base.field("path")
    await base.assign(document, value(path, "path", "a"))
    rows = (await base.row(document))["doc_metadata"]
    built_in = {row["name"] for row in rows if row["id"] == "built-in"}
    assert built_in == {
        "document_name", "uploader", "upload_date", "last_update_date", "source"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "stored"), [(None, None), ("text", "text"), ("not a number", "not a number"), (5, 5)]
)
async def test_values(base: Base, given: Any, stored: Any) -> None:
    document = (await base.indexed())["id"]
    field = await base.field("field", "number")
    assert (await base.assign(document, value(field, "field", given))).status_code == 200
    assert (await base.values(document)).get("field") == stored


async def test_lists_are_no_values(base: Base) -> None:
    document = (await base.indexed())["id"]
    field = await base.field("field")
    refused(await base.assign(document, value(field, "field", ["x"])), 400, "invalid_param")
    url = f"{base.url}/documents/metadata"
    refused(await base.http.post(url, json={}), 400, "invalid_param")
    assert (await base.http.post(url, json={"operation_data": []})).status_code == 200


async def test_name_and_id_that_disagree_read_back_as_nothing(base: Base) -> None:
    document = (await base.indexed())["id"]
    field = await base.field("field")
    assert (await base.assign(document, value(field, "another", "x"))).status_code == 200
    kept = "x" if base.can(Ability.GONE_IS_404) else None
    assert (await base.values(document)).get("field") == kept


async def assign_rows(base: Base, *rows: tuple[str, str]) -> Any:
    """Assign `x` to the field of each pair of document and field."""
    operations = [
        {"document_id": document, "metadata_list": [value(field, "field", "x")]}
        for document, field in rows
    ]
    body = {"operation_data": operations}
    return await base.http.post(f"{base.url}/documents/metadata", json=body)


async def test_unknown_document_in_a_batch(base: Base) -> None:
    before, behind = (await base.indexed("1.md"))["id"], (await base.indexed("2.md"))["id"]
    field = await base.field("field")
    reply = await assign_rows(base, (before, field), (NOWHERE, field), (behind, field))
    stored = [await base.values(each) for each in (before, behind)]
    if base.can(Ability.GONE_IS_404):
        refused(reply, 404, "not_found", "Document not found.")
        assert stored == [{}, {}]
    elif base.can(Ability.METADATA_REFUSED):
        refused(reply, 400, "invalid_param", "Document not found.")
        assert stored == [{"field": "x"}, {}]
    else:
        assert reply.json() == done(base), "it does no harm"
        assert stored == [{"field": "x"}, {"field": "x"}]


@pytest.mark.parametrize("malformed", ["document", "field"])
async def test_malformed_id_ends_the_batch(base: Base, malformed: str) -> None:
    ids = [(await base.indexed(name))["id"] for name in ("1.md", "2.md", "3.md")]
    field = await base.field("field")
    wrong = ("no-uuid", field) if malformed == "document" else (ids[1], "no-uuid")
    reply = await assign_rows(base, (ids[0], field), wrong, (ids[2], field))
    if base.can(Ability.GONE_IS_404):
        refused(reply, 400, "invalid_param")
    elif base.can(Ability.METADATA_REFUSED):
        refused(reply, 500, "unknown")
    else:
        assert reply.json() == done(base), "lost without a word"
    first = {} if base.can(Ability.GONE_IS_404) else {"field": "x"}
    assert [await base.values(each) for each in (ids[0], ids[2])] == [first, {}]


async def test_a_deleted_field_takes_its_values_along(base: Base) -> None:
    document = (await base.indexed())["id"]
    field = await base.field("field")
    await base.assign(document, value(field, "field", "x"))
    emptied(await base.http.delete(f"{base.url}/metadata/{field}"))
    assert await base.values(document) == {}
    reply = await base.assign(document, value(field, "field", "y"))
    if base.can(Ability.GONE_IS_404):
        refused(reply, 404, "not_found", "Metadata not found.")
    else:
        assert reply.status_code == 200
    assert await base.values(document) == {}


async def test_a_renamed_field_shows_its_values_under_the_new_name(base: Base) -> None:
    document = (await base.indexed())["id"]
    field = await base.field("old")
    await base.assign(document, value(field, "old", "x"))
    await base.http.patch(f"{base.url}/metadata/{field}", json={"name": "new"})
    assert await base.values(document) == {"new": "x"}


async def test_built_in_toggle(base: Base) -> None:
    url = f"{base.url}/metadata/built-in"
    shown = url if base.can(Ability.OWN_BUILT_IN) else "/datasets/metadata/built-in"
    names = {row["name"] for row in (await base.http.get(shown)).json()["fields"]}
    assert {"document_name", "uploader", "source"} <= names
    for action, enabled in (("enable", True), ("bogus", True), ("disable", False)):
        assert (await base.http.post(f"{url}/{action}")).json() == done(base)
        listed = (await base.http.get(f"{base.url}/metadata")).json()
        assert listed["built_in_field_enabled"] is enabled
