"""What was found is told again with the fakes of the engine's own tests, in virtual time."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine.conftest import _threads_inline, anyio_backend  # noqa: E402

__all__ = ["_threads_inline", "anyio_backend"]
