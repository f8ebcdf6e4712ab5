"""Workers over one ledger on PostgreSQL and a real server: cuts, renames, the guard, leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from sqlalchemy import select
from typing_commands import KEY

from kbsync.app import build
from kbsync.cluster import held_back
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.drift import Drift
from kbsync.cluster.fleet import fleet as fleet_seen
from kbsync.cluster.leases import Lease
from kbsync.cluster.moves_across import Moved, MovesAcross
from kbsync.cluster.run import _reconcile
from kbsync.cluster.shard_job import ShardJob
from kbsync.cluster.tables import SHARD
from kbsync.cluster.worker import Worker, WorkerOptions, worker
from kbsync.config import Settings
from kbsync.engine.context import Context
from kbsync.engine.execute.results import Event
from kbsync.ledger import LedgerStore
from kbsync.messages import Problem
from kbsync.service.event_log import EventLog
from tests.crash.site import Base, Server, serving

pytestmark = pytest.mark.anyio
MOST, RESYNC = 10, 1.5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


@dataclass
class Fleet:
    """Workers, and what they did.

    Args:
        source: the folder of the one mirror.
        settings: as loaded.
        workers: take turns.
        base: the knowledge base, as a stranger sees it.
    """

    source: Path
    settings: Settings
    base: Base
    workers: list[Worker] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def texts(self) -> dict[str, str]:
        """The text of each document by the name of its file."""
        return {str(row["name"]): self.base.text(row).strip() for row in self.base.rows()}

    def files(self) -> dict[str, str]:
        found = (each for each in self.source.rglob("*") if each.is_file())
        paths = {each.relative_to(self.source).as_posix(): each.read_text() for each in found}
        return {path.replace("/", "∕"): text for path, text in paths.items()}

    def did(self) -> Counter[str]:
        """How often what was done, since it was asked last."""
        done = Counter(event.action for event in self.events if event.outcome == "done")
        self.events.clear()
        return done

    async def settle(self) -> None:
        """Work until no shard has anything left to do."""
        turns = cycle(self.workers)
        partition = self.workers[0].rows.partition
        with anyio.fail_after(60):
            while any(shard.dirty_since for shard in partition.shards("docs")):
                async with anyio.create_task_group() as group:
                    for shard in partition.due(4):
                        group.start_soon(next(turns).work, shard.id)
                await anyio.sleep(0.1)

    async def resync(self) -> None:
        self.workers[0].rows.partition.mark_all("docs")
        await self.settle()


@pytest.fixture
async def fleet(tmp_path: Path, server: Server, address: str) -> AsyncIterator[Fleet]:
    source = tmp_path / "docs"
    source.mkdir()
    config = tmp_path / "kbsync.yaml"
    config.write_text(
        "version: 1\n"
        f"server: {{url: '{server.url}', api_key: '{KEY}'}}\n"
        f"ledger: '{address}'\n"
        "mirrors:\n"
        "- {name: docs, source: ./docs, knowledge_base: Docs, settle: 0, delete_grace: 0,"
        f" remote_resync: {RESYNC}}}\n"
    )
    settings = build.settings_of(config)
    made = Fleet(source, settings, Base(server.url))
    options = WorkerOptions(slots=2, most=MOST, lease_seconds=5.0)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            opened = worker(settings, made.events.append, options)
            made.workers.append(await stack.enter_async_context(opened))
        made.workers[0].rows.partition.make_whole("docs")
        yield made
    made.base.close()


async def test_a_first_upload_is_cut_into_shards_and_leaves_both_sides_the_same(
    fleet: Fleet,
) -> None:
    for n in range(45):
        fleet.write(f"{n % 4}/{n:02}.md", f"page {n}")
    await fleet.settle()
    assert fleet.texts() == fleet.files()
    assert fleet.did()["create"] == 45
    shards = fleet.workers[0].rows.partition.shards("docs")
    assert len(shards) >= 4
    assert sum(shard.files or 0 for shard in shards) == 45
    await fleet.resync()
    assert fleet.did() == {}


async def test_a_rename_from_shard_to_shard_embeds_nothing(fleet: Fleet) -> None:
    for n in range(24):
        fleet.write(f"{n % 3}/{n:02}.md", f"page {n}")
    await fleet.settle()
    fleet.did()
    for path, to in (("0/00.md", "2/99.md"), ("2/02.md", "0/98.md"), ("1/01.md", "1/97.md")):
        (fleet.source / path).rename(fleet.source / to)
    (fleet.source / "1/04.md").unlink()
    fleet.write("0/new.md", "a new page")
    await fleet.resync()
    done = fleet.did()
    assert (done["move"], done["create"], done["delete"], done["update"]) == (3, 1, 1, 0)
    assert sorted(fleet.texts().values()) == sorted(fleet.files().values())


async def test_a_file_that_is_missed_elsewhere_while_it_is_new_here_is_moved(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(24):
        fleet.write(f"{n % 3}/{n:02}.md", f"page {n}")
    await fleet.settle()
    fleet.did()
    (fleet.source / "2/02.md").rename(fleet.source / "0/98.md")
    here, there = fleet.workers[0].rows.partition.shards("docs")
    look, act = MovesAcross.make, ShardJob._allowed
    missed, ended = anyio.Event(), anyio.Event()

    async def make(moves: MovesAcross, context: Context, lease: Lease, found: Any) -> Moved:
        """What other shards miss was looked for; now the other one misses it."""
        moved = await look(moves, context, lease, found)
        if lease.shard == here.id and not missed.is_set():
            group.start_soon(fleet.workers[1].work, there.id)
            await missed.wait()
        return moved

    async def allowed(job: ShardJob, *words: Any) -> Any:
        if job._lease.shard == there.id:
            missed.set()
            await ended.wait()
        return await act(job, *words)

    monkeypatch.setattr(MovesAcross, "make", make)
    monkeypatch.setattr(ShardJob, "_allowed", allowed)
    fleet.workers[0].rows.partition.mark_all("docs")
    async with anyio.create_task_group() as group:
        await fleet.workers[0].work(here.id)
        ended.set()
    await fleet.settle()
    assert fleet.did() == {"move": 1, "set_metadata": 1}


async def test_what_is_deleted_at_the_server_is_found_and_made_again(
    fleet: Fleet, database: ClusterDatabase
) -> None:
    for n in range(45):
        fleet.write(f"{n % 4}/{n:02}.md", f"page {n}")
    await fleet.settle()
    partition = fleet.workers[0].rows.partition
    assert len(partition.shards("docs")) >= 4
    drift = Drift(database, partition)
    drift.mark("docs", resync=3600.0)
    assert partition.due(10) == ()
    fleet.did()
    for row in fleet.base.rows()[::15]:
        fleet.base.delete(row)
    # The first shard lists the base, and the others are compared with what it saw.
    await anyio.sleep(RESYNC)
    drift.mark("docs", resync=RESYNC)
    assert [shard.first for shard in partition.due(10)] == [""]
    await fleet.settle()
    drift.mark("docs", resync=3600.0)
    assert len(partition.due(10)) == len(partition.shards("docs")) - 1
    await fleet.settle()
    assert fleet.texts() == fleet.files()
    assert fleet.did() == {"create": 3}
    drift.mark("docs", resync=3600.0)
    assert partition.due(10) == ()


async def _too_many_go(fleet: Fleet, *, one_of: int) -> list[tuple[str, Any]]:
    """Remove one of so many files, more than the guard lets go; return what workers log of it."""
    for n in range(60):
        fleet.write(f"{n % 6}/{n:02}.md", f"page {n}")
    await fleet.settle()
    fleet.did()
    for path in sorted(fleet.source.rglob("*.md"))[::one_of]:
        path.unlink()
    await fleet.resync()
    said = list[tuple[str, Any]]()
    log = cast("EventLog", SimpleNamespace(say=lambda event, why, **_: said.append((event, why))))
    partition = fleet.workers[0].rows.partition
    for _ in range(2):  # at first a removal waits for what other shards may have
        for shard in partition.mark_all("docs"):
            await _reconcile(fleet.workers[0], log, shard)
        partition.put_off(["docs"], None)
    return said


async def test_removals_in_many_shards_are_counted_by_the_guard_together(fleet: Fleet) -> None:
    said = await _too_many_go(fleet, one_of=3)
    assert {(event, why.code) for event, why in said} == {("held back", "KB-G011")}, said
    # Ten, or 30 % of 60, may go in an hour, whichever shards they are in.
    assert fleet.did()["delete"] <= 18
    assert len(fleet.base.rows()) >= 42


async def test_what_is_held_back_of_many_shards_is_shown_and_released_as_one(
    fleet: Fleet, database: ClusterDatabase, address: str
) -> None:
    said = await _too_many_go(fleet, one_of=2)
    left = len(fleet.base.rows()) - len(fleet.files())
    with LedgerStore.open(address, readonly=True) as ledger:
        held = ledger.held_back("docs")
        assert held is not None
        assert held.changes == left
        with pytest.raises(Problem, match="KB-G021"):
            held_back.release(database, ["0123456789ab"], [])
        with pytest.raises(Problem, match="KB-G021"):
            held_back.release(database, [held.digest], ["another mirror"])
        # What a worker logs of its shard names that shard's changes alone.
        one = str(said[-1][1].words["digest"])
        assert held_back.release(database, [one], [])[0].shards == 1
        with database.transaction() as connection:
            seen = fleet_seen(connection)
        assert seen is not None
        (released,) = held_back.release(database, [held.digest[:8]], ["docs"])
        assert seen.mirrors["docs"].held == released.shards
        assert (released.changes, released.shards > 1) == (left, True)
        await fleet.settle()
        assert fleet.texts() == fleet.files()
        assert ledger.held_back("docs") is None
    rows = database.run(select(SHARD.c.held, SHARD.c.released))
    assert {(row.held, row.released) for row in rows} == {(None, None)}


async def test_a_worker_that_lost_its_lease_sends_nothing_more(fleet: Fleet) -> None:
    for n in range(8):
        fleet.write(f"{n}.md", f"page {n}")
    first, second = fleet.workers
    (shard,) = first.rows.partition.shards("docs")
    lease = second.rows.leases.take(shard.id)
    assert lease is not None
    assert await first.work(shard.id) is None
    second.rows.leases.release(lease)
    await fleet.settle()
    assert fleet.texts() == fleet.files()


async def test_the_shards_of_a_server_that_is_away_take_no_slot_but_one(
    fleet: Fleet, server: Server
) -> None:
    for n in range(45):
        fleet.write(f"{n % 4}/{n:02}.md", f"page {n}")
    await fleet.settle()
    server.end()
    worker, partition = fleet.workers[0], fleet.workers[0].rows.partition
    partition.mark_all("docs")
    due = partition.due(10)
    assert len(due) >= 4
    with pytest.raises(Problem):
        await worker.work(due[0].id)
    assert partition.due(10) == ()
    server.start()
    # The one that is to try it is due in a while; now, as if that were over.
    partition.put_off(["docs"], 0.0)
    partition.put_off(["docs"], 60.0, but=due[0].id)
    assert [shard.id for shard in partition.due(10)] == [due[0].id]
    assert await worker.work(due[0].id) is not None
    assert len(partition.due(10)) == len(due) - 1
    await fleet.settle()
    assert fleet.texts() == fleet.files()


@pytest.mark.parametrize("when", ["it compares", "it uploads"])
async def test_a_worker_that_is_told_to_stop_leaves_its_shard_to_the_next(
    fleet: Fleet, when: str
) -> None:
    for n in range(MOST):
        fleet.write(f"{n}.md", f"page {n}")
    first, partition = fleet.workers[0], fleet.workers[0].rows.partition
    (shard,) = partition.shards("docs")

    def begun() -> bool:
        return bool(fleet.events if when == "it uploads" else partition.shards("docs")[0].holder)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(first.work, shard.id)
            while not begun():  # noqa: ASYNC110 - another process would look in the same way
                await anyio.sleep(0.001)
            first.stop()
    assert fleet.did()["create"] < MOST
    assert [each.id for each in partition.due(4)] == [shard.id]
    assert await first.work(shard.id) is None
    fleet.workers.remove(first)
    await fleet.settle()
    assert fleet.texts() == fleet.files()
