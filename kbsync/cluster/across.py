"""Removals and new files that wait for the rest of the mirror: a rename across shards is a move.

A shard sees one end of such a rename. Its file is gone here and new there, and whoever acts first
would pay for an embedding. So each end is noted as a sighting, and is acted on once every other
shard that had changed by then was looked at: whatever belongs to it was sighted too. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum

from kbsync.lazy_dataclass import dataclass
from kbsync.model import Action, Cause, Create, Delete, DocKey, Trash

# Seconds until a key that waits for other shards is looked at again.
LOOK_AGAIN = 5.0
# Seconds an end waits for what may be the other one: after that an embedding is the smaller harm.
PATIENCE = 300.0


class End(StrEnum):
    """Which end of a rename was seen."""

    REMOVED = "removed"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One end of what may be a rename, as the shard of its path saw it first.

    Args:
        since: when, in seconds of the fleet's clock.
        size: bytes of the file.
        document_id: of a file that is gone, the document that may move.
        content: of a file that is gone, the sha256 (hex) of what was sent.
    """

    path: str
    end: End
    since: float
    size: int
    document_id: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherShards:
    """What is known of the mirror's other shards.

    Args:
        unseen_since: since when the one that waits longest is to be looked at; None for none.
        filled_since: the same of those that have documents: only they can lose a file.
        new_sizes: bytes of the files that are new there: one of them may be what is gone here.
    """

    unseen_since: float | None = None
    filled_since: float | None = None
    new_sizes: AbstractSet[int] = frozenset()


def end_of(action: Action) -> End | None:
    """Return which end of a rename `action` may be, None for what is none."""
    match action:
        case Delete(cause=Cause.REMOVED) | Trash(cause=Cause.REMOVED):
            return End.REMOVED
        case Create(cause=Cause.NEW):
            return End.NEW
    return None


def due(sighting: Sighting, others: OtherShards, grace: float, now: float) -> float:
    """Return in how many seconds it may be acted on, or is to be looked at again; 0.0 for now.

    Args:
        sighting: an end that was seen.
        others: the mirror's other shards.
        grace: seconds for which a file has to be gone (`delete_grace`).
        now: seconds of the fleet's clock.
    """
    if sighting.end is End.NEW:
        waits = _before(others.filled_since, sighting) and now < sighting.since + PATIENCE
        return LOOK_AGAIN if waits else 0.0
    left = max(0.0, sighting.since + grace - now)
    claimed = sighting.size in others.new_sizes and now < sighting.since + PATIENCE
    waits = claimed or _before(others.unseen_since, sighting)
    return max(left, LOOK_AGAIN) if waits else left


def _before(unseen_since: float | None, sighting: Sighting) -> bool:
    return unseen_since is not None and unseen_since <= sighting.since


def waiting(
    actions: Iterable[Action],
    sightings: Mapping[str, Sighting],
    others: OtherShards,
    *,
    grace: float,
    now: float,
) -> Mapping[DocKey, float]:
    """Return the keys that have to wait, each with the seconds until it is looked at again.

    Args:
        actions: what a shard would do.
        sightings: what was seen of its paths, those of `actions` among them.
        others, grace, now: as for `due`.
    """
    ends = (action.key for action in actions if end_of(action) is not None)
    left = {key: due(sightings[key.path], others, grace, now) for key in ends}
    return {key: seconds for key, seconds in left.items() if seconds > 0}


def pairs(
    new: Sequence[Sighting], gone: Sequence[Sighting], contents: Mapping[str, str]
) -> list[tuple[Sighting, Sighting]]:
    """Return the documents that files of other shards left, each with the new file that it fits.

    Each has to be the only one of its content: which of two equal ones moved cannot be known.

    Args:
        new: files that are new here.
        gone: documents that other shards would remove.
        contents: sha256 (hex) of what would be sent for a new file, by path, as far as it is known.
    """
    given, wanted = (
        _by_content(gone, {each.path: each.content for each in gone}),
        _by_content(new, contents),
    )
    both = sorted(given.keys() & wanted.keys())
    return [
        (given[each][0], wanted[each][0])
        for each in both
        if len(given[each]) == len(wanted[each]) == 1
    ]


def _by_content(
    sightings: Sequence[Sighting], contents: Mapping[str, str]
) -> dict[str, list[Sighting]]:
    found: dict[str, list[Sighting]] = {}
    for each in sightings:
        if contents.get(each.path):
            found.setdefault(contents[each.path], []).append(each)
    return found
