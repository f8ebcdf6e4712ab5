"""The database of the jobs ends amid work: that is said with a code, and ends no process."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread
import psycopg
import pytest
from cluster import Cluster

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.drift import Drift
from kbsync.cluster.jobs import SCHEDULE, Jobs
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition
from kbsync.cluster.scheduler import Scheduler
from kbsync.cluster.tables import SHARD
from kbsync.messages import Problem

pytestmark = pytest.mark.anyio
Work = Callable[[Jobs, Partition], Awaitable[None]]


@contextmanager
def locked(cluster: Cluster, lock: str) -> Iterator[None]:
    """Have others wait for what `lock`, a statement, takes."""
    with psycopg.connect(f"host={cluster.folder} user=kbsync dbname=kbsync") as connection:
        connection.execute(lock)
        yield


async def end_who_waits(cluster: Cluster) -> None:
    """End the connections that wait for a lock, as soon as one does."""
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    await anyio.to_thread.run_sync(_soon, lambda: cluster.query(ended))


def _soon(done: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def lock_of(jobs: str) -> str:
    return f'LOCK TABLE "{jobs}".procrastinate_jobs IN ACCESS EXCLUSIVE MODE'


async def send(jobs: Jobs, partition: Partition) -> None:
    await jobs.send(partition.shards("docs"))


async def deliver_again(jobs: Jobs, partition: Partition) -> None:
    await jobs.deliver_again()


@pytest.mark.parametrize("work", [send, deliver_again])
async def test_amid_a_call(work: Work, cluster: Cluster, database: ClusterDatabase) -> None:
    jobs, partition = Jobs(database.location), Partition(database)
    partition.make_whole("docs")
    async with jobs.opened():
        with locked(cluster, lock_of(f"{database.location.schema}_jobs")):
            async with anyio.create_task_group() as group:
                group.start_soon(end_who_waits, cluster)
                with pytest.raises(Problem) as caught:
                    await work(jobs, partition)
        assert caught.value.notice.code == "KB-L043"
        await work(jobs, partition)  # with another connection


async def test_while_its_tables_are_made(cluster: Cluster, database: ClusterDatabase) -> None:
    name = f"{database.location.schema}_jobs"
    with locked(cluster, f"SELECT pg_advisory_xact_lock(hashtextextended('{name}', 0))"):
        async with anyio.create_task_group() as group:
            group.start_soon(end_who_waits, cluster)
            with pytest.raises(Problem) as caught:
                async with Jobs(database.location).opened():
                    pass
    assert caught.value.notice.code == "KB-L043"


async def test_amid_upkeep(
    cluster: Cluster, database: ClusterDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    jobs, partition = Jobs(database.location), Partition(database)
    partition.make_whole("docs")
    members, said = Members(database, "schedule"), anyio.Event()
    scheduler = Scheduler([], partition, Drift(database, partition), members, jobs, 9)
    found: list[tuple[str, Problem]] = []

    def put_off(work: str, problem: Problem) -> None:
        found.append((work, problem))
        said.set()

    scheduler.register(put_off)
    async with jobs.opened(), anyio.create_task_group() as group:
        schema = database.location.schema
        with locked(cluster, f'LOCK TABLE "{schema}".{SHARD.name} IN ACCESS EXCLUSIVE MODE'):
            group.start_soon(jobs.work, [SCHEDULE], 2)
            await end_who_waits(cluster)
        with anyio.fail_after(20):
            await said.wait()
        group.cancel_scope.cancel()
    (work, problem) = found[0]
    assert work == "send what is due"
    assert problem.notice.code == "KB-L043"
    assert not [each for each in caplog.records if each.exc_info]
