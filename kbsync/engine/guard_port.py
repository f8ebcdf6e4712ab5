"""What the engine keeps of what the guard holds back and a person released, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from kbsync.model import HeldBack


class GuardLedger(Protocol):
    """The sets that were held back, and what was agreed to."""

    def note_halt(self, digest: str, members: AbstractSet[str], at: float) -> None:
        """Store a set of changes that was held back, to compare a release with."""
        ...

    def halts(self, prefix: str) -> Mapping[str, frozenset[str]]:
        """Return the stored sets whose digest starts with `prefix`, by digest."""
        ...

    def held_back(self, mirror: str) -> HeldBack | None:
        """Return what the guard held back when the mirror was compared last, None for nothing."""
        ...

    def note_held_back(self, mirror: str, held: HeldBack | None) -> None:
        """Record what the guard holds back, None for nothing."""
        ...

    def agree(self, mirror: str, at: float) -> None:
        """Record that a person agreed at `at` to what was held back."""
        ...

    def agreed_at(self, mirror: str) -> float:
        """Return when a person agreed last, 0.0 for never."""
        ...
