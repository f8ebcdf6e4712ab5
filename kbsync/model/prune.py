"""What a person asked to be deleted although its file is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Which documents a verb deletes although their file is there; by itself nothing does.

    Args:
        excluded: of files the filters leave out now.
        stale: of files that can never be sent as they are.
    """

    excluded: bool = False
    stale: bool = False


KEEP = Prune()
