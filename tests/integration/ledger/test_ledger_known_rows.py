"""What was read of a key holds until it is written, and never longer."""

from __future__ import annotations

from kbsync.ledger.known_rows import MOST, KnownRows
from kbsync.model import DocKey

A, B = DocKey(mirror="docs", path="a.md"), DocKey(mirror="docs", path="b.md")


def test_a_value_is_read_once_until_its_key_is_changed() -> None:
    known, reads = KnownRows(kept=True), list[str]()

    def read(value: str) -> str:
        reads.append(value)
        return value

    assert [known.get("entry", A, lambda: read("one")) for _ in range(3)] == ["one"] * 3
    assert known.get("intent", A, lambda: read("intent")) == "intent"
    known.forget([B])
    assert known.get("entry", A, lambda: read("two")) == "one"
    known.forget([A])
    assert known.get("entry", A, lambda: read("two")) == "two"
    assert known.get("intent", A, lambda: read("another")) == "another"
    known.forget(None)
    assert known.get("entry", A, lambda: read("three")) == "three"
    assert reads == ["one", "intent", "two", "another", "three"]


def test_what_was_read_while_something_changed_is_not_kept() -> None:
    known = KnownRows(kept=True)

    def read() -> str:
        known.forget([B])  # a thread reads, and another one commits meanwhile
        return "of before"

    assert known.get("entry", A, read) == "of before"
    assert known.get("entry", A, lambda: "of now") == "of now"


def test_none_is_kept_too_and_nothing_where_another_process_writes() -> None:
    known = KnownRows(kept=True)
    assert known.get("entry", A, lambda: None) is None
    assert known.get("entry", A, lambda: "there") is None
    reader = KnownRows(kept=False)
    assert [reader.get("entry", A, iter([1, 2]).__next__) for _ in range(1)] == [1]
    assert reader.get("entry", A, lambda: 2) == 2


def test_it_does_not_grow() -> None:
    known = KnownRows(kept=True)
    for n in range(3 * MOST):
        known.get("entry", DocKey(mirror="docs", path=f"{n}"), lambda: None)
    assert len(known._values) == MOST
