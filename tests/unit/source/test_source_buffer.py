"""Changes are collected: bounded, and nothing is lost."""

from __future__ import annotations

from kbsync.engine.change_source import ChangedPaths
from kbsync.source.watch.buffer import ChangeBuffer, outermost


def test_it_wakes_once_until_it_is_emptied() -> None:
    buffer, wakes = ChangeBuffer(), []
    buffer.wake = lambda: wakes.append(1)
    assert buffer.take() == ChangedPaths()
    buffer.add_path("a.md")
    buffer.add_path("b.md")
    buffer.add_folder("c")
    buffer.add_root()
    assert len(wakes) == 1
    assert buffer.take() == ChangedPaths(frozenset({"a.md", "b.md"}), frozenset({"c"}), True)
    assert buffer.take() == ChangedPaths()
    buffer.add_root()
    buffer.add_path("a.md")
    assert len(wakes) == 2


def test_a_take_on_every_wake_finds_what_woke_it() -> None:
    buffer, taken = ChangeBuffer(), []
    buffer.wake = lambda: taken.append(buffer.take())
    buffer.add_path("a.md")
    buffer.add_folder("b")
    buffer.add_root()
    assert [bool(one) for one in taken] == [True, True, True]


def test_too_many_collapse_into_the_root() -> None:
    buffer = ChangeBuffer(most=10)
    for n in range(7):
        buffer.add_path(f"{n}.md")
        buffer.add_path(f"{n}.md")
    for n in range(3):
        buffer.add_folder(f"{n}")
    assert len(buffer.take().paths) == 7
    for n in range(1000):
        buffer.add_path(f"{n}.md")
        buffer.add_folder(f"{n}")
    reported = buffer.take()
    assert reported.folders == {""}
    assert len(reported.paths) <= 10
    assert not buffer.take()


def test_only_the_outermost_folders() -> None:
    assert outermost(["a/b", "a", "ab", "c/d/e", "c/d", "a/b/c"]) == {"a", "ab", "c/d"}
    assert outermost(["", "a", "b/c"]) == {""}
    assert outermost([]) == set()
