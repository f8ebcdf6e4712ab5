"""What a person asked to be deleted beyond what follows from the files."""

from __future__ import annotations

from kbsync.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Which documents a verb deletes beyond those of deleted files; by itself nothing does.

    Args:
        excluded: of files the filters leave out now.
        stale: of files that can never be sent as they are.
        trash: what is in the trash, whose file is gone.
    """

    excluded: bool = False
    stale: bool = False
    trash: bool = False


KEEP = Prune()
