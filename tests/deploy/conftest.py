"""Fixtures of the image and of the files that run it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from container import Podman, image


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """A podman that has the image, built once in a worker."""
    with image() as found:
        yield found
