"""Shards: whatever is cut and joined, every path is in one, and no edit is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.leases import Lease, Leases
from kbsync.cluster.partition import Partition, Shard

PATHS = ["a", "a/b", "b", "b-1", "b/x", "c", "é", "z", "\uffee", "\U0001f600"]


def covers(shards: tuple[Shard, ...]) -> bool:
    """Whether shards have every path once."""
    firsts = [each.first for each in shards]
    ends = [each.end for each in shards]
    return firsts[:1] == [""] and ends == [*firsts[1:], None] and firsts == sorted(set(firsts))


def test_a_mirror_is_whole_at_first(database: ClusterDatabase) -> None:
    partition = Partition(database)
    assert partition.at("docs", "a") is None
    partition.make_whole("docs")
    partition.make_whole("docs")
    (shard,) = partition.shards("docs")
    assert (shard.first, shard.end, shard.holder) == ("", None, None)
    assert shard.dirty_since is not None
    assert partition.at("docs", "anything") == shard


def test_a_mark_of_a_mirror_without_shards_makes_it_whole(database: ClusterDatabase) -> None:
    partition = Partition(database)
    marked = partition.mark("docs", ["a"], urgent=True)
    assert [each.id for each in partition.due(9)] == list(marked)
    assert len(partition.mark_all("other")) == 1


def cut(partition: Partition, leases: Leases, *places: str) -> tuple[int, ...]:
    """Cut a new mirror at `places`; return the ids of its shards, all of them clean."""
    partition.make_whole("docs")
    for place in places:
        shard = partition.at("docs", place)
        assert shard is not None
        lease = leases.take(shard.id)
        assert lease is not None
        assert partition.split(lease, place) is not None
        leases.release(lease)
    for each in partition.shards("docs"):
        lease = leases.take(each.id)
        assert lease is not None
        assert leases.compared(lease, files=2, seconds=1.0)
        leases.release(lease)
    return tuple(each.id for each in partition.shards("docs"))


def test_a_path_is_in_the_shard_of_its_range(database: ClusterDatabase) -> None:
    partition, leases = Partition(database), Leases(database, "w")
    first, second, third = cut(partition, leases, "b", "c")
    found = {path: partition.at("docs", path) for path in ("", "a\U0001f600", "b", "bz", "c", "z")}
    assert [each.id for each in found.values() if each] == [
        *(first, first, second, second, third, third)
    ]
    assert partition.mark("docs", ["bz", "b", "a"], urgent=False) == (first, second)
    assert partition.oldest_unseen("docs", except_shard=first) is not None
    assert partition.oldest_unseen("other", except_shard=first) is None


def test_fresh_edits_come_first_then_what_waits_longest(database: ClusterDatabase) -> None:
    partition, leases = Partition(database), Leases(database, "w")
    first, second, third = cut(partition, leases, "b", "c")
    for path in ("c", "a", "b"):
        partition.mark("docs", [path], urgent=False)
    partition.mark("docs", ["b"], urgent=True)
    assert [each.id for each in partition.due(9)] == [second, third, first]
    assert [each.id for each in partition.due(1, "docs")] == [second]
    assert partition.due(9, "other") == ()
    leases.take(second)
    assert [each.id for each in partition.due(9)] == [third, first]


def test_a_shard_is_cut_within_its_range_alone(database: ClusterDatabase) -> None:
    partition, leases = Partition(database), Leases(database, "w")
    _, second, _ = cut(partition, leases, "b", "c")
    lease = leases.take(second, due=False)
    assert lease is not None
    for wrong in ("a", "b", "c", "d"):
        with pytest.raises(ValueError, match="does not cut"):
            partition.split(lease, wrong)
    done = partition.split(lease, "bm")
    assert done is not None
    kept, made = done
    assert (kept.first, kept.end, made.first, made.end) == ("b", "bm", "bm", "c")
    assert made.dirty_since is not None
    assert made.holder is None
    assert leases.renew([kept]) == ()


def test_neighbours_are_joined_while_nobody_works_on_them(database: ClusterDatabase) -> None:
    partition, leases = Partition(database), Leases(database, "w")
    first, second, third = cut(partition, leases, "b", "c")
    assert partition.join(first, third) is None
    assert partition.join(second, first) is None
    assert partition.join(first, first) is None
    before = leases.take(first, due=False)
    assert before is not None
    assert partition.join(first, second) is None
    leases.release(before)
    partition.mark("docs", ["b"], urgent=True)
    joined = partition.join(first, second)
    assert joined is not None
    assert (joined.id, joined.first, joined.end, joined.files) == (first, "", "c", 4)
    assert joined.urgent
    assert joined.dirty_since is not None
    assert leases.renew([before]) == (before,)
    assert covers(partition.shards("docs"))
    partition.forget("docs")
    assert partition.shards("docs") == ()


class Cutting(RuleBasedStateMachine):
    """Two holders cut, join, mark, compare, and lose their leases, in any order."""

    opened: Callable[[], ClusterDatabase]
    number = 0

    def __init__(self) -> None:
        super().__init__()
        Cutting.number += 1
        self.mirror = f"m{Cutting.number}"
        database = type(self).opened()
        self.partition = Partition(database)
        self.leases = [Leases(database, name) for name in ("one", "other")]
        self.held: list[tuple[Leases, Lease]] = []
        self.partition.make_whole(self.mirror)

    def shard(self, number: int) -> Shard:
        shards = self.partition.shards(self.mirror)
        return shards[number % len(shards)]

    @rule(who=st.integers(0, 1), number=st.integers(0, 9), due=st.booleans())
    def take(self, who: int, number: int, due: bool) -> None:
        shard = self.shard(number)
        held = [each for each in self.held if each[1].shard == shard.id]
        lease = self.leases[who].take(shard.id, due=due)
        assert (lease is None) == bool(held or (due and shard.dirty_since is None))
        if lease is not None:
            assert (lease.first, lease.end) == (shard.first, shard.end)
            self.held.append((self.leases[who], lease))

    @rule(number=st.integers(0, 9))
    def compare(self, number: int) -> None:
        if self.held:
            leases, lease = self.held.pop(number % len(self.held))
            again = leases.compared(lease, files=1, seconds=0.1)
            assert again is not None
            leases.release(again)

    @rule(number=st.integers(0, 9), at=st.sampled_from(PATHS))
    def split(self, number: int, at: str) -> None:
        if not self.held:
            return
        place = number % len(self.held)
        leases, lease = self.held[place]
        if lease.first < at and (lease.end is None or at < lease.end):
            done = self.partition.split(lease, at)
            assert done is not None
            self.held[place] = leases, done[0]

    @rule(number=st.integers(0, 9), other=st.integers(0, 9))
    def join(self, number: int, other: int) -> None:
        one, two = self.shard(number), self.shard(other)
        joined = self.partition.join(one.id, two.id)
        worked = {lease.shard for _, lease in self.held}
        fits = one.end == two.first and not worked & {one.id, two.id}
        assert (joined is not None) == fits

    @rule(path=st.sampled_from(PATHS))
    def mark(self, path: str) -> None:
        (marked,) = self.partition.mark(self.mirror, [path], urgent=False)
        shard = self.partition.at(self.mirror, path)
        assert shard is not None
        assert (shard.id, shard.dirty_since is not None) == (marked, True)

    @invariant()
    def every_path_is_in_one_shard(self) -> None:
        assert covers(self.partition.shards(self.mirror))


@pytest.mark.seconds(8)
def test_whatever_is_cut_and_joined(database: ClusterDatabase) -> None:
    Cutting.opened = staticmethod(lambda: database)
    few = settings(max_examples=25, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Cutting, settings=few)  # type: ignore[no-untyped-call]


class Race:
    """Threads that edit paths, compare, cut and join at the same time, each by its own connection.

    Args:
        joining: opens a connection.
        lasting: of a lease, in seconds; some are lost.
    """

    def __init__(self, joining: Callable[[], ClusterDatabase], lasting: float) -> None:
        self.joining, self.lasting = joining, lasting
        self.edited: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        self.faults: list[BaseException] = []
        self.end = threading.Event()

    def run(self, seconds: float, *works: Callable[[], None]) -> None:
        threads = [threading.Thread(target=self._guarded, args=(work,)) for work in works]
        for each in threads:
            each.start()
        time.sleep(seconds)
        self.end.set()
        for each in threads:
            each.join()
        assert self.faults == []

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:
            self.faults.append(fault)
            self.end.set()

    def edit(self) -> None:
        partition, drawn = Partition(self.joining()), random.Random(1)
        while not self.end.is_set():
            paths = drawn.sample(PATHS, 2)
            self.edited.update(paths)
            assert partition.mark("docs", paths, urgent=drawn.random() < 0.5)

    def work(self) -> None:
        database = self.joining()
        partition, drawn = Partition(database), random.Random(threading.get_ident())
        leases = Leases(database, str(threading.get_ident()), lasting=self.lasting)
        while not self.end.is_set():
            self.work_once(partition, leases, drawn)

    def work_once(self, partition: Partition, leases: Leases, drawn: random.Random) -> bool:
        for shard in partition.due(3):
            lease = leases.take(shard.id)
            if lease is None:
                continue
            if drawn.random() < 0.2:
                within = [p for p in PATHS if p != lease.first and within_range(lease, p)]
                done = partition.split(lease, drawn.choice(within)) if within else None
                lease = done[0] if done else lease
            # What the job reads, and then some time for marks to come in.
            read = {p: self.edited[p] for p in PATHS if within_range(lease, p)}
            time.sleep(drawn.random() * 0.01)
            if (done_lease := leases.compared(lease, files=len(read), seconds=0.0)) is not None:
                self.compared.update({p: max(0, n - self.compared[p]) for p, n in read.items()})
                leases.release(done_lease)
            return True
        return False

    def join(self) -> None:
        partition, drawn = Partition(self.joining()), random.Random(2)
        while not self.end.is_set():
            shards = partition.shards("docs")
            assert covers(shards)
            if len(shards) > 1:
                place = drawn.randrange(len(shards) - 1)
                partition.join(shards[place].id, shards[place + 1].id)


def within_range(lease: Lease, path: str) -> bool:
    return lease.first <= path and (lease.end is None or path < lease.end)


@pytest.mark.seconds(8)
@pytest.mark.parametrize("lasting", [30.0, 0.01], ids=["leases last", "leases are lost"])
def test_in_a_race_no_edit_is_lost(joining: Callable[[], ClusterDatabase], lasting: float) -> None:
    race = Race(joining, lasting)
    partition = Partition(joining())
    partition.make_whole("docs")
    race.run(3.0, race.edit, race.edit, race.work, race.work, race.join)
    last = Leases(joining(), "last")
    deadline = time.monotonic() + 20
    while partition.due(1) or any(each.holder for each in partition.shards("docs")):
        race.work_once(partition, last, random.Random(3))
        assert time.monotonic() < deadline
        for each in partition.shards("docs"):
            if each.holder and each.dirty_since is None:
                lease = last.take(each.id, due=False)
                if lease:
                    last.release(lease)
    assert covers(partition.shards("docs"))
    assert {p: race.edited[p] - race.compared[p] for p in PATHS} == dict.fromkeys(PATHS, 0)
    assert sum(race.edited.values()) > 50
