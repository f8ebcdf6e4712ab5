"""Both packages, once for all tests of a worker."""

from __future__ import annotations

import pytest

from .built import Packages, build


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The packages that a release would have."""
    return build(tmp_path_factory.mktemp("packages"))
