"""The keyed queue: coalescing, mutual exclusion per key, and keys that ripen."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from kbsync.engine.workers.queue import KeyQueue
from kbsync.model import DocKey

from .fakes import key_of

A, B, C = key_of("a"), key_of("b"), key_of("c")


def test_keys_come_out_in_the_order_they_came_in_and_once() -> None:
    queue = KeyQueue()
    for key in (B, A, B, C, A):
        queue.add(key)
    assert [queue.take(0), queue.take(0), queue.take(0), queue.take(0)] == [B, A, C, None]


def test_a_fresh_edit_overtakes_the_backlog() -> None:
    queue = KeyQueue()
    queue.add(A)
    queue.add(B)
    queue.add(C, first=True)
    queue.add(B, first=True)
    assert [queue.take(0), queue.take(0), queue.take(0)] == [B, C, A]


def test_a_key_that_is_out_is_handed_out_again_only_when_it_is_back() -> None:
    queue = KeyQueue()
    queue.add(A)
    assert queue.take(0) == A
    queue.add(A)
    assert queue.take(0) is None
    assert not queue.idle
    queue.done(A)
    assert queue.take(0) == A
    queue.done(A)
    assert queue.idle


def test_a_key_that_is_out_does_not_stand_in_the_way_of_others() -> None:
    queue = KeyQueue()
    queue.add(A)
    queue.take(0)
    queue.add(A)
    queue.add(B)
    assert queue.take(0) == B


def test_a_waiting_key_ripens_at_its_time_and_not_before() -> None:
    queue = KeyQueue()
    queue.add_at(A, 10.0)
    assert queue.take(9.999) is None
    assert (queue.next_due(), queue.waiting, queue.idle) == (10.0, 1, False)
    assert queue.take(10.0) == A
    assert (queue.next_due(), queue.waiting) == (None, 0)


def test_ripe_keys_come_in_the_order_of_their_times() -> None:
    queue = KeyQueue()
    queue.add_at(A, 3.0)
    queue.add_at(B, 1.0)
    queue.add_at(C, 2.0)
    assert [queue.take(9), queue.take(9), queue.take(9)] == [B, C, A]


def test_the_earlier_of_two_times_wins_and_the_later_one_is_forgotten() -> None:
    queue = KeyQueue()
    queue.add_at(A, 10.0)
    queue.add_at(A, 5.0)
    queue.add_at(A, 20.0)
    assert queue.next_due() == 5.0
    assert queue.take(5.0) == A
    queue.done(A)
    assert queue.next_due() is None
    assert queue.take(99.0) is None


def test_a_waiting_key_that_gets_dirty_is_handed_out_once() -> None:
    queue = KeyQueue()
    queue.add_at(A, 10.0)
    queue.add(A)
    assert queue.take(0) == A
    queue.done(A)
    assert queue.idle
    assert queue.take(99.0) is None


def test_a_dirty_key_cannot_be_put_off() -> None:
    queue = KeyQueue()
    queue.add(A)
    queue.add_at(A, 10.0)
    assert queue.next_due() is None
    assert queue.take(0) == A


def test_a_stale_heap_entry_does_not_ripen_the_key_anew() -> None:
    queue = KeyQueue()
    queue.add_at(A, 5.0)
    queue.add(A)
    assert queue.take(0) == A
    queue.add_at(A, 50.0)
    queue.done(A)
    assert queue.take(5.0) is None
    assert queue.next_due() == 50.0
    queue.add_at(A, 5.0)
    assert queue.take(5.0) == A
    queue.done(A)
    assert queue.take(99.0) is None


def test_a_key_that_ripens_while_it_is_out_waits_for_its_return() -> None:
    queue = KeyQueue()
    queue.add(A)
    queue.take(0)
    queue.add_at(A, 5.0)
    assert queue.take(6.0) is None
    queue.done(A)
    assert queue.take(6.0) == A


def test_what_is_dirty_or_out_is_active_and_what_waits_is_not() -> None:
    queue = KeyQueue()
    queue.add(A)
    queue.add(B)
    queue.add_at(C, 5.0)
    queue.take(0)
    assert (queue.active, queue.waiting) == (2, 1)


class QueueMachine(RuleBasedStateMachine):
    """The queue against a model of two sets and a dictionary."""

    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.queue = KeyQueue()
        self.now = 0.0
        self.dirty: list[DocKey] = []
        self.out: set[DocKey] = set()
        self.due: dict[DocKey, float] = {}

    @rule(target=keys, name=st.sampled_from("abcd"))
    def name(self, name: str) -> DocKey:
        return key_of(name)

    @rule(key=keys, first=st.booleans())
    def add(self, key: DocKey, first: bool) -> None:
        self.queue.add(key, first=first)
        self.due.pop(key, None)
        if first and key in self.dirty:
            self.dirty.remove(key)
        if key not in self.dirty:
            self.dirty.insert(0 if first else len(self.dirty), key)

    @rule(key=keys, after=st.integers(-3, 9))
    def add_at(self, key: DocKey, after: int) -> None:
        due = self.now + after
        self.queue.add_at(key, due)
        if key not in self.dirty:
            self.due[key] = min(due, self.due.get(key, due))

    @rule(seconds=st.integers(0, 5))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        ripe = sorted((due, key) for key, due in self.due.items() if due <= self.now)
        for _, key in ripe:
            del self.due[key]
            self.dirty.append(key)
        expected = next((key for key in self.dirty if key not in self.out), None)
        assert self.queue.take(self.now) == expected
        if expected is not None:
            self.dirty.remove(expected)
            self.out.add(expected)

    @rule(key=keys)
    def done(self, key: DocKey) -> None:
        self.queue.done(key)
        self.out.discard(key)

    @invariant()
    def counts_agree(self) -> None:
        assert self.queue.waiting == len(self.due)
        assert self.queue.active == len(self.dirty) + len(self.out)
        assert self.queue.idle == (not self.dirty and not self.out and not self.due)
        assert self.queue.next_due() == min(self.due.values(), default=None)


QueueMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestQueueAgainstAModel = QueueMachine.TestCase
