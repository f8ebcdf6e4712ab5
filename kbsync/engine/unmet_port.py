"""What the engine needs to note why keys are not what they should be, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from kbsync.planning.path_range import EVERYTHING, PathRange

WhyUnmet = tuple[str, str]
"""Code and text of the message."""


class UnmetLedger(Protocol):
    """The keys that neither an entry nor a rejection tells of."""

    def unmet(self, mirror: str, within: PathRange = EVERYTHING) -> Mapping[str, WhyUnmet]:
        """Return why keys are not what they should be, by path."""
        ...

    def unmet_by_work(self, mirror: str) -> AbstractSet[str]:
        """Return the paths of which work said so, and no comparison."""
        ...

    def note_unmet(
        self, mirror: str, reasons: Mapping[str, WhyUnmet | None], *, by_work: bool = False
    ) -> None:
        """Record why keys are not what they should be, None where they are; others stay.

        `by_work`: work says so, and no comparison.
        """
        ...
