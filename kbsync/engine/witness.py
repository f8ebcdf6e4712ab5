"""Whether a source still is what it was, without walking it: one recorded file that stands."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kbsync.engine.mirror import Mirror
from kbsync.engine.ports import Ledger
from kbsync.model import DocKey, Present

LOOKS = 20


def stands(mirror: Mirror, ledger: Ledger, away: AbstractSet[DocKey]) -> bool:
    """Return whether any of a few recorded files stands.

    False proves nothing: then the folder has to be walked.

    Args:
        mirror: whose source is asked.
        ledger: knows its files.
        away: the keys in question, which are nobody's witness.
    """
    looked = 0
    for entry in ledger.entries(mirror.name):
        if entry.key in away:
            continue
        if isinstance(mirror.source.look(entry.key.path), Present):
            return True
        looked += 1
        if looked == LOOKS:
            break
    return False
