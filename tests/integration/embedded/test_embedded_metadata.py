from typing import Any

import httpx
import pytest
from embedded_client import Base

pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-0000-0000-000000000009"
BUILT_IN = ["document_name", "uploader", "upload_date", "last_update_date", "source"]


class Fields:
    """The metadata routes of one base."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.url = f"{base.url}/metadata"

    async def make(self, name: str, kind: str = "string") -> str:
        reply = await self.base.http.post(self.url, json={"name": name, "type": kind})
        assert reply.status_code == 201, reply.text
        field: str = reply.json()["id"]
        return field

    async def assign(
        self, document: str, *values: tuple[str, str, Any], partial: bool = False
    ) -> None:
        assert (await self.send((document, values, partial))).json() == {"result": "success"}

    async def send(self, *rows: tuple[str, Any, bool]) -> httpx.Response:
        operations = [
            {
                "document_id": document,
                "metadata_list": [
                    dict(zip(("id", "name", "value"), value, strict=True)) for value in values
                ],
                "partial_update": partial,
            }
            for document, values, partial in rows
        ]
        return await self.base.http.post(
            f"{self.base.url}/documents/metadata", json={"operation_data": operations}
        )

    async def values(self, document: str) -> dict[str, Any] | None:
        """The values that are read back, without the built-in ones."""
        found = (await self.base.get(document))["doc_metadata"]
        if found is None:
            return None
        assert [row["name"] for row in found[-5:]] == BUILT_IN
        assert all(row["id"] == "built-in" for row in found[-5:])
        return {row["name"]: row["value"] for row in found[:-5]}


@pytest.fixture
def fields(base: Base) -> Fields:
    return Fields(base)


async def test_fields(fields: Fields) -> None:
    http = fields.base.http
    first = await fields.make("path")
    await fields.make("", "number")
    assert (await http.get(fields.url)).json() == {
        "doc_metadata": [
            {"id": first, "name": "path", "type": "string", "count": 0},
            {"id": (await http.get(fields.url)).json()["doc_metadata"][1]["id"], "name": "",
             "type": "number", "count": 0},
        ],
        "built_in_field_enabled": False,
    }  # fmt: skip
    for name, message in [
        ("path", "Metadata name already exists."),
        ("uploader", "Metadata name already exists in Built-in fields."),
        ("n" * 256, "Metadata name cannot exceed 255 characters."),
    ]:
        renamed = await http.patch(f"{fields.url}/{UNKNOWN}", json={"name": name})
        assert renamed.json()["message"] == message
    assert (await http.delete(f"{fields.url}/{UNKNOWN}")).status_code == 204
    listed = (await http.get(f"{fields.url}/built-in")).json()["fields"]
    assert [row["name"] for row in listed] == BUILT_IN


async def test_replacing_and_merging(fields: Fields) -> None:
    path, size = await fields.make("path"), await fields.make("size", "number")
    document = await fields.base.indexed("a.md", "x")
    assert await fields.values(document) is None
    await fields.assign(document, (path, "path", "a"), (size, "size", 12))
    await fields.assign(document, (size, "size", "no number"), partial=True)
    assert await fields.values(document) == {"path": "a", "size": "no number"}
    await fields.assign(document, (path, "path", None))
    assert await fields.values(document) == {"path": None}
    counts = (await fields.base.http.get(fields.url)).json()["doc_metadata"]
    assert [row["count"] for row in counts] == [1, 0]


async def test_what_is_dropped_in_silence(fields: Fields) -> None:
    path = await fields.make("path")
    one, two = [await fields.base.indexed(f"{name}.md", "x") for name in "ab"]
    row = [(path, "path", "v")]
    await fields.assign(one, *row)
    assert await fields.values(one) == {"path": "v"}
    await fields.send(("abc", row, False), (two, row, False))
    assert await fields.values(two) is None  # every row behind a malformed id is lost
    await fields.send((one, [("abc", "path", "new")], False), (two, row, False))
    assert await fields.values(one) == {"path": "v"}
    assert await fields.values(two) is None
    await fields.assign(one, (UNKNOWN, "ghost", "v"))
    assert await fields.values(one) == {}


async def test_values_of_other_types(fields: Fields) -> None:
    path = await fields.make("path")
    document = await fields.base.indexed("a.md", "x")
    await fields.assign(document, (path, "path", "v" * 100_000))
    assert await fields.values(document) == {"path": "v" * 100_000}
    await fields.assign(document, (path, "path", 1.5))
    assert await fields.values(document) == {"path": 1.5}


async def test_built_in_fields_are_values_only_while_switched_on(fields: Fields) -> None:
    http = fields.base.http
    document = await fields.base.indexed("a.md", "kernel")
    condition = {"name": "document_name", "comparison_operator": "is", "value": "a.md"}
    filters = {"logical_operator": "and", "conditions": [condition]}
    assert await fields.base.search("kernel", metadata_filtering_conditions=filters) == []
    assert (await http.post(f"{fields.url}/built-in/enable")).json() == {"result": "success"}
    assert await fields.base.search("kernel", metadata_filtering_conditions=filters) == ["kernel"]
    assert await fields.values(document) == {}
    assert (await http.get(fields.base.url)).json()["built_in_field_enabled"] is True
    await http.post(f"{fields.url}/built-in/bogus")
    assert (await http.get(fields.base.url)).json()["built_in_field_enabled"] is True
    await http.post(f"{fields.url}/built-in/disable")
    assert await fields.values(document) is None
