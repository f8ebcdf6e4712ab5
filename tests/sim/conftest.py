"""What was found is told again with the fakes of the engine's own tests, in virtual time."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import pytest
from engine.conftest import _threads_inline, anyio_backend

from kbsync.ledger.store import LedgerStore

__all__ = ["_threads_inline", "anyio_backend"]


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that has nothing yet: making one takes longer than a history."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    LedgerStore.open(path).close()
    return path
