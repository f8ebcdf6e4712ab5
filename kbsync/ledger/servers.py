"""What is known of each server: the version it told, and what it was seen to do."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select

from kbsync.ledger import records
from kbsync.ledger.database import Database
from kbsync.ledger.tables import SERVERS
from kbsync.model import Capabilities

_KNOWN = select(*records.CAPABILITIES).where(SERVERS.c.url == bindparam("url"))


class Servers:
    """Keeps the capabilities of servers by their address; never a key."""

    _database: Database

    def capabilities(self, server: str) -> Capabilities | None:
        """Return what is kept of the server at that address, None before its first pass."""
        rows = self._database.fetch(_KNOWN, url=server)
        return records.capabilities_of(rows[0]) if rows else None

    def note_capabilities(self, server: str, known: Capabilities) -> None:
        """Keep what is known of the server at that address; it replaces what was kept.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        values = records.capabilities_values(known)
        with self._database.writing() as connection:
            changed = SERVERS.update().where(SERVERS.c.url == server).values(**values)
            if not connection.execute(changed).rowcount:
                connection.execute(insert(SERVERS), {**values, "url": server})
