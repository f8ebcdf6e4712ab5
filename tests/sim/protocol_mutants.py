"""The protocol around a call, taken out: intent, call, outcome (docs/design.md section 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

from kbsync.engine.ports import UNCHANGED, EntryChange
from kbsync.ledger.store import LedgerStore
from kbsync.model import EntryState, Fingerprint, Intent, LedgerEntry, Op


def _committing(
    instead: Callable[[LedgerStore, EntryChange], EntryChange],
) -> Any:
    """Write down something else."""
    true = LedgerStore.commit_all

    def commit_all(store: LedgerStore, changes: Sequence[EntryChange]) -> None:
        true(store, [instead(store, change) for change in changes])

    return mock.patch.object(LedgerStore, "commit_all", commit_all)


def no_intent() -> Any:
    """Nothing is written down before a call."""

    def instead(store: LedgerStore, change: EntryChange) -> EntryChange:
        return replace(change, intent=UNCHANGED) if isinstance(change.intent, Intent) else change

    return _committing(instead)


def outcome_before_the_call() -> Any:
    """What a call should bring about is written down first."""

    def instead(store: LedgerStore, change: EntryChange) -> EntryChange:
        intent = change.intent
        if isinstance(intent, Intent) and intent.op is Op.DELETE:
            return replace(change, entry=None, intent=None)
        if isinstance(intent, Intent) and intent.op is Op.UPDATE:
            entry = store.entry(change.key)
            done = None if entry is None else _as_sent(entry, intent)
            return replace(change, entry=done, intent=None)
        return change

    return _committing(instead)


def _as_sent(entry: LedgerEntry, intent: Intent) -> LedgerEntry:
    settings = entry.fingerprint.settings if entry.fingerprint else ""
    fingerprint = Fingerprint(content="as sent", settings=settings)
    return replace(entry, stat=intent.stat, fingerprint=fingerprint, state=EntryState.SYNCED)
