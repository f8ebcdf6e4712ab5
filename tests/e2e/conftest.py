"""Fixtures of the stories that are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledgers import FileLedger, Ledger, SchemaLedger

# What a ledger answers is asked of both databases in tests/integration/ledger, and the stories of
# the engine in tests/integration/postgresql. Of what is typed, these are asked of both every time.
ON_BOTH = {"test_ledger_verbs", "test_standby"}
ON_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.once_a_change)
# Stories of the engine alone.
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
        name = metafunc.module.__name__
        other = [] if name in ON_A_FILE else ["postgresql" if name in ON_BOTH else ON_POSTGRESQL]
        metafunc.parametrize("ledger", ["sqlite", *other], indirect=True)


@pytest.fixture
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """The story's ledger; its configuration says `ledger: {ledger.address}`."""
    if request.param == "sqlite":
        return FileLedger(tmp_path)
    return SchemaLedger(request.getfixturevalue("cluster"))
