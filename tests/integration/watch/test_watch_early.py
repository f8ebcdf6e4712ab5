"""Watches that are placed before there is a controller: no change since then is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kbsync.config import MirrorConfig
from kbsync.service.early_watches import EarlyWatches
from kbsync.source.watch.watcher import Watcher

PATIENCE = 30.0


@pytest.fixture
def watches() -> Iterator[EarlyWatches]:
    made = EarlyWatches()
    yield made
    made.stop()


@pytest.fixture
def taken() -> Iterator[list[Watcher]]:
    """Watches to be ended."""
    made: list[Watcher] = []
    yield made
    for each in made:
        each.stop()


def declared(root: Path, **more: object) -> MirrorConfig:
    return MirrorConfig.model_validate(
        {"name": "docs", "source": str(root), "knowledge_base": "Docs", **more}
    )


def ended(name: str = "kbsync-inotify") -> bool:
    """Whether no watch is read any more, before long."""
    until = time.monotonic() + PATIENCE
    while any(thread.name == name for thread in threading.enumerate()):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_what_changed_before_the_controller_came_is_collected(
    root: Path, watches: EarlyWatches, taken: list[Watcher]
) -> None:
    (root / "deep").mkdir()
    watches.begin([declared(root)], alone=PATIENCE)
    (root / "deep" / "new.md").write_text("# New\n")
    watch, woken = watches.take(declared(root)), threading.Event()
    taken.append(watch)
    watch.start(woken.set)
    assert woken.wait(PATIENCE)
    assert "deep/new.md" in watch.take().paths
    assert watch.mode == "inotify"


def test_a_mirror_that_is_declared_otherwise_by_then_is_watched_anew(
    root: Path, tmp_path: Path, watches: EarlyWatches, taken: list[Watcher]
) -> None:
    (tmp_path / "other").mkdir()
    watches.begin([declared(root)], alone=PATIENCE)
    watch = watches.take(declared(tmp_path / "other"))
    taken.append(watch)
    assert ended()
    watch.start(lambda: None)
    assert watch.mode == "inotify"


def test_a_watch_that_no_controller_took_ends(root: Path, watches: EarlyWatches) -> None:
    watches.begin([declared(root)], alone=PATIENCE)
    watches.stop()
    assert ended("kbsync-watch")
    assert ended()


def test_placing_is_not_waited_for_without_an_end(
    root: Path, watches: EarlyWatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = threading.Event()
    monkeypatch.setattr(Watcher, "_start_session", lambda *_: standing.wait(PATIENCE))
    began = time.monotonic()
    watches.begin([declared(root)], alone=0.05)
    assert time.monotonic() - began < PATIENCE / 2
    standing.set()


def test_what_keeps_watches_from_being_placed_is_raised_where_they_are_waited_for(
    root: Path, watches: EarlyWatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Watcher, "_start_session", fail)
    watches.begin([declared(root)], alone=PATIENCE)
    with pytest.raises(MemoryError):
        watches.take(declared(root)).start(lambda: None)
