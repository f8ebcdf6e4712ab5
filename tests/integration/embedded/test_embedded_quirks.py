import sqlite3
from pathlib import Path

import anyio
import pytest
from embedded_client import AUTOMATIC, Base, make_base, new_base, running

from kbsync.embedded import QUIRKS, quirks
from kbsync.embedded.quirks import Quirks
from kbsync.embedded.replies import EnvelopeError

pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_each_quirk_has_a_sentence() -> None:
    assert all(text.endswith(".") and len(text) < 160 for text in QUIRKS.values())
    assert Quirks(["cloud-throttle=3"]).throttle_limit == 3
    assert Quirks({"locking-toggles": "1.5"}).toggle_lock_seconds == 1.5
    assert not any(name in Quirks() for name in QUIRKS)


async def test_wedging_update(store: Path) -> None:
    async with new_base(store, ["wedging-update"], workers=2) as base:
        reply = await base.http.get("/datasets")
        assert reply.headers["x-version"] == "1.12.1"
        empty = await base.indexed("empty.md", "")
        await base.update(empty, "empty.md", "now with text")
        assert (await base.settled(empty))["segment_count"] == 1  # no chunks, no fault
        wedged = await base.indexed("a.md", "old")
        updated = await base.update(wedged, "a.md", "new")
        await base.reaches(wedged, "indexing")
        batch = updated.json()["batch"]
        progress = await base.http.get(f"{base.url}/documents/{batch}/indexing-status")
        row = progress.json()["data"][0]
        assert (row["completed_segments"], row["total_segments"]) == (0, 1)
        # One slot is left, so others still get through; the next wedge takes it.
        await base.indexed("b.md", "other")
        same = await base.upload("a.md", "recover?")
        assert same.json()["document"]["id"] == wedged
        stuck = (await base.upload("c.md", "no thread is left")).json()["document"]["id"]
        with pytest.raises(TimeoutError):
            await base_settles_soon(base, stuck)
        assert (await base.get(wedged))["indexing_status"] == "waiting"
    async with running(store, ["wedging-update"]) as http:
        base = Base(http, base.id)
        assert (await base.settled(stuck))["indexing_status"] == "completed"
        assert (await base.get(wedged))["indexing_status"] == "waiting"
        assert await base.indexed("a.md", "recovered") == wedged
        assert await base.chunks(wedged) == ["recovered"]


async def base_settles_soon(base: Base, document: str) -> None:
    with anyio.fail_after(0.5):
        await base.settled(document)


async def test_cloud_throttle(store: Path) -> None:
    async with running(store, ["cloud-throttle=3"]) as http:
        base = await make_base(http)
        assert (await base.upload("a.md", "x")).status_code == 200
        assert (await http.delete(f"{base.url}/documents/{UNKNOWN}")).status_code == 404
        for _ in range(2):
            refused = await base.upload("b.md", "x")
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            assert "knowledge base request rate limit" in refused.json()["message"]
        assert await base.names() == ["a.md"]
        assert (await base.toggle("archive")).status_code == 200
        assert (await http.get("/datasets/tags")).status_code == 200


async def test_a_refused_call_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 100.0
    monkeypatch.setattr(quirks.time, "monotonic", lambda: moment)
    window = quirks.CloudRateLimit(limit=1)
    window.count()
    moment = 159.0
    with pytest.raises(EnvelopeError):
        window.count()
    moment = 161.0  # the first call is over, the refused one still fills the window
    with pytest.raises(EnvelopeError):
        window.count()
    moment = 221.5
    window.count()


async def test_locking_toggles(store: Path) -> None:
    async with new_base(store, ["locking-toggles"]) as base:
        document = await base.indexed("a.md", "x")
        assert (await base.toggle("disable", document)).status_code == 200
        for action in ("enable", "disable", "archive"):
            locked = await base.toggle(action, document)
            assert locked.json() == {
                "code": "invalid_action",
                "message": "Document:a.md is being indexed, please try again later",
                "status": 400,
            }
        with sqlite3.connect(store) as db:
            left = db.execute("SELECT locked_until - unixepoch() FROM document").fetchone()[0]
            assert 590 < left <= 601
            db.execute("UPDATE document SET locked_until = unixepoch()")
        assert (await base.toggle("enable", document)).status_code == 200
        assert (await base.get(document))["enabled"] is True


async def test_tags_work_unless_they_are_broken(store: Path) -> None:
    async with new_base(store) as base:
        http = base.http
        tag = (await http.post("/datasets/tags", json={"name": "red"})).json()["id"]
        again = await http.post("/datasets/tags", json={"name": "red"})
        assert again.json()["message"] == "Tag name already exists"
        bound = {"tag_ids": [tag], "target_id": base.id}
        for _ in range(2):
            assert (await http.post("/datasets/tags/binding", json=bound)).status_code == 204
        await http.patch("/datasets/tags", json={"name": "blue", "tag_id": tag})
        assert (await http.get("/datasets/tags")).json() == [
            {"id": tag, "name": "blue", "type": "knowledge", "binding_count": 1}
        ]
        of_base = (await http.get(f"{base.url}/tags")).json()
        assert of_base == {"data": [{"id": tag, "name": "blue"}], "total": 1}
        await make_base(http, "Other")
        found = (await http.get("/datasets", params={"tag_ids": tag})).json()
        assert [row["name"] for row in found["data"]] == ["Docs"]
        empty = {"tag_ids": [], "target_id": base.id}
        assert (
            "Tag IDs is required."
            in ((await http.post("/datasets/tags/binding", json=empty)).json()["message"])
        )
    async with running(store, ["broken-tags"]) as http:
        made = await http.post("/datasets/tags", json={"name": "green"})
        assert made.json()["message"].startswith("1 validation error for DataSetTag")
        listed = await http.get("/datasets/tags")
        assert listed.json()["message"].startswith("2 validation errors for list[DataSetTag]")
        filtered = await http.get("/datasets", params={"tag_ids": tag})
        assert "Input should be a valid list" in filtered.json()["message"]
        names = (await http.get(f"{base.url}/tags")).json()["data"]
        assert [row["name"] for row in names] == ["blue"]
        gone = await http.request("DELETE", "/datasets/tags", json={"tag_id": tag})
        assert gone.status_code == 204


async def test_overlapping_uploads(store: Path) -> None:
    async with new_base(store, ["overlapping-uploads"], indexing_delay=1.0) as base:
        first = (await base.upload("a.md", "text")).json()["document"]["id"]
        await base.upload("a.md", "newer")
        await base.settled(first)
        assert await base.chunks(first) == ["newer", "newer"]
        await base.indexed("a.md", "alone", AUTOMATIC)
        assert await base.chunks(first) == ["alone"]
