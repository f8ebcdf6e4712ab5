from pathlib import Path

import anyio
import httpx
import pytest
from embedded_client import AUTOMATIC, Base

from kbsync.embedded.sqlite_store import SqliteStore

pytestmark = pytest.mark.anyio


async def upload_all(base: Base, names: list[str]) -> list[httpx.Response]:
    replies: list[httpx.Response] = []

    async def upload(name: str, number: int) -> None:
        replies.append(await base.upload(name, f"version {number} of {name}"))

    async with anyio.create_task_group() as tasks:
        for number, name in enumerate(names):
            tasks.start_soon(upload, name, number)
    return replies


async def test_one_name_sixteen_times_at_once_is_one_document(base: Base) -> None:
    replies = await upload_all(base, ["same.txt"] * 16)
    documents = {reply.json()["document"]["id"] for reply in replies}
    assert len(documents) == 1
    assert len({reply.json()["batch"] for reply in replies}) == 16
    document = documents.pop()
    await base.settled(document)
    # The last one in wins, once: the chunks are those of the file the document names now.
    listed = (await base.http.get(f"{base.url}/documents")).json()["data"][0]
    revs = {reply.json()["document"]["data_source_info"]["upload_file_id"] for reply in replies}
    assert listed["data_source_info"]["upload_file_id"] in revs
    assert len(await base.chunks(document)) == 1


async def test_deleting_while_indexing_leaves_nothing_behind(base: Base) -> None:
    replies = await upload_all(base, [f"{number}.txt" for number in range(12)])
    async with anyio.create_task_group() as tasks:
        for reply in replies:
            document = reply.json()["document"]["id"]
            tasks.start_soon(base.http.delete, f"{base.url}/documents/{document}")
    assert await base.names() == []
    kept = await base.indexed("after.txt", "version after")
    assert await base.search("version", top_k=50) == ["version after"]
    assert (await base.get(kept))["position"] == 1


async def test_racing_creates_of_one_base_name(base: Base) -> None:
    statuses: list[int] = []

    async def make() -> None:
        statuses.append((await base.http.post("/datasets", json={"name": "Race"})).status_code)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(make)
    assert sorted(statuses) == [200] + [409] * 7


async def test_a_base_deleted_under_its_uploads_is_gone(base: Base) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(base.upload, f"{number}.txt", "text")
        tasks.start_soon(base.http.delete, base.url)
    assert (await base.upload("late.txt", "text", AUTOMATIC)).status_code == 404
    again = await base.http.post("/datasets", json={"name": "Docs"})
    assert again.status_code == 200


def test_a_reply_is_read_from_one_state(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    counted = "SELECT count(*) FROM tag"
    with store.reading() as db:
        assert db.execute(counted).fetchone()[0] == 0
        with store.writing() as writer:
            writer.execute("INSERT INTO tag (id, name) VALUES ('1', 'one')")
        assert db.execute(counted).fetchone()[0] == 0
    with store.reading() as db:
        assert db.execute(counted).fetchone()[0] == 1
    store.close()
