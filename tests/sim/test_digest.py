"""The digest of traces: words of notices may change, anything else may not."""

from __future__ import annotations

from .digest import combined, digest_of, reduced


def test_a_notice_is_reduced_to_its_code() -> None:
    assert reduced("1.000 problem base base-1: refused [KB-R025]") == "1.000 problem KB-R025"
    assert reduced("1.000 docs is halted 4 of 4 [KB-G010]") == "1.000 docs is halted KB-G010"
    stopped = "1.000 a.md hold empty [KB-S007] stopped (empty [KB-S007])"
    assert reduced(stopped) == "1.000 a.md hold KB-S007"
    assert reduced("1.000 plan {'delete': 1} Halted(mirror='docs', why=(") == (
        "1.000 plan {'delete': 1}"
    )


def test_how_indexing_ended_is_reduced_to_its_outcome() -> None:
    assert reduced("1.000 a.md index it has no chunks failed") == "1.000 a.md index failed"
    assert reduced("1.000 adopt [cause=<Cause.NAME: 'name'>]") == "1.000 adopt [cause='name']"


def test_lines_without_a_notice_stay_as_they_are() -> None:
    line = "0.070 create a.md b'text 1' fine Done"
    assert reduced(line) == line
    assert digest_of([line]) != digest_of([line.replace("Done", "Gone")])


def test_the_order_of_playing_does_not_matter() -> None:
    assert combined({1: "a", 2: "b"}) == combined({2: "b", 1: "a"}) != combined({1: "b", 2: "a"})
