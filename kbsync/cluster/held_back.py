"""What the guard holds back in the shards of a mirror: shown as one set, and released as one.

A shard is judged by itself, with what the others were allowed. A person reads what is held back of
the whole mirror, and agrees to all of it by one digest, or to that of one shard by its own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.leases import MINE, Lease, mine
from kbsync.cluster.partition import MARKED
from kbsync.cluster.tables import SHARD
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.mirrors import put_halt, put_held_back
from kbsync.model import Guard, Halted, HeldBack
from kbsync.planning.guard import digest_of_members, named_by

_HOLD = (
    update(SHARD)
    .where(MINE, SHARD.c.held.is_distinct_from(bindparam("of_guard")))
    .values(held=bindparam("of_guard"))
    .returning(SHARD.c.id)
)
_HELD = (
    select(SHARD.c.id, SHARD.c.mirror, SHARD.c.held)
    .where(SHARD.c.held.is_not(None))
    .order_by(SHARD.c.id)
)
_RELEASE = (
    update(SHARD)
    .where(SHARD.c.id == bindparam("shard"))
    .values({**MARKED, "released": bindparam("agreed")})
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldShard:
    """What is held back of one shard.

    Args:
        id: of the shard.
        mirror: the mirror's name.
        reasons: code and text of each reason.
        members: what names each change.
    """

    id: int
    mirror: str
    reasons: tuple[tuple[str, str], ...]
    members: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a person agreed to of one mirror: how many changes, in how many shards."""

    mirror: str
    changes: int
    shards: int


def note(connection: Connection, lease: Lease, guard: Guard, at: float) -> None:
    """Note what is held back of a shard, and in the ledger what is of its whole mirror.

    Args:
        connection: in the transaction in which one shard of the mirror is judged at a time.
        lease: of the shard.
        guard: what it still holds back.
        at: seconds of the ledger's clock.
    """
    if not lease.holds and not isinstance(guard, Halted):
        return
    values = {**mine(lease), "of_guard": _written(guard)}
    if not connection.execute(_HOLD, values).all():
        return  # as before, or the lease is another process's by now
    held = _read(connection, [lease.mirror])
    whole = _whole(held)
    if whole is not None:
        put_halt(connection, whole.digest, _members(held), at)
    put_held_back(connection, lease.mirror, whole)


def released_in(lease: Lease) -> AbstractSet[str]:
    """Return what names the changes of a shard that a person has agreed to."""
    return frozenset(json.loads(lease.released or "[]"))


def release(
    database: ClusterDatabase, digests: Sequence[str], mirrors: Collection[str]
) -> tuple[Released, ...]:
    """Let the shards carry out what is named, as soon as a worker takes them.

    Args:
        database: of the cluster.
        digests: of what is held back of a mirror or of a shard, or at least the first 8 digits.
        mirrors: of these alone; empty for all.

    Raises:
        Problem: KB-G020 or KB-G021, and nothing is released; or as `ClusterDatabase.run`.
    """
    with database.transaction() as connection:
        held = _read(connection, mirrors, lock=True)
        named = {each.id: each for digest in digests for each in _named(held, digest)}
        for each in named.values():
            agreed = json.dumps(sorted(each.members))
            values = {"shard": each.id, "agreed": agreed, "fresh": True}
            connection.execute(_RELEASE, values)
    return tuple(
        Released(mirror=mirror, changes=len(_members(shards)), shards=len(shards))
        for mirror, shards in sorted(_by_mirror(named.values()).items())
    )


def _written(guard: Guard) -> str | None:
    if not isinstance(guard, Halted):
        return None
    reasons = [(why.code, why.text) for why in guard.why]
    return json.dumps({"reasons": reasons, "members": sorted(guard.members)})


def _read(
    connection: Connection, mirrors: Collection[str], *, lock: bool = False
) -> list[HeldShard]:
    wanted = _HELD.where(SHARD.c.mirror.in_(list(mirrors))) if mirrors else _HELD
    rows = connection.execute(wanted.with_for_update() if lock else wanted).all()
    return [_shard(row.id, row.mirror, json.loads(row.held)) for row in rows]


def _shard(number: int, mirror: str, held: Mapping[str, Any]) -> HeldShard:
    reasons = tuple((code, text) for code, text in held["reasons"])
    return HeldShard(id=number, mirror=mirror, reasons=reasons, members=frozenset(held["members"]))


def _members(held: Iterable[HeldShard]) -> frozenset[str]:
    return frozenset().union(*(each.members for each in held))


def _whole(held: Sequence[HeldShard]) -> HeldBack | None:
    """Return what is held back of one mirror."""
    if not held:
        return None
    members = _members(held)
    reasons = dict.fromkeys(reason for each in held for reason in each.reasons)
    return HeldBack(digest=digest_of_members(members), changes=len(members), reasons=tuple(reasons))


def _by_mirror(held: Iterable[HeldShard]) -> dict[str, list[HeldShard]]:
    found: dict[str, list[HeldShard]] = defaultdict(list)
    for each in held:
        found[each.mirror].append(each)
    return found


def _named(held: Sequence[HeldShard], digest: str) -> Sequence[HeldShard]:
    """Return the shards whose held-back changes `digest` names; see `named_by`."""
    sets = [[each] for each in held] + list(_by_mirror(held).values())
    found = {digest_of_members(_members(each)): each for each in sets}
    return named_by(
        digest,
        lambda prefix: {whole: each for whole, each in found.items() if whole.startswith(prefix)},
    )
