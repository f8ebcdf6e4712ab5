"""What is kept for a whole mirror: its base, its owner, a pause, what the guard halted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select

from kbsync.ledger import records
from kbsync.ledger.database import Database, Value
from kbsync.ledger.tables import (
    BINDINGS,
    ENTRIES,
    HALTS,
    INTENTS,
    JOURNAL,
    METADATA,
    MIRRORS,
    MOUNTS,
)
from kbsync.messages import Problem
from kbsync.messages import ledger as messages
from kbsync.model import Binding, HeldBack, HeldCreates, Ownership, Rehash

# How many sets of halted changes are kept for a release.
KEPT = 20

_BINDING = select(*records.BINDING).where(BINDINGS.c.mirror == bindparam("mirror"))
_ALL_BINDINGS = select(*records.BINDING).order_by(BINDINGS.c.mirror)
_OWNER = select(*records.OWNERSHIP).where(
    MIRRORS.c.mirror == bindparam("mirror"), MIRRORS.c.owner_token.is_not(None)
)
_PAUSED = select(MIRRORS.c.mirror, MIRRORS.c.paused_at).where(MIRRORS.c.paused_at.is_not(None))
_REHASH = select(*records.REHASH).where(
    MIRRORS.c.mirror == bindparam("mirror"), MIRRORS.c.rehash_since.is_not(None)
)
_HELD_CREATES = select(*records.HELD_CREATES).where(
    MIRRORS.c.mirror == bindparam("mirror"), MIRRORS.c.creates_code.is_not(None)
)
_HELD_BACK = select(*records.HELD_BACK).where(
    MIRRORS.c.mirror == bindparam("mirror"), MIRRORS.c.held_digest.is_not(None)
)
_MOUNTS = select(MOUNTS.c.path, MOUNTS.c.covers).where(MOUNTS.c.mirror == bindparam("mirror"))
_AGREED = select(MIRRORS.c.agreed_at).where(
    MIRRORS.c.mirror == bindparam("mirror"), MIRRORS.c.agreed_at.is_not(None)
)

# What goes with a binding to another name. `mirrors` stays: a name that is paused stays paused,
# so that a mirror that is still declared under it is not filled again.
_MOVED = tuple(
    table
    for table in METADATA.sorted_tables
    if "mirror" in table.c and table not in {BINDINGS, MIRRORS}
)


class Mirrors:
    """Keeps what belongs to a mirror as a whole; renames and forgets mirrors."""

    _database: Database

    def binding(self, mirror: str) -> Binding | None:
        """Return what the mirror is tied to, None before its first pass."""
        rows = self._database.fetch(_BINDING, mirror=mirror)
        return records.binding_of(rows[0]) if rows else None

    def bindings(self) -> tuple[Binding, ...]:
        """Return what every mirror of this ledger is tied to, by name."""
        rows = self._database.fetch(_ALL_BINDINGS)
        return tuple(map(records.binding_of, rows))

    def bind(self, binding: Binding) -> None:
        """Tie the mirror; replaces an older binding. Its entries keep the base they were made in.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        values = records.binding_values(binding)
        with self._database.writing() as connection:
            _put(connection, BINDINGS, binding.mirror, values)

    def ownership(self, mirror: str) -> Ownership | None:
        """Return under which name the mirror's documents are marked, None before the first."""
        rows = self._database.fetch(_OWNER, mirror=mirror)
        return records.ownership_of(rows[0]) if rows else None

    def own(self, mirror: str, ownership: Ownership) -> None:
        """Mark the mirror's documents as `ownership` says from now on.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            _put(connection, MIRRORS, mirror, records.ownership_values(ownership))

    def unmark(self, mirror: str) -> None:
        """Drop the hash of the marks of all documents in the mirror's base; they are written anew.

        Those of other mirrors too: metadata fields are the base's.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        base = select(BINDINGS.c.base_id).where(BINDINGS.c.mirror == mirror).scalar_subquery()
        marked = (ENTRIES.c.base_id == base, ENTRIES.c.metadata_hash.is_not(None))
        with self._database.writing() as connection:
            connection.execute(ENTRIES.update().where(*marked).values(metadata_hash=None))

    def pause(self, mirror: str, at: float) -> None:
        """Note that the name `mirror` is paused, bound or not; an earlier pause stays.

        Args:
            mirror: its name.
            at: seconds of the ledger's clock.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        if mirror in self.paused():
            return
        with self._database.writing() as connection:
            _put(connection, MIRRORS, mirror, {"paused_at": at})

    def resume(self, mirror: str) -> None:
        """Note that `mirror` is not paused any more.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            mine = MIRRORS.c.mirror == mirror
            connection.execute(MIRRORS.update().where(mine).values(paused_at=None))

    def paused(self) -> dict[str, float]:
        """Return the paused mirrors, each with when it was paused (seconds of our clock)."""
        return {str(mirror): float(at or 0) for mirror, at in self._database.fetch(_PAUSED)}

    def agree(self, mirror: str, at: float) -> None:
        """Note that what the guard halted of `mirror` was released.

        Args:
            mirror: the mirror's name.
            at: seconds of the ledger's clock.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            _put(connection, MIRRORS, mirror, {"agreed_at": at})

    def agreed_at(self, mirror: str) -> float:
        """Return when the newest release was (seconds of the ledger's clock), 0.0 for never."""
        rows = self._database.fetch(_AGREED, mirror=mirror)
        return float(rows[0][0] or 0) if rows else 0.0

    def rehash(self, mirror: str) -> Rehash | None:
        """Return how far the rolling re-hash has come, None before the first."""
        rows = self._database.fetch(_REHASH, mirror=mirror)
        return records.rehash_of(rows[0]) if rows else None

    def note_rehash(self, mirror: str, rehash: Rehash) -> None:
        """Record how far the rolling re-hash has come.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            _put(connection, MIRRORS, mirror, records.rehash_values(rehash))

    def held_creates(self, mirror: str) -> HeldCreates | None:
        """Return why the mirror's base takes no new documents, None when it does."""
        rows = self._database.fetch(_HELD_CREATES, mirror=mirror)
        return records.held_creates_of(rows[0]) if rows else None

    def hold_creates(self, mirror: str, held: HeldCreates | None) -> None:
        """Record that the mirror's base takes no new documents, or with None that it does.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            _put(connection, MIRRORS, mirror, records.held_creates_values(held))

    def held_back(self, mirror: str) -> HeldBack | None:
        """Return what the guard held back when the mirror was compared last, None for nothing."""
        rows = self._database.fetch(_HELD_BACK, mirror=mirror)
        return records.held_back_of(rows[0]) if rows else None

    def note_held_back(self, mirror: str, held: HeldBack | None) -> None:
        """Record what the guard holds back, None for nothing; nothing is written that is known.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        if held == self.held_back(mirror):
            return
        with self._database.writing(()) as connection:
            put_held_back(connection, mirror, held)

    def mounts(self, mirror: str) -> Mapping[str, bool]:
        """Return the folders below the root that were seen to be mount points.

        Of each, whether a mount there may hide files that were sent.
        """
        rows = self._database.fetch(_MOUNTS, mirror=mirror)
        return {str(path): bool(covers) for path, covers in rows}

    def note_mounts(self, mirror: str, points: Mapping[str, bool | None]) -> None:
        """Record which folders below the root are mount points; others stay as recorded.

        Args:
            mirror: the mirror's name.
            points: as `mounts` returns them, None for those that are none any more.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        rows = [
            {"mirror": mirror, "path": path, "covers": covers}
            for path, covers in sorted(points.items())
            if covers is not None
        ]
        mine = MOUNTS.delete().where(MOUNTS.c.mirror == mirror)
        with self._database.writing() as connection:
            connection.execute(mine.where(MOUNTS.c.path.in_(list(points))))
            if rows:
                connection.execute(insert(MOUNTS), rows)

    def note_halt(self, digest: str, members: AbstractSet[str], at: float) -> None:
        """Keep a set that was halted, for a release to name; only the newest sets are kept.

        Args:
            digest: the set's name.
            members: what names each change in it.
            at: seconds of the ledger's clock.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            put_halt(connection, digest, members, at)

    def halts(self, prefix: str) -> Mapping[str, frozenset[str]]:
        """Return the kept sets whose digest starts with `prefix`, by digest."""
        wanted = HALTS.c.digest.startswith(prefix, autoescape=True)
        rows = self._database.fetch_once(select(HALTS.c.digest, HALTS.c.members).where(wanted))
        return {str(digest): frozenset(json.loads(str(members))) for digest, members in rows}

    def rename_mirror(self, old: str, new: str) -> int:
        """Give a mirror another name, with its documents and its history; return their number.

        Its documents' marks still say the old name. The hash of what they say is dropped, so that
        later passes write them anew.

        Raises:
            Problem: KB-L070 when `old` is not known, KB-L071 when `new` has documents of its own,
                KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            _require(connection, old)
            if _count(connection, ENTRIES, new) or _count(connection, INTENTS, new):
                raise Problem(messages.MIRROR_TAKEN(mirror=new))
            owner = connection.execute(_OWNER, {"mirror": old}).mappings().first()
            _drop(connection, new)
            _move(connection, old, new)
            if owner is not None:
                _put(connection, MIRRORS, new, dict(owner))
            _drop(connection, old)
            return _count(connection, ENTRIES, new)

    def forget_mirror(self, mirror: str) -> int:
        """Drop all of a mirror but its history and its pause; return how many entries it had.

        Raises:
            Problem: KB-L070 when `mirror` is not known, KB-L040 to KB-L047.
        """
        with self._database.writing() as connection:
            _require(connection, mirror)
            entries = _count(connection, ENTRIES, mirror)
            _drop(connection, mirror)
            return entries


def put_held_back(connection: Connection, mirror: str, held: HeldBack | None) -> None:
    """Record what the guard holds back, in a transaction of the caller's."""
    _put(connection, MIRRORS, mirror, records.held_back_values(held))


def put_halt(connection: Connection, digest: str, members: AbstractSet[str], at: float) -> None:
    """Keep a set that was halted, in a transaction of the caller's; see `Mirrors.note_halt`."""
    others = HALTS.c.digest != digest
    by_age = (HALTS.c.at.desc(), HALTS.c.digest.desc())
    newest = select(HALTS.c.digest).where(others).order_by(*by_age).limit(KEPT - 1)
    kept = [digest, *connection.scalars(newest)]
    connection.execute(HALTS.delete().where(HALTS.c.digest.not_in(kept)))
    _put(connection, HALTS, digest, {"at": at, "members": json.dumps(sorted(members))})


def _put(connection: Connection, table: Table, name: str, values: Mapping[str, Value]) -> None:
    """Change the row whose key is `name`, or make it."""
    (key,) = table.primary_key
    if connection.execute(table.update().where(key == name).values(**values)).rowcount:
        return
    row = {**values, key.name: name}
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), row)
        return
    # Two workers of a cluster may make the row at once.
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - a ledger in a file needs none

    made = postgresql.insert(table).values(row)
    connection.execute(made.on_conflict_do_update(index_elements=[key], set_=values))


def _require(connection: Connection, mirror: str) -> None:
    known = connection.scalars(select(BINDINGS.c.mirror).order_by(BINDINGS.c.mirror)).all()
    if mirror not in known:
        raise Problem(messages.NO_MIRROR(mirror=mirror, known=", ".join(known) or "none"))


def _count(connection: Connection, table: Table, mirror: str) -> int:
    counted = select(func.count()).select_from(table).where(table.c.mirror == mirror)
    return connection.scalar(counted) or 0


def _move(connection: Connection, old: str, new: str) -> None:
    # The new binding first: entries refer to one all the time.
    binding = select(BINDINGS).where(BINDINGS.c.mirror == old)
    row = connection.execute(binding).mappings().one()
    connection.execute(insert(BINDINGS), {**row, "mirror": new})
    for table in _MOVED:
        values: dict[str, Any] = {"mirror": new}
        if table is ENTRIES:
            values["metadata_hash"] = None
        connection.execute(table.update().where(table.c.mirror == old).values(values))


def _drop(connection: Connection, mirror: str) -> None:
    for table in (*_MOVED, BINDINGS):
        if table is not JOURNAL:
            connection.execute(table.delete().where(table.c.mirror == mirror))
    kept = (*records.OWNERSHIP, *records.REHASH, *records.HELD_CREATES, *records.HELD_BACK)
    nothing = {column.name: None for column in kept}
    connection.execute(MIRRORS.update().where(MIRRORS.c.mirror == mirror).values(nothing))
