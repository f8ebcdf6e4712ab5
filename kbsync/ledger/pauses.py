"""Which mirrors somebody told the daemon to leave alone; it outlives a restart."""

from __future__ import annotations

from sqlalchemy import insert, select

from kbsync.ledger.database import Database
from kbsync.ledger.schema import META

_PAUSED = "paused:"


class Pauses:
    """Keeps the names of paused mirrors, whether the ledger knows the mirror or not."""

    _database: Database

    def pause(self, mirror: str, at: float) -> None:
        """Note that `mirror` is paused; the first time stays.

        Args:
            mirror: its name.
            at: seconds of the ledger's clock.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        if mirror in self.paused():
            return
        with self._database.writing() as connection:
            connection.execute(insert(META), {"key": _PAUSED + mirror, "value": repr(at)})

    def resume(self, mirror: str) -> None:
        """Note that `mirror` is not paused any more.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            connection.execute(META.delete().where(META.c.key == _PAUSED + mirror))

    def paused(self) -> dict[str, float]:
        """Return the paused mirrors, each with when it was paused (seconds of our clock)."""
        wanted = META.c.key.startswith(_PAUSED, autoescape=True)
        rows = self._database.ask_once(select(META.c.key, META.c.value).where(wanted))
        return {str(key).removeprefix(_PAUSED): float(at or 0) for key, at in rows}
