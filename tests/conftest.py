"""Fixtures of every suite."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
