"""What changed is gathered: bounded, and nothing is lost."""

from __future__ import annotations

from kbsync.engine.ports import ChangedPaths
from kbsync.source.watch.buffer import ChangeBuffer, outermost


def test_it_wakes_once_until_it_is_emptied() -> None:
    collection, wakes = ChangeBuffer(), []
    collection.wake = lambda: wakes.append(1)
    assert collection.take() == ChangedPaths()
    collection.path("a.md")
    collection.path("b.md")
    collection.folder("c")
    collection.root()
    assert len(wakes) == 1
    assert collection.take() == ChangedPaths(frozenset({"a.md", "b.md"}), frozenset({"c"}), True)
    assert collection.take() == ChangedPaths()
    collection.root()
    collection.path("a.md")
    assert len(wakes) == 2


def test_whoever_takes_when_woken_finds_what_woke_them() -> None:
    collection, taken = ChangeBuffer(), []
    collection.wake = lambda: taken.append(collection.take())
    collection.path("a.md")
    collection.folder("b")
    collection.root()
    assert [bool(one) for one in taken] == [True, True, True]


def test_too_many_collapse_into_the_root() -> None:
    collection = ChangeBuffer(most=10)
    for n in range(7):
        collection.path(f"{n}.md")
        collection.path(f"{n}.md")
    for n in range(3):
        collection.folder(f"{n}")
    assert len(collection.take().paths) == 7
    for n in range(1000):
        collection.path(f"{n}.md")
        collection.folder(f"{n}")
    told = collection.take()
    assert told.folders == {""}
    assert len(told.paths) <= 10
    assert not collection.take()


def test_only_the_outermost_folders() -> None:
    assert outermost(["a/b", "a", "ab", "c/d/e", "c/d", "a/b/c"]) == {"a", "ab", "c/d"}
    assert outermost(["", "a", "b/c"]) == {""}
    assert outermost([]) == set()
