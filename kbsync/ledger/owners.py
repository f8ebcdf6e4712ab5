"""Under which name this ledger marks the documents of a mirror (docs/design.md section 5)."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import bindparam, insert, select

from kbsync.engine.ports import Ownership
from kbsync.ledger.database import Database
from kbsync.ledger.schema import BINDINGS, ENTRIES, META

_VALUE = select(META.c.value).where(META.c.key == bindparam("key"))


class Owners:
    """Keeps a token for each mirror; a copy of the ledger has the same one."""

    _database: Database

    def ownership(self, mirror: str) -> Ownership | None:
        """Return under which name the mirror's documents are marked, None before the first."""
        rows = self._database.ask(_VALUE, key=_key(mirror))
        if not rows:
            return None
        kept = json.loads(str(rows[0][0]))
        return Ownership(
            token=kept["token"],
            predecessors=frozenset(kept["predecessors"]),
            whole=kept.get("whole", True),
        )

    def own(self, mirror: str, ownership: Ownership) -> None:
        """Mark the mirror's documents as `ownership` says from now on.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        kept = json.dumps(asdict(ownership) | {"predecessors": sorted(ownership.predecessors)})
        mine = META.c.key == _key(mirror)
        with self._database.writing() as connection:
            if not connection.execute(META.update().where(mine).values(value=kept)).rowcount:
                connection.execute(insert(META).values(key=_key(mirror), value=kept))

    def unmark(self, mirror: str) -> None:
        """Forget that the documents in the mirror's base carry their marks.

        Those of other mirrors there too: fields are the base's. Later passes write them anew.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        base = select(BINDINGS.c.base_id).where(BINDINGS.c.mirror == mirror).scalar_subquery()
        marked = (ENTRIES.c.base_id == base, ENTRIES.c.metadata_hash.is_not(None))
        with self._database.writing() as connection:
            connection.execute(ENTRIES.update().where(*marked).values(metadata_hash=None))


def _key(mirror: str) -> str:
    return f"owner:{mirror}"
