"""What was seen of renames across shards, kept for every process (`kbsync.cluster.across`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from kbsync.cluster.across import End, Sighting
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW, epoch
from kbsync.cluster.tables import SIGHTING
from kbsync.planning.path_range import PathRange

_COLUMNS = (
    SIGHTING.c.path,
    SIGHTING.c.end,
    epoch(SIGHTING.c.since),
    SIGHTING.c.size,
    SIGHTING.c.document_id,
    SIGHTING.c.content,
)
_MINE = SIGHTING.c.mirror == bindparam("of_mirror")
_IN_RANGE = (SIGHTING.c.path >= bindparam("from_path"), SIGHTING.c.path < bindparam("to_path"))
_WITHIN = select(*_COLUMNS).where(_MINE, *_IN_RANGE)
_GONE = (
    select(*_COLUMNS)
    .where(_MINE, SIGHTING.c.end == End.REMOVED.value)
    .where(SIGHTING.c.size.in_(bindparam("sizes", expanding=True)))
    .order_by(SIGHTING.c.path)
)
_NEW = select(SIGHTING.c.path, SIGHTING.c.size).where(_MINE, SIGHTING.c.end == End.NEW.value)
_DROP = delete(SIGHTING).where(_MINE, SIGHTING.c.path.in_(bindparam("paths", expanding=True)))
_BEHIND_ALL = chr(0x10FFFF) * 2


class Sightings:
    """Keeps the ends of what may be renames, each with when it was seen first.

    Args:
        database: of the cluster.
    """

    def __init__(self, database: ClusterDatabase) -> None:
        self._database = database

    def renew(
        self, mirror: str, within: PathRange, seen: Sequence[Sighting]
    ) -> Mapping[str, Sighting]:
        """Keep what is seen in a range now and nothing else of it; return it as it was seen first.

        Args:
            mirror: the mirror's name.
            within: the range, which this process has the lease of.
            seen: everything that is seen there; `since` does not count.
        """
        known = self._within(mirror, within)
        new = [each for each in seen if not _same(known.get(each.path), each)]
        self.drop(mirror, known.keys() - {each.path for each in seen} | {e.path for e in new})
        if new:
            made = insert(SIGHTING).values(since=NOW)
            with self._database.transaction() as connection:
                connection.execute(made, [_row(mirror, each) for each in new])
            known = self._within(mirror, within)
        return known

    def gone(self, mirror: str, sizes: Collection[int], outside: PathRange) -> list[Sighting]:
        """Return the files of these sizes that other shards saw to be gone."""
        if not sizes:
            return []
        rows = self._database.run(_GONE, {"of_mirror": mirror, "sizes": sorted(sizes)})
        found = map(_sighting, rows)
        return [each for each in found if each.path not in outside]

    def new_sizes(self, mirror: str, outside: PathRange) -> frozenset[int]:
        """Return the sizes of the files that are new in other shards."""
        rows = self._database.run(_NEW, {"of_mirror": mirror})
        return frozenset(row.size for row in rows if row.path not in outside)

    def drop(self, mirror: str, paths: Collection[str]) -> None:
        """Forget what was seen of `paths`."""
        if paths:
            self._database.run(_DROP, {"of_mirror": mirror, "paths": sorted(paths)})

    def _within(self, mirror: str, within: PathRange) -> dict[str, Sighting]:
        end = _BEHIND_ALL if within.end is None else within.end
        values = {"of_mirror": mirror, "from_path": within.first, "to_path": end}
        return {row.path: _sighting(row) for row in self._database.run(_WITHIN, values)}


def _same(known: Sighting | None, seen: Sighting) -> bool:
    return known is not None and (known.end, known.size, known.document_id, known.content) == (
        seen.end,
        seen.size,
        seen.document_id,
        seen.content,
    )


def _row(mirror: str, seen: Sighting) -> dict[str, Any]:
    return {
        "mirror": mirror,
        "path": seen.path,
        "end": seen.end.value,
        "size": seen.size,
        "document_id": seen.document_id,
        "content": seen.content,
    }


def _sighting(row: Any) -> Sighting:
    return Sighting(
        path=row.path,
        end=End(row.end),
        since=row.since,
        size=row.size,
        document_id=row.document_id,
        content=row.content,
    )
