"""Forget refusals and failures, so that the next plan tries the files again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from kbsync.engine.ports import Change, Ledger
from kbsync.model import DocKey, EntryState


def forgive(ledger: Ledger, mirror: str, paths: Collection[str]) -> list[DocKey]:
    """Make every key that failed or was refused ready to be tried again; return those keys.

    Args:
        ledger: the memory.
        mirror: the mirror's name.
        paths: only these paths and what lies under them; empty for all.
    """
    chosen = [key for key in _unmet(ledger, mirror) if not paths or _under(key.path, paths)]
    for key in chosen:
        entry = ledger.entry(key)
        if entry is not None and entry.state is EntryState.FAILED:
            fresh = replace(entry, fingerprint=None, stat=None, failures=0, retry_at=None)
            ledger.commit(Change(key=key, entry=fresh, rejection=None))
        else:
            ledger.commit(Change(key=key, rejection=None))
    return chosen


def _unmet(ledger: Ledger, mirror: str) -> Iterator[DocKey]:
    failed = [entry.key for entry in ledger.entries(mirror, states=[EntryState.FAILED.value])]
    refused = [refusal.key for refusal in ledger.refused(mirror)]
    return iter(dict.fromkeys(failed + refused))


def _under(path: str, paths: Collection[str]) -> bool:
    return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in paths)
