"""What is done to a whole mirror at once: another name, or nothing known of it any more."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, insert, select

from kbsync.ledger.database import Database
from kbsync.ledger.schema import BINDINGS, ENTRIES, INTENTS, JOURNAL, META, METADATA
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

_NAMED = tuple(
    table for table in METADATA.sorted_tables if "mirror" in table.c and table is not BINDINGS
)

# What `meta` keeps for one mirror: under which name its documents are marked.
_OWNER = "owner:"


class Mirrors:
    """Renames and forgets mirrors, each in one durable transaction."""

    _database: Database

    def rename_mirror(self, old: str, new: str) -> int:
        """Give a mirror another name, with everything kept for it; return its entries' number.

        Its documents' marks still say the old name. The hash of what they say is dropped, so that
        later passes write them anew.

        Raises:
            Problem: KB-L070 when `old` is not known, KB-L071 when `new` has documents of its own,
                KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            self._require(connection, old)
            if _rows(connection, ENTRIES, new) or _rows(connection, INTENTS, new):
                raise Problem(messages.MIRROR_TAKEN(mirror=new))
            _drop(connection, new)
            binding = select(BINDINGS).where(BINDINGS.c.mirror == old)
            row = dict(connection.execute(binding).mappings().one())
            connection.execute(insert(BINDINGS), {**row, "mirror": new})
            for table in _NAMED:
                values = {"mirror": new} | ({"metadata_hash": None} if table is ENTRIES else {})
                mine = table.c.mirror == old
                connection.execute(table.update().where(mine).values(values))
            connection.execute(BINDINGS.delete().where(BINDINGS.c.mirror == old))
            owner = META.update().where(META.c.key == _OWNER + old)
            connection.execute(owner.values(key=_OWNER + new))
            return _rows(connection, ENTRIES, new)

    def forget_mirror(self, mirror: str) -> int:
        """Drop everything kept for a mirror but its history; return how many entries it had.

        Raises:
            Problem: KB-L070 when `mirror` is not known, KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            self._require(connection, mirror)
            entries = _rows(connection, ENTRIES, mirror)
            _drop(connection, mirror)
            return entries

    def _require(self, connection: Connection, mirror: str) -> None:
        known = connection.scalars(select(BINDINGS.c.mirror).order_by(BINDINGS.c.mirror)).all()
        if mirror not in known:
            raise Problem(messages.NO_MIRROR(mirror=mirror, known=", ".join(known) or "none"))


def _rows(connection: Connection, table: Table, mirror: str) -> int:
    counted = select(func.count()).select_from(table).where(table.c.mirror == mirror)
    return connection.scalar(counted) or 0


def _drop(connection: Connection, mirror: str) -> None:
    for table in (*_NAMED, BINDINGS):
        if table is not JOURNAL:
            connection.execute(table.delete().where(table.c.mirror == mirror))
    connection.execute(META.delete().where(META.c.key == _OWNER + mirror))
