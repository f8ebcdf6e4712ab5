"""Real folders under a real watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watching import Watching


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    return made


@pytest.fixture
def watching(root: Path) -> Iterator[Callable[..., Watching]]:
    """Watch a folder (default: `root`) until the test ends."""
    begun: list[Watching] = []

    def begin(place: Path | None = None, **settings: object) -> Watching:
        begun.append(Watching(place or root, **settings))
        return begun[-1]

    yield begin
    for one in begun:
        one.watch.stop()
