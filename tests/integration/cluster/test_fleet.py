"""What the tables tell of the fleet."""

from __future__ import annotations

import pytest
from cluster_samples import Joining, let_end

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.fleet import Fleet, MirrorShards, by_role, fleet, jobs
from kbsync.cluster.jobs import Jobs
from kbsync.cluster.leases import Leases
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition
from kbsync.cluster.tables import CLUSTER, FORMAT


def told(database: ClusterDatabase) -> Fleet:
    with database.transaction() as connection:
        found = fleet(connection)
    assert found is not None
    return found


def test_shards_are_clean_dirty_or_leased(database: ClusterDatabase) -> None:
    partition, leases = Partition(database), Leases(database, "me")
    assert told(database).mirrors == {}
    partition.make_whole("docs")
    partition.make_whole("notes")
    made = told(database).mirrors
    assert list(made) == ["docs", "notes"]
    assert (made["docs"].clean, made["docs"].dirty, made["docs"].leased) == (0, 1, 0)
    oldest = partition.shards("docs")[0].dirty_since
    assert (made["docs"].dirty_since, made["docs"].dirty_for >= 0) == (oldest, True)

    lease = leases.take(partition.shards("docs")[0].id)
    assert lease is not None
    cut = partition.split(lease, "m")
    assert cut is not None
    during = told(database).mirrors["docs"]
    assert (during.clean, during.dirty, during.leased) == (0, 1, 1)
    let_end(database)
    assert told(database).mirrors["docs"].leased == 0

    done = leases.compared(cut[0], files=1, seconds=1.0)
    assert done is not None
    leases.release(done)
    behind = leases.take(cut[1].id)
    assert behind is not None
    leases.compared(behind, files=1, seconds=1.0)
    leases.release(behind)
    rests = MirrorShards(clean=2, dirty=0, leased=0, held=0, dirty_since=None, dirty_for=None)
    assert told(database).mirrors["docs"] == rests


def test_a_process_counts_once_with_all_its_roles(joining: Joining) -> None:
    database = joining()
    members = [Members(joining(), "schedule,watch"), Members(joining(), "work")]
    for each in members:
        each.seen()
    (process,) = told(database).processes
    assert process.roles == ("schedule", "watch", "work")
    assert process.since <= process.seen_at
    assert 0 <= process.silent_for < 10
    assert by_role([process, process]) == {"schedule": 2, "watch": 2, "work": 2}
    for each in members:
        each.leave()
    assert told(database).processes == ()


@pytest.mark.anyio
async def test_jobs_are_counted_where_there_are_any(database: ClusterDatabase) -> None:
    def counted() -> dict[str, int]:
        with database.transaction() as connection:
            return dict(jobs(connection, database.location))

    assert counted() == {}
    partition, sender = Partition(database), Jobs(database.location)
    partition.make_whole("docs")
    async with sender.opened():
        await sender.send(partition.shards("docs"))
        await sender.send(partition.shards("docs"))
    assert counted() == {"todo": 1, "doing": 0}


def test_tables_of_a_newer_form_tell_nothing(database: ClusterDatabase) -> None:
    database.run(CLUSTER.update().values(format=FORMAT + 1))
    with database.transaction() as connection:
        assert fleet(connection) is None
