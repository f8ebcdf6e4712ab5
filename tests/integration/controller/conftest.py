"""The controller's changes are fed by hand, from the stories of the engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The stories are a package beside the others of its layer.
sys.path.append(str(Path(__file__).parents[2] / "unit"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
