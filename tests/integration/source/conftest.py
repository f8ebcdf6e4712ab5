"""Real folders for the source: made in a place that an unprivileged user can reach."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from declared import mirror_config

from kbsync.source.folder import Folder


@pytest.fixture
def ground() -> Iterator[Path]:
    """An empty folder whose parents everybody may enter (those of `tmp_path` are private)."""
    made = Path(tempfile.mkdtemp(prefix="kbsync-source-"))
    made.chmod(0o755)
    yield made
    for place, folders, _ in os.walk(made):
        for folder in folders:
            found = Path(place, folder)
            if not found.is_symlink():
                found.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def folder(ground: Path) -> Callable[..., Folder]:
    """Make a source of `ground`."""

    def made(**settings: object) -> Folder:
        chosen: dict[str, object] = {"max_file_size": 1 << 20, "extensions": {"md", "txt", "csv"}}
        return Folder(mirror_config(ground, **(chosen | settings)))

    return made


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Fail when the test leaves a descriptor open."""
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else set()
    yield
    if before:
        # One less is no fault: a process of an earlier test may have ended meanwhile.
        assert set(os.listdir("/proc/self/fd")) <= before
