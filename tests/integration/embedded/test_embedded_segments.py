import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded_client import Base, custom, new_base

pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-0000-0000-000000000009"


class Chunks:
    """The chunk routes of one document."""

    def __init__(self, base: Base, document: str) -> None:
        self.base = base
        self.document = document
        self.url = f"{base.url}/documents/{document}/segments"

    async def add(self, *segments: Any) -> httpx.Response:
        return await self.base.http.post(self.url, json={"segments": list(segments)})

    async def change(self, segment: str, **fields: Any) -> httpx.Response:
        return await self.base.http.post(f"{self.url}/{segment}", json={"segment": fields})

    async def words(self) -> Any:
        listed = (await self.base.http.get(f"{self.base.url}/documents")).json()["data"]
        return next(row["word_count"] for row in listed if row["id"] == self.document)


@pytest.fixture
async def chunks(base: Base) -> Chunks:
    return Chunks(base, await base.indexed("a.txt", "one\n\ntwo", custom()))


async def test_adding(chunks: Chunks) -> None:
    reply = await chunks.add({"content": "# added", "keywords": ["zebra"]}, {"content": "q?"})
    first, second = reply.json()["data"]
    assert (first["position"], second["position"]) == (3, 4)
    assert first["content"] == "# added"  # verbatim, no normal form
    assert first["keywords"] == ["zebra"]
    assert first["index_node_hash"] == hashlib.sha256(b"# addedNone").hexdigest()
    assert await chunks.base.search("zebra") == ["# added"]
    assert await chunks.words() == 3 + 3 + 7 + 2
    for wrong in ([{"content": "k", "keywords": "foo"}], [], [{"content": "k"}, {}]):
        reply = await chunks.add(*wrong)
        assert (reply.status_code, list(reply.json())) == (400, ["error"])
    assert await chunks.words() == 3 + 3 + 7 + 2, "nothing of a refused call is added"


async def test_older_versions_take_less_seriously_what_is_added(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", dify="1.12") as base:
        chunks = Chunks(base, await base.indexed("a.txt", "x"))
        letters = await chunks.add({"content": "k", "keywords": "foo"})
        assert letters.json()["data"][0]["keywords"] == ["f", "o", "o"]
        assert (await chunks.add()).json() == {"data": [], "doc_form": "text_model"}
        other = Chunks(base, await base.indexed("b.txt", "x"))
        segment = letters.json()["data"][0]["id"]
        assert (await base.http.get(f"{other.url}/{segment}")).json()["data"]["content"] == "k"


async def test_nothing_is_added_when_one_of_them_is_refused(chunks: Chunks) -> None:
    assert (await chunks.add({"content": "x"}, {"content": " "})).status_code == 400
    assert len(await chunks.base.chunks(chunks.document)) == 2


async def test_changing(chunks: Chunks) -> None:
    http = chunks.base.http
    segment = (await http.get(chunks.url)).json()["data"][0]["id"]
    changed = (await chunks.change(segment, content="elephant")).json()["data"]
    assert (changed["content"], changed["word_count"]) == ("elephant", 8)
    assert changed["keywords"] == ["elephant"]
    assert await chunks.base.search("elephant") == ["elephant"]
    assert await chunks.base.search("one") == []
    assert await chunks.words() == 8 + 3
    off = await chunks.change(segment, content="elephant", enabled=False)
    assert off.json()["data"]["enabled"] is False
    assert off.json()["data"]["disabled_at"]
    assert await chunks.base.search("elephant") == []
    refused = await chunks.change(segment, content="x")
    assert refused.json()["message"] == "Can't update disabled segment"
    await chunks.change(segment, content="elephant", enabled=True)
    assert await chunks.base.search("elephant") == ["elephant"]
    assert "Field required" in (await http.post(f"{chunks.url}/{segment}", json={})).text


async def test_deleting(chunks: Chunks) -> None:
    http = chunks.base.http
    for row in (await http.get(chunks.url)).json()["data"]:
        gone = await http.delete(f"{chunks.url}/{row['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await http.delete(f"{chunks.url}/{row['id']}")).json()["message"] == (
            "Segment not found."
        )
    assert await chunks.words() == 0
    assert await chunks.base.search("one two") == []
    assert (await chunks.base.get(chunks.document))["display_status"] == "available"


async def test_listing(chunks: Chunks) -> None:
    http = chunks.base.http

    async def contents(**params: Any) -> list[str]:
        return [
            row["content"] for row in (await http.get(chunks.url, params=params)).json()["data"]
        ]

    await chunks.add({"content": "Two_%"})
    assert await contents() == ["one", "two", "Two_%"]
    assert await contents(keyword="TWO") == ["two", "Two_%"]
    assert await contents(keyword="o_%") == ["Two_%"]
    assert await contents(status=["completed", "error"]) == ["one", "two", "Two_%"]
    assert await contents(status="waiting") == []
    assert await contents(page="x", limit="y") == ["one", "two", "Two_%"]
    assert await contents(limit=2, page=2) == ["Two_%"]
    assert (await http.get(chunks.url, params={"limit": 0})).status_code == 400
    listed = (await http.get(chunks.url, params={"limit": 2})).json()
    assert list(listed) == ["data", "doc_form", "total", "has_more", "limit", "page"]


async def test_a_chunk_is_found_through_its_own_document_only(chunks: Chunks) -> None:
    http = chunks.base.http
    segment = (await http.get(chunks.url)).json()["data"][0]["id"]
    other = Chunks(chunks.base, await chunks.base.indexed("b.txt", "x"))
    for url in (f"{other.url}/{segment}", f"{chunks.url}/{UNKNOWN}"):
        assert (await http.get(url)).json()["message"] == "Segment not found."


async def test_an_update_wipes_chunks_made_by_hand(chunks: Chunks) -> None:
    await chunks.add({"content": "by hand"})
    await chunks.base.update(chunks.document, "a.txt", "new")
    await chunks.base.settled(chunks.document)
    assert await chunks.base.chunks(chunks.document) == ["new"]


async def test_child_chunks(chunks: Chunks) -> None:
    http = chunks.base.http
    segment = (await http.get(chunks.url)).json()["data"][0]["id"]
    url = f"{chunks.url}/{segment}/child_chunks"
    empty = {"data": [], "total": 0, "total_pages": 0, "page": 1, "limit": 20}
    assert (await http.get(url)).json() == empty
    children = []
    for number in range(3):
        made = (await http.post(url, json={"content": f"child {number}"})).json()["data"]
        assert (made["position"], made["type"]) == (number + 1, "customized")
        children.append(made["id"])
    page = (await http.get(url, params={"limit": 2, "page": 2})).json()
    assert [row["content"] for row in page["data"]] == ["child 2"]
    assert (page["total"], page["total_pages"]) == (3, 2)
    assert (await http.get(url, params={"limit": 500})).json()["limit"] == 100
    patched = await http.patch(f"{url}/{children[0]}", json={"content": "new"})
    assert (patched.json()["data"]["content"], patched.json()["data"]["word_count"]) == ("new", 3)
