"""Mishaps of this machine, the key, the base and the server: what every verb says of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mishaps import VERBS, Mishap, Place

MISHAPS = (
    Mishap(
        name="no configuration",
        happens=lambda place, stack: place.file.unlink(),
        says=dict.fromkeys(VERBS, "64 KB-C001"),
        names=("kbsync.yaml",),
    ),
)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_a_mishap(mishap: Mishap, tmp_path: Path, stack: ExitStack) -> None:
    mishap.check(Place(tmp_path), stack)
