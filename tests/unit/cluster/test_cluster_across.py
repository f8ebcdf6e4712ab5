"""Both ends of a rename across shards wait until the other shards were compared."""

from __future__ import annotations

import pytest

from kbsync.cluster.across import (
    LOOK_AGAIN,
    PATIENCE,
    End,
    OtherShards,
    Sighting,
    due,
    end_of,
    pairs,
    waiting,
)
from kbsync.model import Cause, Create, Delete, DocKey, Stat

SEEN = 100.0
GRACE = 30.0


def sighting(path: str, end: End, content: str = "") -> Sighting:
    return Sighting(
        path=path, end=end, since=SEEN, size=1, document_id=f"of {path}", content=content
    )


GONE, NEW = sighting("a", End.REMOVED), sighting("b", End.NEW)


@pytest.mark.parametrize(
    ("seen", "others", "now", "left"),
    [
        # Nothing else is dirty: a new file goes at once, a removal after its grace period.
        (NEW, OtherShards(), SEEN, 0.0),
        (GONE, OtherShards(), SEEN + 10, 20.0),
        (GONE, OtherShards(), SEEN + GRACE, 0.0),
        # Another shard had changed by then: its ends may not be sighted yet.
        (NEW, OtherShards(unseen_since=SEEN, filled_since=SEEN), SEEN, LOOK_AGAIN),
        (GONE, OtherShards(unseen_since=SEEN), SEEN + GRACE, LOOK_AGAIN),
        (GONE, OtherShards(unseen_since=SEEN), SEEN + 10, 20.0),
        # It changed since: whatever it finds was sighted later, and waits for this one.
        (NEW, OtherShards(unseen_since=SEEN + 1, filled_since=SEEN + 1), SEEN + 2, 0.0),
        (GONE, OtherShards(unseen_since=SEEN + 1), SEEN + GRACE, 0.0),
        # A shard without documents has lost none: a first upload waits for nothing.
        (NEW, OtherShards(unseen_since=SEEN - 50), SEEN, 0.0),
        # A new file does not wait for ever, a removal does.
        (NEW, OtherShards(filled_since=SEEN - 50), SEEN + PATIENCE, 0.0),
        (GONE, OtherShards(unseen_since=SEEN - 50), SEEN + 10 * PATIENCE, LOOK_AGAIN),
    ],
)
def test_an_end_waits_for_the_shards_that_had_changed_by_then(
    seen: Sighting, others: OtherShards, now: float, left: float
) -> None:
    assert due(seen, others, GRACE, now) == left


def test_only_the_ends_of_renames_wait() -> None:
    gone = Delete(
        key=DocKey(mirror="m", path="a"), row="T20", cause=Cause.REMOVED, document_id="d", name="a"
    )
    new = Create(key=DocKey(mirror="m", path="b"), row="T9", cause=Cause.NEW, stat=Stat(1, 1, 1, 1))
    missing = Create(
        key=DocKey(mirror="m", path="c"), row="T12", cause=Cause.MISSING, stat=Stat(1, 1, 1, 1)
    )
    assert [end_of(each) for each in (gone, new, missing)] == [End.REMOVED, End.NEW, None]
    found = waiting(
        (gone, new, missing),
        {"a": GONE, "b": NEW},
        OtherShards(unseen_since=1.0, filled_since=1.0),
        grace=GRACE,
        now=SEEN,
    )
    assert found == {gone.key: GRACE, new.key: LOOK_AGAIN}


def test_a_document_goes_to_the_one_file_of_its_content() -> None:
    gone = [sighting("x/a", End.REMOVED, "one"), sighting("x/b", End.REMOVED, "two")]
    gone += [sighting("x/c", End.REMOVED, "twin"), sighting("y/c", End.REMOVED, "twin")]
    new = [sighting(f"z/{n}", End.NEW) for n in range(4)]
    contents = {"z/0": "one", "z/1": "twin", "z/2": "three"}
    assert pairs(new, gone, contents) == [(gone[0], new[0])]
    # Two files that are the same could each be the one.
    assert pairs(new, gone[:1], {"z/0": "one", "z/1": "one"}) == []
