"""Either an ordinary process writes the ledger or a cluster: the lock, the era, and the tables."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cluster import Cluster
from cluster_samples import Joining, end_connections, refusal, slot, slot_with
from ledger_samples import bound, entry, key, put
from sqlalchemy import select

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.leases import Leases
from kbsync.cluster.partition import Partition
from kbsync.cluster.tables import CLUSTER
from kbsync.ledger import LedgerStore, migrate
from kbsync.ledger.tables import META
from kbsync.messages import Problem


def schema_of(address: str) -> str:
    return address.rpartition("schema=")[2]


def test_processes_of_a_cluster_share_the_ledger_and_no_other_comes_in(
    address: str, joining: Joining
) -> None:
    joining(), joining()
    slot(address)[0].close()
    with pytest.raises(Problem, match="processes at work: 1") as caught:
        LedgerStore.open(address)
    assert caught.value.notice.code == "KB-L450"
    LedgerStore.open(address, readonly=True).close()


def test_a_cluster_waits_for_an_ordinary_process(address: str) -> None:
    with LedgerStore.open(address, command="kbsync apply"):
        with pytest.raises(Problem, match="kbsync apply") as caught:
            ClusterDatabase(address)
        assert caught.value.notice.code == "KB-L451"
        assert refusal(lambda: slot(address)) == "KB-L451"
    ClusterDatabase(address).close()


def test_a_cluster_that_has_ended_is_no_obstacle(address: str) -> None:
    database = ClusterDatabase(address)
    store, _ = slot(address)
    database.close()
    assert refusal(lambda: LedgerStore.open(address)) == "KB-L450"
    store.close()
    LedgerStore.open(address).close()


def test_a_ledger_in_a_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    with pytest.raises(Problem, match=r"`ledger:` names the file .*ledger\.db") as caught:
        ClusterDatabase(str(place))
    assert "kbsync ledger copy" in caught.value.notice.next
    assert not place.exists()


def test_many_first_processes_at_once_make_one_ledger(address: str) -> None:
    opened: list[ClusterDatabase] = []
    threads = [
        threading.Thread(target=lambda: opened.append(ClusterDatabase(address))) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(opened) == 4
    found = [opened[0].run(select(each.c.generation))[0] for each in (META, CLUSTER)]
    assert [tuple(each) for each in found] == [(1,), (1,)]
    for each in opened:
        each.close()


def test_an_ordinary_process_that_was_away_writes_nothing_after_a_cluster(
    address: str, cluster: Cluster
) -> None:
    with LedgerStore.open(address) as store:
        put(bound(store), entry("a"))
        end_connections(cluster)
        ClusterDatabase(address).close()
        codes = {refusal(lambda: put(store, entry("b"))) for _ in range(2)}
        assert "KB-L045" in codes
        assert refusal(lambda: put(store, entry("b"))) == "KB-L045"


def test_a_worker_that_was_away_while_an_ordinary_process_wrote_has_lost_its_lease(
    address: str, cluster: Cluster
) -> None:
    with LedgerStore.open(address) as ordinary:
        bound(ordinary)
    database = ClusterDatabase(address)
    partition, leases = Partition(database), Leases(database, "w")
    partition.make_whole("docs")
    lease = leases.take(1)
    assert lease is not None
    assert leases.compared(lease, files=0, seconds=0.0)
    store, tenure = slot(address)
    tenure.hold(lease, store)
    put(store, entry("a"))
    end_connections(cluster)
    with LedgerStore.open(address) as ordinary:
        put(ordinary, entry("b"))
        assert {refusal(lambda: put(store, entry("c"))) for _ in range(2)} == {
            "KB-L043",
            "KB-L451",
        }
    assert refusal(lambda: put(store, entry("c"))) == "KB-L452"
    assert refusal(lambda: partition.due(9)) == "KB-L043"
    # What the other one did is not known: all is compared again, and the store goes on.
    (due,) = partition.due(9)
    again = leases.take(due.id)
    assert again is not None
    tenure.hold(again, store)
    put(store, entry("c"))
    assert [each.key.path for each in store.entries("docs")] == ["a", "b", "c"]
    store.close()
    database.close()


def test_the_processes_of_an_era_do_not_end_each_other(
    address: str, cluster: Cluster, joining: Joining
) -> None:
    one, other = joining(), joining()
    Partition(one).make_whole("docs")
    lease = Leases(one, "w").take(1)
    assert lease is not None
    store = slot_with(address, lease)
    bound(store)
    end_connections(cluster)
    assert refusal(lambda: Partition(other).due(1)) == "KB-L043"
    assert Partition(other).due(1) == ()
    assert refusal(lambda: put(store, entry("a"))) == "KB-L043"
    put(store, entry("a"))
    store.close()


def test_a_newer_cluster_is_left_alone(address: str, cluster: Cluster) -> None:
    ClusterDatabase(address).close()
    cluster.query(f"UPDATE {schema_of(address)}.cluster SET format = 99")
    assert refusal(lambda: ClusterDatabase(address)) == "KB-L454"
    LedgerStore.open(address).close()


def test_a_ledger_is_upgraded_by_nobody_while_a_cluster_works(
    address: str, joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    joining()
    monkeypatch.setattr("kbsync.cluster.shared_tenure.REVISION", "9999")
    monkeypatch.setattr(migrate, "REVISION", "9999")
    assert refusal(lambda: ClusterDatabase(address)) == "KB-L450"


def test_a_ledger_that_was_removed_is_not_made_again(
    address: str, cluster: Cluster, database: ClusterDatabase
) -> None:
    store, _ = slot(address)
    cluster.query(f"DROP SCHEMA {schema_of(address)} CASCADE")
    found = store.fence()
    assert found is not None
    assert found.code == "KB-L193"
    end_connections(cluster)
    assert [refusal(lambda: Partition(database).due(1)) for _ in range(2)] == [
        "KB-L043",
        "KB-L193",
    ]
    store.close()


def test_copies_backups_and_checks_pass_the_cluster_by(
    address: str, cluster: Cluster, tmp_path: Path
) -> None:
    with ClusterDatabase(address) as database:
        Partition(database).make_whole("docs")
    with LedgerStore.open(address) as store, LedgerStore.open(cluster.fresh()) as other:
        put(bound(store), entry("a"))
        assert store.health().faults == ()
        store.backup(tmp_path / "backup.db")
        assert store.copy_to(other).rows["entries"] == 1
    with LedgerStore.open(tmp_path / "backup.db") as file, ClusterDatabase(address):
        assert file.entry(key("a")) is not None
