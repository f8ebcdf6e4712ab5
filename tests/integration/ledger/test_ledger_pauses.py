"""Pauses outlive a restart, and belong to a name, known to the ledger or not."""

from __future__ import annotations

from collections.abc import Callable

from kbsync.ledger import LedgerStore


def test_a_pause_outlives_a_restart(opened: Callable[..., LedgerStore]) -> None:
    store = opened()
    store.pause("docs", 5.5)
    store.pause("docs", 9.0)  # it was paused before
    store.pause("100%_wiki", 6.0)
    assert store.paused() == {"docs": 5.5, "100%_wiki": 6.0}
    store.close()
    again = opened()
    again.resume("docs")
    again.resume("docs")
    assert again.paused() == {"100%_wiki": 6.0}
    assert opened(readonly=True).paused() == again.paused()
    again.pause("docs", 20.0)
    assert again.paused()["docs"] == 20.0
