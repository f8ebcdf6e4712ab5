"""What a pass learns about documents that need nothing, noted in their entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from kbsync.engine.ports import EntryChange, Ledger
from kbsync.model import DocKey, LedgerEntry
from kbsync.planning.staleness import Reason


def note_agreeing(
    ledger: Ledger, profiles: Mapping[DocKey, str], sources: Mapping[DocKey, str]
) -> None:
    """Record which documents are as the rules say now, so that they are not looked at again.

    Args:
        ledger: is written to.
        profiles: the profile that each agrees with.
        sources: the sha256 (hex) of bytes that come out as those before did.
    """
    _note(
        ledger,
        profiles.keys() | sources.keys(),
        lambda entry: replace(
            entry,
            profile=profiles.get(entry.key, entry.profile),
            source=sources.get(entry.key, entry.source),
        ),
    )


def note_stale(ledger: Ledger, stale: Mapping[DocKey, Reason | None]) -> None:
    """Record which documents are stale, for verbs that only read the ledger."""
    _note(ledger, stale, lambda entry: replace(entry, stale=stale[entry.key]))


def _note(
    ledger: Ledger, keys: Iterable[DocKey], noted: Callable[[LedgerEntry], LedgerEntry]
) -> None:
    changes = []
    for key in keys:
        # As it is by now: a worker may have sent the file meanwhile.
        entry = ledger.entry(key)
        if entry is not None and ledger.intent(key) is None:
            changes.append(EntryChange(key=key, entry=noted(entry)))
    if changes:
        ledger.commit_all(changes)
