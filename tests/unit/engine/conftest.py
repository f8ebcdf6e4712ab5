"""Engine tests run on trio in virtual time: hours pass in milliseconds, and always the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.from_thread
import anyio.to_thread
import pytest
from trio.testing import MockClock


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@pytest.fixture(autouse=True)
def _threads_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real thread would let the virtual clock run away while it works."""

    async def run_sync(work: Callable[..., Any], *words: Any, **_: Any) -> Any:
        return work(*words)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
    monkeypatch.setattr(anyio.from_thread, "check_cancelled", lambda: None)
