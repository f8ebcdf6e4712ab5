"""Fixtures of the stories that are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledgers import FileLedger, Ledger, SchemaLedger


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """The story's ledger, on both databases; its configuration says `ledger: {ledger.address}`."""
    if request.param == "sqlite":
        return FileLedger(tmp_path)
    return SchemaLedger(request.getfixturevalue("cluster"))
