"""One process writes a ledger: a file lock for SQLite, an advisory lock for PostgreSQL."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.file_owner import opened
from kbsync.ledger.location import LedgerLocation
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages
from kbsync.messages.machine_limits import machine_limit

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """The process that holds a ledger's lock. `since`: local time; unknown parts say so."""

    pid: str = "unknown"
    host: str = "unknown"
    since: str = "unknown"
    command: str = "unknown"

    @classmethod
    def myself(cls, command: str = "") -> LockHolder:
        """Describe this process. Its arguments stay out: one of them may be a key."""
        return cls(
            pid=str(os.getpid()),
            host=socket.gethostname(),
            since=time.strftime("%Y-%m-%d %H:%M:%S"),
            command=command or Path(sys.argv[0] or "python").name,
        )

    def problem(self, location: LedgerLocation) -> Problem:
        """Return the refusal that a second process gets."""
        return Problem(messages.LOCKED(place=location.shown, **asdict(self)))


class FileLock:
    """Holds `<ledger>.lock`. The kernel releases it when the process dies, however it dies.

    Raises:
        Problem: KB-L021 when another process holds it, KB-L022 when it cannot be taken at all.
    """

    def __init__(self, location: LedgerLocation, command: str = "") -> None:
        assert location.path is not None  # noqa: S101 - PostgreSQL has a lock of its own
        self._location = location
        self._command = command
        self._file = f"{location.path}.lock"
        try:
            self._descriptor = self._taken()
        except BlockingIOError:
            raise read_holder(self._file).problem(location) from None
        except OSError as error:
            why = error.strerror or str(error)
            said = machine_limit(error) or messages.NO_LOCK(lock=self._file, why=why)
            raise Problem(said) from error

    def _taken(self) -> int:
        descriptor = _take(self._file)
        os.ftruncate(descriptor, 0)
        # Only for messages of other processes; a full disk shows at the first commit anyway.
        with suppress(OSError):
            written = json.dumps(asdict(LockHolder.myself(self._command))).encode()
            os.pwrite(descriptor, written, 0)
        return descriptor

    def renew(self) -> Notice | None:
        """Take the lock again if its file was removed; return why that cannot be."""
        if _names(self._file, self._descriptor):
            return None
        try:
            descriptor = self._taken()
        except BlockingIOError:
            holder = asdict(read_holder(self._file))
            return messages.LOCK_TAKEN(place=self._location.shown, **holder)
        except OSError as error:
            return messages.NO_LOCK(lock=self._file, why=error.strerror or str(error))
        os.close(self._descriptor)
        self._descriptor = descriptor
        return None

    def release(self) -> None:
        """Release the lock. The file stays: without it two processes could lock two files."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _take(file: str) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        descriptor = opened(file, flags)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Removed between opening and locking? A lock on it would exclude no other process.
            if _names(file, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _names(file: str, descriptor: int) -> bool:
    """Whether the path `file` names what `descriptor` has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))  # noqa: PTH116
    except FileNotFoundError:
        return False


def read_holder(file: str) -> LockHolder:
    """Return the process that wrote the lock file `file` last."""
    known = {field.name for field in fields(LockHolder)}
    try:
        found = json.loads(Path(file).read_bytes()[:4096])
        return LockHolder(**{name: str(found[name]) for name in known & found.keys()})
    except (OSError, ValueError, AttributeError):
        return LockHolder()


def application_name(command: str = "") -> str:
    """Return the name of this process in `pg_stat_activity`, which takes 63 bytes."""
    me = LockHolder.myself(command)
    name = f"kbsync {me.pid} {me.host[:24]} {me.command}"
    return name.encode("ascii", "replace").decode()[:63]


def lock_schema(connection: Connection, location: LedgerLocation) -> None:
    """Take the advisory lock of a ledger on PostgreSQL; it lives as long as the connection.

    Raises:
        Problem: KB-L021 or KB-L450, naming the holder as `pg_stat_activity` knows it.
    """
    key = (advisory_key(location.schema),)
    if not connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", key).scalar_one():
        raise refusal(connection, location)


def refusal(connection: Connection, location: LedgerLocation) -> Problem:
    """Return why the advisory lock of a ledger on PostgreSQL is not free: KB-L021 or KB-L450."""
    rows = connection.exec_driver_sql(_HOLDERS, (advisory_key(location.schema),)).all()
    if not rows:
        return LockHolder().problem(location)
    holder = _holder(*rows[0][:4])
    if not any(shared for *_, shared in rows):
        return holder.problem(location)
    # A process of a cluster has several connections.
    count = len({(each.pid, each.host) for each in (_holder(*row[:4]) for row in rows)})
    words = {"place": location.shown, **asdict(holder)}
    return Problem(messages.CLUSTER_AT_WORK(count=count, **words))


def unlock_schema(connection: Connection, location: LedgerLocation) -> None:
    """Let go of that lock at once: PostgreSQL notices a moment later that a connection ended."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - a look at a file needs none

    with suppress(SQLAlchemyError):  # a connection that is lost holds nothing
        connection.rollback()
        key = (advisory_key(location.schema),)
        connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", key)


def advisory_key(schema: str, purpose: str = "ledger") -> int:
    """Return the number of a lock of the ledger in `schema`, among those of all programs."""
    digest = hashlib.sha256(f"kbsync {purpose} {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


# `objsubid` 1: a lock with a key of 64 bits, whose halves are `classid` and `objid`.
_HOLDERS = """
SELECT a.application_name, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'), a.pid,
       coalesce(a.client_hostname, host(a.client_addr), 'this machine'), l.mode = 'ShareLock'
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = %s
ORDER BY a.backend_start
"""


def backend_holder(connection: Connection, location: LedgerLocation) -> LockHolder | None:
    """Return the process with the advisory lock of a ledger on PostgreSQL, None when it is free."""
    row = connection.exec_driver_sql(_HOLDERS, (advisory_key(location.schema),)).first()
    return None if row is None else _holder(*row[:4])


def _holder(name: str | None, since: str, backend: int, host: str) -> LockHolder:
    parts = (name or "").split(" ", 3)
    if len(parts) == 4 and parts[0] == "kbsync":
        return LockHolder(pid=parts[1], host=parts[2], since=since, command=parts[3])
    return LockHolder(pid=f"{backend} (of PostgreSQL)", host=host, since=since, command=name or "?")
