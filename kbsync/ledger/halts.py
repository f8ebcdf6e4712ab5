"""What the guard held back and somebody may have read, and when somebody agreed to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import insert, select

from kbsync.ledger.database import Database
from kbsync.ledger.schema import META

_HALT = "halted:"
_AGREED = "agreed:"
KEPT = 20


class Halts:
    """Keeps the newest sets that were held back, so that a release can be compared with one."""

    _database: Database

    def note_halt(self, digest: str, members: AbstractSet[str], at: float) -> None:
        """Keep a set that was held back; only the newest ones are kept.

        Args:
            digest: the set's name.
            members: what names each change in it.
            at: seconds of the ledger's clock.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        ages = {key: float(json.loads(value)["at"]) for key, value in self._halts()}
        ages.pop(_HALT + digest, None)
        oldest = sorted(ages, key=ages.__getitem__)[: max(0, len(ages) + 1 - KEPT)]
        value = json.dumps({"at": at, "members": sorted(members)})
        with self._database.writing() as connection:
            gone = [_HALT + digest, *oldest]
            connection.execute(META.delete().where(META.c.key.in_(gone)))
            connection.execute(insert(META), {"key": _HALT + digest, "value": value})

    def halts(self, prefix: str) -> Mapping[str, frozenset[str]]:
        """Return the kept sets whose digest starts with `prefix`, by digest."""
        return {
            key.removeprefix(_HALT): frozenset(json.loads(value)["members"])
            for key, value in self._halts(prefix)
        }

    def agree(self, mirror: str, at: float) -> None:
        """Note that somebody agreed to what the guard held back of `mirror`.

        Args:
            mirror: the mirror's name.
            at: seconds of the ledger's clock.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            connection.execute(META.delete().where(META.c.key == _AGREED + mirror))
            connection.execute(insert(META), {"key": _AGREED + mirror, "value": repr(at)})

    def agreed_at(self, mirror: str) -> float:
        """Return when somebody agreed last, in seconds of the ledger's clock; 0.0 for never."""
        rows = self._database.ask_once(select(META.c.value).where(META.c.key == _AGREED + mirror))
        return float(rows[0][0] or 0) if rows else 0.0

    def _halts(self, prefix: str = "") -> list[tuple[str, str]]:
        wanted = META.c.key.startswith(_HALT + prefix, autoescape=True)
        rows = self._database.ask_once(select(META.c.key, META.c.value).where(wanted))
        return [(str(key), str(value)) for key, value in rows]
