import sqlite3
from pathlib import Path

import anyio
import pytest
from embedded_client import KEY, Base, make_base, new_base, running
from embedded_process import serving

from kbsync.embedded import StoreError

pytestmark = pytest.mark.anyio
LINES = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(30))


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with new_base(store) as base:
        document = await base.indexed("a.md", "# Kernel\n\nscheduler threads")
        before = (await base.http.get(base.url)).json()
        found = await base.get(document)
    async with running(store) as http:
        again = Base(http, base.id)
        assert (await http.get(base.url)).json() == before
        assert await again.get(document) == found
        assert await again.search("threads") == ["Kernel\nscheduler threads"]


@pytest.mark.parametrize("state", ["waiting", "parsing", "cleaning", "splitting", "indexing"])
async def test_a_stop_in_the_middle_of_indexing_is_made_good(tmp_path: Path, state: str) -> None:
    """Whatever the state, the next start ends with the chunks of one clean run."""
    store = tmp_path / "store.db"
    async with new_base(store) as base:
        clean = await base.indexed("reference.txt", LINES)
        wanted = await base.chunks(clean)
    assert len(wanted) > 10
    quirks = ["stuck-indexing"] if state == "waiting" else []
    async with running(store, quirks, indexing_delay=2.0) as http:
        base = Base(http, base.id)
        document = (await base.upload("b.txt", LINES)).json()["document"]["id"]
        await base.reaches(document, state)
    with sqlite3.connect(store) as db:
        left = db.execute("SELECT status FROM document WHERE id = ?", (document,)).fetchone()[0]
    assert left == state
    async with running(store) as http:
        base = Base(http, base.id)
        assert (await base.settled(document))["indexing_status"] == "completed"
        assert await base.chunks(document) == wanted


async def test_a_killed_server_takes_its_documents_up_again(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with serving(store, "indexing_delay=1.0") as (http, process):
        base = await make_base(http)
        documents = []
        for number in range(5):
            reply = await base.upload(f"{number}.txt", f"text number {number}")
            documents.append(reply.json()["document"]["id"])
        await base.reaches(documents[0], "splitting", "indexing")
        process.kill()
        await process.wait()
    async with running(store) as http:
        base = Base(http, base.id)
        for number, document in enumerate(documents):
            assert (await base.settled(document))["error"] is None
            assert await base.chunks(document) == [f"text number {number}"]


async def test_states_are_seen_in_their_order(tmp_path: Path) -> None:
    order = ["waiting", "parsing", "cleaning", "splitting", "indexing", "completed"]
    seen = []
    async with new_base(tmp_path / "store.db", indexing_delay=2.0) as base:
        document = (await base.upload("a.txt", "text")).json()["document"]["id"]
        with anyio.fail_after(10):
            while not seen or seen[-1] != "completed":
                status = (await base.get(document))["indexing_status"]
                if not seen or seen[-1] != status:
                    seen.append(status)
                await anyio.sleep(0.005)
    assert seen in (order, order[1:])


async def test_only_so_many_documents_are_indexed_at_once(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", indexing_delay=0.4, workers=2) as base:
        for number in range(6):
            await base.upload(f"{number}.txt", "text")
        most = 0
        with anyio.fail_after(10):
            while (await base.http.get(base.url)).json()["total_available_documents"] < 6:
                most = max(most, len(await base.names(status="indexing")))
                await anyio.sleep(0.01)
    assert most == 2


async def test_a_newer_file_format_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with running(store):
        pass
    with sqlite3.connect(store) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"newer kbsync \(format 99.*Next: use the kbsync"):
        async with running(store):
            pass


@pytest.mark.parametrize("content", [b"no database at all", None])
async def test_a_file_of_somebody_else_is_refused_and_left_alone(
    tmp_path: Path, content: bytes | None
) -> None:
    store = tmp_path / "store.db"
    if content is None:
        with sqlite3.connect(store) as db:
            db.execute("CREATE TABLE theirs (x)")
        content = store.read_bytes()
    else:
        store.write_bytes(content)
    with pytest.raises(StoreError, match="Next: kbsync serve"):
        async with running(store):
            pass
    assert store.read_bytes() == content


async def test_two_servers_never_share_a_file(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with running(store):
        with pytest.raises(StoreError, match="already served"):
            async with running(store):
                pass


async def test_the_file_is_private(tmp_path: Path) -> None:
    store = tmp_path / "folder" / "store.db"
    async with running(store):
        assert store.stat().st_mode & 0o777 == 0o600
        wal = store.with_name("store.db-wal")
        assert wal.stat().st_mode & 0o077 == 0
    assert KEY.encode() not in store.read_bytes()


async def test_what_a_replaced_or_deleted_document_held_is_gone_from_search(
    tmp_path: Path,
) -> None:
    async with new_base(tmp_path / "store.db") as base:
        document = await base.indexed("a.txt", "elephant")
        await base.indexed("a.txt", "giraffe")
        assert await base.search("elephant") == []
        assert await base.search("giraffe") == ["giraffe"]
        await base.http.delete(f"{base.url}/documents/{document}")
        assert await base.search("giraffe") == []
    with sqlite3.connect(tmp_path / "store.db") as db:
        for table in ("segment", "segment_text", "upload", "document"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
