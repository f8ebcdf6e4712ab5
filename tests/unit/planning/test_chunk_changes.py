"""What of a document's chunks an edit changes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.model import Chunk
from kbsync.planning.chunk_changes import FEW, changes

TEXTS = st.lists(st.sampled_from("abcde"), max_size=8)


def chunks(*texts: str) -> list[Chunk]:
    return [Chunk(id=str(number), text=text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("there", "wanted", "added", "deleted"),
    [
        ("abc", "abc", "", ""),
        ("abc", "axc", "x", "b"),
        ("abc", "cab", "", ""),  # their order is the server's
        ("aab", "ab", "", "a"),
        ("ab", "aab", "a", ""),
        ("", "ab", "ab", ""),
        ("ab", "", "", "ab"),
    ],
)
def test_what_is_added_and_deleted(there: str, wanted: str, added: str, deleted: str) -> None:
    found = changes(chunks(*there), list(wanted))
    assert found.added == tuple(added)
    assert "".join(chunk.text for chunk in found.deleted) == deleted


@given(there=TEXTS, wanted=TEXTS)
def test_afterwards_exactly_the_wanted_ones_are_there(there: list[str], wanted: list[str]) -> None:
    found = changes(chunks(*there), wanted)
    left = Counter(there) - Counter(chunk.text for chunk in found.deleted)
    assert left + Counter(found.added) == Counter(wanted)
    assert found.kept == sum(left.values())
    assert len({chunk.id for chunk in found.deleted}) == len(found.deleted)


def test_a_chunk_that_searches_do_not_look_at_is_written_anew() -> None:
    off = Chunk(id="off", text="a", searched=False)
    found = changes([off], ["a"])
    assert (found.added, found.deleted) == (("a",), (off,))


def test_much_that_changed_is_sent_as_a_whole() -> None:
    many = [str(number) for number in range(20)]
    assert changes(chunks(*many), ["x", *many[1:]]).small
    assert not changes(chunks(*many), [*"abcdefg", *many[7:]]).small
    assert changes(chunks("a"), list("xyz")[:FEW]).small
