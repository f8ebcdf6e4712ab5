"""Fixtures of every suite."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import (
    pytest_configure,
    pytest_sessionfinish,
    pytest_sessionstart,
    pytest_terminal_summary,
)
from cluster import Cluster, binaries
from collecting import pytest_collection, pytest_collection_modifyitems
from hypothesis import HealthCheck, settings
from unprivileged import folder_of_nobody

from kbsync.messages.advice import INVOCATION, Invocation

__all__ = [
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "pytest_terminal_summary",
]

# How long an example takes says how busy the machine is, nothing about what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _logs_anew() -> Iterator[None]:
    """No test's log goes where another one's output went."""
    yield
    if "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()
    requests = logging.getLogger("kbsync.dify.http")
    requests.handlers.clear()
    requests.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def _typed_anew() -> None:
    """No test's messages begin as another one's command did."""
    INVOCATION.set(Invocation())


@pytest.fixture
def unprivileged_folder() -> Iterator[Path]:
    """A folder for what is done `unprivileged`."""
    with folder_of_nobody() as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL; `cluster.fresh()` is the URL of a ledger nobody else uses."""
    pytest.importorskip("psycopg", reason="install the extra: pip install 'kbsync[postgresql]'")
    found = binaries()
    if found is None:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql (Debian package)")
    running = Cluster(found)
    yield running
    running.remove()
