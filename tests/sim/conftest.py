"""Stories of what was found run on the fakes of the engine's own tests, in virtual time."""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import pytest
from engine.conftest import _threads_inline, anyio_backend

from .playing import ground, ledgers

__all__ = ["_threads_inline", "anyio_backend"]


@pytest.fixture(scope="session")
def empty() -> Iterator[Path]:
    """A ledger that has nothing yet: making one takes longer than a history."""
    with ledgers() as (_, path):
        yield path


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder for the ledgers of histories; a disk's would take half of their time."""
    with ground() as place:
        yield place
