from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from embedded_client import Base, new_base


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[Base]:
    async with new_base(tmp_path / "store.db") as made:
        yield made
