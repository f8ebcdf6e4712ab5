"""What the guard holds back, noted for verbs that only read the ledger."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kbsync.engine.context import Mirror
from kbsync.engine.guard_port import GuardLedger
from kbsync.model import Guard, Halted, HeldBack


def note_held_back(ledger: GuardLedger, mirror: Mirror, guard: Guard) -> None:
    """Note what a comparison of everything found to be held back.

    A pass that removes more than others do, as a verb asked for, says nothing of the others.
    """
    if not mirror.prunes:
        ledger.note_held_back(mirror.name, _held_back(guard))


def note_release(ledger: GuardLedger, mirror: str, read: AbstractSet[str]) -> None:
    """Note that the changes `read` were released: they are held back no more."""
    held = ledger.held_back(mirror)
    if held is not None and ledger.halts(held.digest).get(held.digest, frozenset()) <= read:
        ledger.note_held_back(mirror, None)


def _held_back(guard: Guard) -> HeldBack | None:
    if not isinstance(guard, Halted):
        return None
    reasons = tuple((why.code, why.text) for why in guard.why)
    return HeldBack(digest=guard.digest, changes=len(guard.keys), reasons=reasons)
