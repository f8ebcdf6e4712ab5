"""What root leaves in the folder of a daemon, the daemon can open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from unprivileged import NOBODY, unprivileged

from kbsync.ledger.restoring import restore
from kbsync.ledger.store import LedgerStore

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")


def owners(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_uid for each in folder.iterdir()}


def test_a_ledger_that_root_makes_is_its_folders_owners(unprivileged_folder: Path) -> None:
    ledger = unprivileged_folder / "ledger.db"
    with LedgerStore.open(ledger, command="kbsync apply"):
        pass
    assert set(owners(unprivileged_folder).values()) == {NOBODY}
    with unprivileged(), LedgerStore.open(ledger, command="kbsync run"):
        pass


def test_a_ledger_that_root_restores_is_its_folders_owners(unprivileged_folder: Path) -> None:
    ledger, backup = unprivileged_folder / "ledger.db", unprivileged_folder / "backup.db"
    with unprivileged(), LedgerStore.open(ledger, command="kbsync run") as store:
        store.backup(backup)
    assert restore(backup, ledger) is not None
    assert owners(unprivileged_folder)["ledger.db"] == NOBODY
    with unprivileged(), LedgerStore.open(ledger, command="kbsync run"):
        pass


def test_a_file_that_was_there_is_not_given_away(unprivileged_folder: Path) -> None:
    """It may be a link to a file of root's that the owner of the folder put there."""
    ledger, elsewhere = unprivileged_folder / "ledger.db", unprivileged_folder / "elsewhere"
    elsewhere.touch()
    ledger.hardlink_to(elsewhere)
    with LedgerStore.open(ledger, command="kbsync apply"):
        pass
    assert owners(unprivileged_folder)["elsewhere"] == 0
