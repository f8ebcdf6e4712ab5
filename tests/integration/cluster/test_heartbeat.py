"""Who is at work, and the time that all go by."""

from __future__ import annotations

import time

import pytest
from cluster import Cluster
from cluster_samples import Joining, slot
from ledger_samples import bound, entry, key, line, put

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import DatabaseTime
from kbsync.cluster.heartbeat import Heartbeat
from kbsync.cluster.lease_tenure import LeaseTenure
from kbsync.cluster.leases import Leases
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition
from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore


def heart(database: ClusterDatabase, clock: DatabaseTime) -> tuple[Heartbeat, Leases]:
    members = Members(database, "work")
    leases = Leases(database, members.holder)
    return Heartbeat(database, members, leases, clock), leases


def test_who_is_seen_is_at_work(joining: Joining) -> None:
    one, other = Members(joining(), "work"), Members(joining(), "watch")
    one.seen(), other.seen(), one.seen()
    assert [(each.id, each.role) for each in one.at_work()] == [
        (one.id, "work"),
        (other.id, "watch"),
    ]
    other.leave()
    assert [each.id for each in other.at_work()] == [one.id]
    assert one.at_work(silence=0.0) == ()
    one.expire(silence=0.0)
    assert one.at_work() == ()


def test_a_beat_renews_what_is_held_and_says_what_is_lost(joining: Joining) -> None:
    beats, leases = heart(joining(), DatabaseTime())
    partition = Partition(joining())
    partition.make_whole("docs")
    lease = leases.take(1)
    assert lease is not None
    assert beats.beat([lease]) == ()
    partition.forget("docs")
    assert beats.beat([lease]) == (lease,)


@pytest.mark.parametrize("shift", [-7200.0, 7200.0])
def test_the_clock_of_a_process_counts_for_nothing(
    address: str, joining: Joining, shift: float
) -> None:
    clock = DatabaseTime(steady=lambda: time.monotonic() + shift)
    beats, _ = heart(joining(), clock)
    beats.beat([])
    # The database runs on this machine.
    assert clock.now() == pytest.approx(time.time(), abs=2.0)
    tenure = LeaseTenure(joining().location)
    with LedgerStore.open(address, tenure=tenure, wall=clock.now) as store:
        assert store.clock.now() == pytest.approx(time.time(), abs=2.0)


def test_it_never_goes_back(address: str, database: ClusterDatabase) -> None:
    answers = [1000.0, 500.0, 2000.0]
    clock = DatabaseTime(steady=lambda: 0.0)
    clock.measure(lambda: answers[0])
    with LedgerStore.open(address, tenure=LeaseTenure(database.location), wall=clock.now) as store:
        seen = [store.clock.now()]
        for answer in answers[1:]:
            clock.measure(lambda answer=answer: answer)  # type: ignore[misc]
            seen.append(store.clock.now())
    assert seen == sorted(seen)


def test_the_time_is_recorded_by_beats_and_not_by_transactions(
    address: str, cluster: Cluster, joining: Joining
) -> None:
    def recorded() -> float:
        schema = address.rpartition("schema=")[2]
        ((found,),) = cluster.query(f"SELECT high_water FROM {schema}.meta")
        return float(str(found))

    beats, leases = heart(joining(), DatabaseTime())
    Partition(joining()).make_whole("docs")
    lease = leases.take(1)
    assert lease is not None
    store, tenure = slot(address)
    tenure.hold(lease, store)
    put(bound(store), entry("a"))
    store.commit(EntryChange(key=key("a"), journal=(line("a", at=time.time()),)))
    assert recorded() == 0.0
    beats.beat([lease])
    assert recorded() == pytest.approx(time.time(), abs=2.0)
    assert store.high_water() == recorded()
    store.close()
