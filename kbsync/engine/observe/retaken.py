"""Texts that were taken in another way than the configuration says now (`encoding`, `csv`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kbsync.engine.context import Mirror
from kbsync.engine.ports import EntryChange, Ledger
from kbsync.model import DocKey, FileState, Present
from kbsync.planning.path_range import EVERYTHING, PathRange


def retaken(
    mirror: Mirror, ledger: Ledger, known: Collection[DocKey], within: PathRange = EVERYTHING
) -> list[FileState]:
    """Return the files whose text comes out differently now, read.

    Their bytes did not change, so that their stat tells nothing. What comes out the same is noted
    as taken in the new way, and read once.

    Args:
        mirror: folder and settings.
        ledger: knows what each file was taken as.
        known: keys that are decided about anyway.
        within: the paths in question.
    """
    found = []
    for key in list(ledger.taken_otherwise(mirror.name, mirror.document_rules, within)):
        entry = None if key in known else ledger.entry(key)
        if entry is None or entry.fingerprint is None:
            continue
        state = mirror.source.read(key.path)
        if isinstance(state, Present) and state.content == entry.fingerprint.content:
            ledger.commit(EntryChange(key=key, entry=replace(entry, encoding=state.taken)))
        else:
            found.append(state)
    return found
