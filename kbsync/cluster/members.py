"""The processes at work: each says now and then that it is there."""

from __future__ import annotations

import os
import secrets
import socket

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW, epoch, seconds
from kbsync.cluster.tables import MEMBER
from kbsync.lazy_dataclass import dataclass

# Seconds after which a process that said nothing counts as gone.
GONE_AFTER = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A process at work.

    Args:
        id: no other process has it, before or after.
        role: what it does.
        host: the machine's name.
        pid: its number there.
        since: when it began (seconds since the epoch, of the database's clock).
        seen_at: when it was heard of last.
    """

    id: str
    role: str
    host: str
    pid: int
    since: float
    seen_at: float


_SEEN = (
    insert(MEMBER)
    .values(since=NOW, seen_at=NOW)
    .on_conflict_do_update(index_elements=[MEMBER.c.id], set_={"seen_at": NOW})
    .returning(epoch(MEMBER.c.seen_at))
)
_HEARD = MEMBER.c.seen_at > NOW - seconds("silence")
_AT_WORK = (
    select(
        MEMBER.c.id,
        MEMBER.c.role,
        MEMBER.c.host,
        MEMBER.c.pid,
        epoch(MEMBER.c.since),
        epoch(MEMBER.c.seen_at),
    )
    .where(_HEARD)
    .order_by(MEMBER.c.since, MEMBER.c.id)
)
_EXPIRE = delete(MEMBER).where(~_HEARD)
_LEAVE = delete(MEMBER).where(MEMBER.c.id == bindparam("gone"))


class Members:
    """This process among those at work.

    Args:
        database: of the cluster.
        role: what this process does.

    Attributes:
        id: of this process.
        holder: how it is named as the holder of a lease.
    """

    def __init__(self, database: ClusterDatabase, role: str) -> None:
        self._database = database
        self._row = {"role": role, "host": socket.gethostname(), "pid": os.getpid()}
        self.id = secrets.token_hex(8)
        self.holder = f"{role} {self._row['pid']} on {self._row['host']} {self.id}"

    def seen(self) -> float:
        """Say that this process is at work; return the database's time (seconds since the epoch).

        Raises:
            Problem: as `ClusterDatabase.run`.
        """
        ((now,),) = self._database.run(_SEEN, {"id": self.id, **self._row})
        return float(now)

    def at_work(self, silence: float = GONE_AFTER) -> tuple[Member, ...]:
        """Return who was heard of in the last `silence` seconds, the oldest first."""
        rows = self._database.run(_AT_WORK, {"silence": silence})
        return tuple(Member(**row._mapping) for row in rows)

    def expire(self, silence: float = GONE_AFTER) -> None:
        """Drop who was not heard of for `silence` seconds."""
        self._database.run(_EXPIRE, {"silence": silence})

    def leave(self) -> None:
        """Say that this process ends."""
        self._database.run(_LEAVE, {"gone": self.id})
