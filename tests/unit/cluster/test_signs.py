"""Signs of life: what is missed, and what is not."""

from __future__ import annotations

import pytest

from kbsync.cluster.signs import Sign, Silence
from kbsync.messages import Problem
from kbsync.messages import ledger as messages


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_is_missed_after_its_bound_and_not_once_it_is_heard(clock: Clock) -> None:
    sign = Sign(10.0, clock)
    clock.now += 10
    assert sign.silence() is None
    clock.now += 1
    assert sign.silence() == Silence(11.0)
    sign.heard()
    assert sign.silence() is None


def test_a_question_without_an_answer_is_silence_whatever_else_is_heard(clock: Clock) -> None:
    sign = Sign(10.0, clock)
    with sign.asking():
        clock.now += 6
        with sign.asking():
            clock.now += 6
        assert sign.silence() == Silence(12.0)
    assert sign.silence() is None


def test_a_refusal_counts_at_once_with_its_reason_until_it_is_heard(clock: Clock) -> None:
    sign, why = Sign(10.0, clock), messages.REMOVED(place="here")
    clock.now += 2
    with pytest.raises(Problem), sign.asking():
        raise Problem(why)
    assert sign.silence() == Silence(2.0, why)
    with sign.asking():
        pass
    assert sign.silence() is None


def test_another_error_is_no_answer(clock: Clock) -> None:
    sign = Sign(10.0, clock)
    clock.now += 11
    with pytest.raises(OSError, match="gone"), sign.asking():
        raise OSError("gone")
    assert sign.silence() == Silence(11.0)
