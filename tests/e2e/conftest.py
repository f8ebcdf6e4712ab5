"""Fixtures of the stories that are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledgers import FileLedger, Ledger, SchemaLedger

# Stories of the engine: on PostgreSQL tests/integration/postgresql asks the same.
ON_A_FILE = {
    "test_adopt",
    "test_configuration_changes",
    "test_guard",
    "test_moves",
    "test_saved_plan",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell a story with a ledger on both databases where they may differ."""
    if "ledger" in metafunc.fixturenames:
        on_a_file = metafunc.module.__name__ in ON_A_FILE
        databases = ["sqlite"] if on_a_file else ["sqlite", "postgresql"]
        metafunc.parametrize("ledger", databases, indirect=True)


@pytest.fixture
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """The story's ledger; its configuration says `ledger: {ledger.address}`."""
    if request.param == "sqlite":
        return FileLedger(tmp_path)
    return SchemaLedger(request.getfixturevalue("cluster"))
