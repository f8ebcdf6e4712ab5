"""Leases: one process works on a shard, by the database's clock, whatever is stopped or lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster import Cluster
from cluster_samples import Joining, end_connections, let_end, refusal, slot, slot_with
from ledger_samples import bound, entry, key, put

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.leases import Lease, Leases
from kbsync.cluster.partition import Partition
from kbsync.ledger import LedgerStore


def whole(database: ClusterDatabase) -> int:
    """The id of the one shard of a new mirror."""
    partition = Partition(database)
    partition.make_whole("docs")
    (shard,) = partition.shards("docs")
    return shard.id


def taken(leases: Leases, shard: int, **options: bool) -> Lease:
    lease = leases.take(shard, **options)
    assert lease is not None
    return lease


def test_one_has_a_shard_until_it_lets_go(joining: Joining) -> None:
    one, other = Leases(joining(), "one"), Leases(joining(), "other")
    shard = whole(joining())
    lease = taken(one, shard)
    assert other.take(shard) is None
    one.release(lease)
    again = taken(other, shard)
    assert (again.epoch, again.holder) == (lease.epoch + 1, "other")
    one.release(lease)  # it is not its own any more
    assert one.take(shard) is None


def test_what_is_over_is_taken_and_what_is_renewed_is_not(joining: Joining) -> None:
    one, other = Leases(joining(), "one"), Leases(joining(), "other")
    shard = whole(joining())
    lease = taken(one, shard)
    let_end(joining())
    assert one.renew([lease]) == ()
    assert other.take(shard) is None
    let_end(joining())
    taken(other, shard)
    assert one.renew([lease]) == (lease,)
    assert one.compared(lease, files=1, seconds=1.0) is None
    assert Partition(joining()).split(lease, "m") is None


def test_only_what_is_dirty_and_not_put_off_is_taken(database: ClusterDatabase) -> None:
    leases, partition = Leases(database, "w"), Partition(database)
    shard = whole(database)
    lease = taken(leases, shard)
    done = leases.compared(lease, files=7, seconds=1.5)
    assert done is not None
    assert done.dirty_since is None
    leases.release(done)
    assert leases.take(shard) is None
    leases.release(taken(leases, shard, due=False))
    partition.mark_all("docs")
    leases.release(taken(leases, shard), put_off=60.0)
    assert leases.take(shard) is None
    partition.mark("docs", ["a"], urgent=False)
    assert leases.take(shard) is None
    partition.mark("docs", ["a"], urgent=True)
    assert taken(leases, shard).urgent


def test_a_mark_during_a_job_stays(database: ClusterDatabase) -> None:
    leases, partition = Leases(database, "w"), Partition(database)
    lease = taken(leases, whole(database))
    partition.mark("docs", ["a"], urgent=True)
    again = leases.compared(lease, files=1, seconds=1.0)
    assert again is not None
    assert again.dirty_since is not None
    assert again.urgent
    done = leases.compared(again, files=1, seconds=1.0)
    assert done is not None
    assert (done.dirty_since, done.urgent) == (None, False)


def test_who_lost_the_lease_commits_nothing(address: str, joining: Joining) -> None:
    leases = Leases(joining(), "one")
    shard = whole(joining())
    store = slot_with(address, taken(leases, shard))
    put(bound(store), entry("a"))
    let_end(joining())
    put(store, entry("b"))  # over, but nobody has taken it
    taken(Leases(joining(), "other"), shard)
    assert refusal(lambda: put(store, entry("c"))) == "KB-L452"
    assert [each.key.path for each in store.entries("docs")] == ["a", "b"]
    store.close()


def test_who_takes_a_lease_waits_for_the_transaction_that_relies_on_it(
    address: str, joining: Joining
) -> None:
    shard = whole(joining())
    store = slot_with(address, taken(Leases(joining(), "one"), shard))
    put(bound(store), entry("a"))
    let_end(joining())
    other, found = Leases(joining(), "other"), []
    taking = threading.Thread(target=lambda: found.append(other.take(shard)))
    with store.database.writing():
        taking.start()
        taking.join(0.3)
        assert found == []
    taking.join()
    assert [each.epoch for each in found if each] == [2]
    store.close()


def test_a_write_at_a_server_is_fenced_by_the_end_of_the_lease_too(
    address: str, joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kbsync.ledger.database.SURE", 0.0)
    leases = Leases(joining(), "one")
    lease = taken(leases, whole(joining()))
    store = slot_with(address, lease)

    def fenced() -> str:
        notice = store.fence()
        return notice.code if notice else ""

    assert fenced() == ""
    let_end(joining())
    assert fenced() == "KB-L453"
    leases.renew([lease])
    assert fenced() == ""
    let_end(joining())
    taken(Leases(joining(), "other"), lease.shard)
    assert fenced() == "KB-L452"
    assert store.lost() is None, "the slot is used for its next lease"
    store.close()


def test_a_slot_forgets_what_it_read_under_its_last_lease(address: str, joining: Joining) -> None:
    leases = Leases(joining(), "w")
    shard = whole(joining())
    first = taken(leases, shard)
    (store, tenure), (other, others) = slot(address), slot(address)
    tenure.hold(first, store)
    put(bound(store), entry("a", "doc-1"))
    assert store.entry(key("a")) == entry("a", "doc-1")
    leases.release(first)
    second = taken(leases, shard)
    others.hold(second, other)
    put(other, entry("a", "doc-2"))
    leases.release(second)
    tenure.hold(taken(leases, shard), store)
    assert store.entry(key("a")) == entry("a", "doc-2")
    tenure.hold(None, store)
    with pytest.raises(RuntimeError, match="lease"):
        put(store, entry("b"))
    store.close()
    other.close()


# -- another process, stopped and lost -------------------------------------------------------------

WORKER = """
import sys, time
sys.path[:0] = {paths!r}
shift = float(sys.argv[2])
real = time.time
time.time = lambda: real() + shift
from kbsync.cluster import shared_tenure
shared_tenure.LIMITS = shared_tenure.LIMITS.replace("10s", "1s")
from cluster_samples import slot_with
from ledger_samples import entry, put
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.leases import Leases
from kbsync.engine.ports import EntryChange
from kbsync.messages import Problem
address = sys.argv[1]
database = ClusterDatabase(address, "kbsync work")
lease = Leases(database, "stopped", lasting=1.5).take(int(sys.argv[3]))
store = slot_with(address, lease)
put(store, entry("before"))
def said(work):
    try:
        work()
        print("done", flush=True)
    except Problem as problem:
        print(problem.notice.code, flush=True)
def amid():
    with store.database.writing() as connection:
        store._replace(connection, *store_rows)
        print("amid", flush=True)
        sys.stdin.readline()
from kbsync.ledger.tables import ENTRIES
from kbsync.ledger.transactions import _Folded
store_rows = ENTRIES, _Folded.of([EntryChange(key=entry("amid").key, entry=entry("amid"))]).entries
print("ready", flush=True)
if sys.stdin.readline() == "amid\\n":
    said(amid)
said(lambda: put(store, entry("after")))
"""
HERE = Path(__file__).parent
PATHS = [str(HERE), str(HERE.parents[1]), str(HERE.parent / "ledger")]


class Worker:
    """A process that has the lease of a shard and has written the entry `before`."""

    def __init__(self, address: str, shard: int, shift: float) -> None:
        pipe = subprocess.PIPE
        words = [sys.executable, "-c", WORKER.format(paths=PATHS), address, str(shift), str(shard)]
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()


Starting = Callable[..., Worker]


@contextmanager
def worker_at(address: str, shard: int, shift: float = 0.0) -> Iterator[Worker]:
    worker = Worker(address, shard, shift)
    try:
        assert worker.says() == "ready"
        yield worker
    finally:
        worker.process.kill()
        worker.process.communicate()


def paths(address: str) -> list[str]:
    with LedgerStore.open(address, readonly=True) as reader:
        return [each.key.path for each in reader.entries("docs")]


def bound_ledger(address: str) -> None:
    with LedgerStore.open(address) as ordinary:
        bound(ordinary)


def soon(leases: Leases, shard: int) -> Lease:
    """Take a shard as soon as it is free."""
    end = time.monotonic() + 10
    while (lease := leases.take(shard)) is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    return lease


@pytest.mark.seconds(6)
@pytest.mark.parametrize("shift", [-7200.0, 7200.0], ids=["clock behind", "clock ahead"])
def test_who_is_stopped_amid_a_transaction_writes_nothing_of_it(
    address: str, joining: Joining, shift: float
) -> None:
    bound_ledger(address)
    shard = whole(joining())
    with worker_at(address, shard, shift) as worker:
        worker.tell("amid")
        assert worker.says() == "amid"
        worker.process.send_signal(signal.SIGSTOP)
        lease = soon(Leases(joining(), "next"), shard)
        store = slot_with(address, lease)
        put(store, entry("mine"))
        worker.process.send_signal(signal.SIGCONT)
        worker.tell("go on")
        assert worker.says() in {"KB-L043", "KB-L046"}
        assert worker.says() in {"KB-L452", "KB-L043"}
        assert paths(address) == ["before", "mine"]
        store.close()


@pytest.mark.seconds(5)
def test_who_is_stopped_between_two_transactions_writes_nothing_more(
    address: str, joining: Joining
) -> None:
    bound_ledger(address)
    shard = whole(joining())
    with worker_at(address, shard) as worker:
        worker.process.send_signal(signal.SIGSTOP)
        lease = soon(Leases(joining(), "next"), shard)
        assert lease.epoch == 2
        worker.process.send_signal(signal.SIGCONT)
        worker.tell("go on")
        assert worker.says() == "KB-L452"
        assert paths(address) == ["before"]


def test_who_was_killed_has_a_shard_until_its_lease_ends(address: str, joining: Joining) -> None:
    bound_ledger(address)
    shard = whole(joining())
    with worker_at(address, shard) as worker:
        worker.process.kill()
        next_ = Leases(joining(), "next")
        assert next_.take(shard) is None
        assert soon(next_, shard).epoch == 2


def test_a_lost_connection_costs_no_lease(
    address: str, cluster: Cluster, database: ClusterDatabase
) -> None:
    leases = Leases(database, "w")
    lease = taken(leases, whole(database))
    store = slot_with(address, lease)
    put(bound(store), entry("a"))
    end_connections(cluster)
    assert refusal(lambda: put(store, entry("b"))) == "KB-L043"
    put(store, entry("b"))
    assert refusal(lambda: leases.renew([lease])) == "KB-L043"
    assert leases.renew([lease]) == ()
    store.close()
