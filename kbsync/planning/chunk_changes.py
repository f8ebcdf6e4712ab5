"""What of a document's chunks an edit changes: those to add, and those to delete. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kbsync.lazy_dataclass import dataclass
from kbsync.model import Chunk

MOST_CHANGED = 0.3
"""Beyond this share of all chunks, one update of the whole document costs less."""
FEW = 3
"""So many additions are made one by one whatever their share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkChanges:
    """The difference between the chunks a document has and those it should have.

    Chunks are compared by their text alone: servers keep no order among those that are added.

    Args:
        added: texts that are missing, in their order.
        deleted: chunks that are too many.
        kept: how many stay.
    """

    added: tuple[str, ...]
    deleted: tuple[Chunk, ...]
    kept: int

    def __bool__(self) -> bool:
        return bool(self.added or self.deleted)

    @property
    def small(self) -> bool:
        """Whether adding and deleting chunks costs less than sending the whole document."""
        share = len(self.added) / max(1, self.kept + len(self.added))
        return len(self.added) <= FEW or share <= MOST_CHANGED


def changes(there: Sequence[Chunk], wanted: Sequence[str]) -> ChunkChanges:
    """Return what has to be added and deleted so that `there` holds exactly `wanted`.

    A text that is wanted twice has to be there twice. Of equal chunks the first ones stay; one
    that searches do not look at never stays.

    Args:
        there: the chunks the document has.
        wanted: the texts it should have, in their order.
    """
    missing = Counter(wanted)
    deleted, kept = [], 0
    for chunk in there:
        if chunk.searched and missing[chunk.text] > 0:
            missing[chunk.text] -= 1
            kept += 1
        else:
            deleted.append(chunk)
    added = []
    for text in reversed(wanted):  # of equal texts the later ones are the missing ones
        if missing[text] > 0:
            missing[text] -= 1
            added.append(text)
    return ChunkChanges(added=tuple(reversed(added)), deleted=tuple(deleted), kept=kept)
