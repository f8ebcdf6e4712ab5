"""What a plan costs, for one mirror and for several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.model import Cause, Create, Delete, DocKey, Stat, Update
from kbsync.planning.plan import Forecast, Plan, Rates, indexing_rate, joined, make_plan
from kbsync.planning.render import minutes_of


def _plan(mirror: str, rates: Rates | None = None) -> Plan:
    def key(path: str) -> DocKey:
        return DocKey(mirror=mirror, path=path)

    actions = [
        Create(key=key("a"), row="T9", cause=Cause.NEW, stat=Stat(100, 1, 1, 1)),
        Update(
            key=key("b"), row="T17", cause=Cause.EDITED, stat=Stat(50, 1, 1, 1), document_id="b"
        ),
        Delete(key=key("c"), row="T20", cause=Cause.REMOVED, document_id="c", name="c"),
    ]
    return make_plan(actions, unchanged=5, rates=rates)


def test_a_plan_knows_requests_bytes_and_minutes() -> None:
    rates = Rates(requests_per_minute=2, indexed_per_minute=4.0)
    assert _plan("docs", rates).forecast == Forecast(
        writes=3, upload_bytes=150, minutes=1.5, indexing_minutes=0.5
    )
    assert _plan("docs").forecast == Forecast(writes=3, upload_bytes=150)


def test_mirrors_are_done_one_after_the_other() -> None:
    whole = joined([_plan("one", Rates(requests_per_minute=3)), _plan("two")])
    assert whole.forecast == Forecast(writes=6, upload_bytes=300, minutes=1.0)
    assert whole.unchanged == 10
    order = [(action.key.mirror, action.key.path) for action in whole.actions]
    assert order == [(m, p) for m in ("one", "two") for p in "ab"] + [("one", "c"), ("two", "c")]
    assert joined([]) == make_plan([])


@pytest.mark.parametrize(
    ("spans", "rate"),
    [
        ([], None),
        ([(5.0, 5.0)], None),
        ([(0.0, 60.0)], 1.0),
        ([(0.0, 60.0), (0.0, 60.0)], 2.0),
        ([(0.0, 60.0), (30.0, 90.0), (80.0, 120.0)], 1.5),
        ([(0.0, 60.0), (100_000.0, 100_060.0)], 1.0),  # a night between two passes
        ([(0.0, 60.0), (10.0, 20.0)], 2.0),
    ],
)
def test_a_rate_is_of_the_time_something_was_indexed(
    spans: list[tuple[float, float]], rate: float | None
) -> None:
    assert indexing_rate(spans) == rate
    assert indexing_rate(reversed(spans)) == rate


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), min_size=1, max_size=20))
def test_busy_time_is_the_union_of_the_spans(given: list[tuple[int, int]]) -> None:
    spans = [(float(begin), float(begin + length)) for begin, length in given]
    busy = {second for begin, length in given for second in range(begin, begin + length)}
    assert indexing_rate(spans) == pytest.approx(60.0 * len(given) / len(busy))


@pytest.mark.parametrize(
    ("minutes", "given"),
    [(0.01, "less than a minute"), (0.9, "1 minute"), (1.4, "1 minute"), (90.2, "90 minutes")],
)
def test_minutes_are_readable(minutes: float, given: str) -> None:
    assert minutes_of(minutes) == given
