"""The writes that a server takes for one key, shared by all processes of a cluster.

A server counts the calls of a minute (docs/design.md section 7), whoever makes them. What is
granted is a bucket of tokens in one row, by the database's clock. A process takes a slice of it in
one statement, uses it without another one, and may do so for a while only: `SLICE` seconds from
before it asked. A call within 60 seconds of the server is thus one of a grant within 60 + SLICE
seconds of the database, and the bucket never gives more than the limit in as many: a burst b, and
(limit - b) over that time.
"""

from __future__ import annotations

import hashlib
import math

from sqlalchemy import Double, bindparam, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW, epoch, seconds
from kbsync.cluster.tables import BUDGET
from kbsync.lazy_dataclass import dataclass

# As servers count, in seconds.
WINDOW = 60.0
# How long a slice may be used, as the bucket reckons with, in seconds.
SLICE = 2.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a process got.

    Args:
        permits: writes that it may make; infinite without a limit.
        wait: without any: seconds until there may be one.
        paused: whether that is because the server wants no writes.
    """

    permits: float
    wait: float = 0.0
    paused: bool = False


# Evaluated once, before the row is locked. Where it is before the last refill, that one counts; but
# after a step back of the database's clock no longer than a window.
_MOMENT = select(NOW.label("now"), bindparam("of_server").label("server")).cte("moment")
_NOW = _MOMENT.c.now
_REFILLED_AT = func.greatest(_NOW, func.least(BUDGET.c.refilled_at, _NOW + seconds("window")))
_PASSED = func.extract("epoch", _REFILLED_AT - BUDGET.c.refilled_at)
_REFILLED = func.least(
    bindparam("burst", type_=Double),
    BUDGET.c.tokens + bindparam("rate", type_=Double) * func.greatest(0.0, _PASSED),
)
_OPEN = or_(BUDGET.c.paused_until.is_(None), BUDGET.c.paused_until <= _NOW)
_GRANTED = case(
    (_OPEN, func.floor(func.least(bindparam("wanted", type_=Double), _REFILLED))), else_=0.0
)
_MINE = (BUDGET.c.server == bindparam("of_server"), BUDGET.c.key_digest == bindparam("of_key"))
_PAUSE_LEFT = epoch((BUDGET.c.paused_until - NOW).label("left"))
_OPEN_BUDGET = (
    insert(BUDGET).values(
        server=bindparam("of_server"),
        key_digest=bindparam("of_key"),
        tokens=bindparam("burst", type_=Double),
        refilled_at=NOW,
    )
).on_conflict_do_nothing()
_TAKE = (
    update(BUDGET)
    .where(*_MINE, BUDGET.c.server == _MOMENT.c.server)
    .values(tokens=_REFILLED - _GRANTED, refilled_at=_REFILLED_AT, granted=_GRANTED)
    .returning(BUDGET.c.granted, BUDGET.c.tokens, _PAUSE_LEFT)
)
_LOOK = select(_PAUSE_LEFT).where(*_MINE)
_PAUSE = (
    update(BUDGET)
    .where(*_MINE)
    .values(paused_until=func.greatest(BUDGET.c.paused_until, NOW + seconds("pause")))
)


class Budget:
    """The budget of one server and key.

    Args:
        database: of the cluster.
        server: its address.
        key: of the server; only a digest of it is kept.
        per_minute: writes the server allows in any 60 seconds; None for no limit.
        window: as the server counts, in seconds.
        slice_seconds: how long a process may use what it took, reckoned from before it asked.

    Raises:
        Problem: as `ClusterDatabase.run`.
    """

    def __init__(
        self,
        database: ClusterDatabase,
        *,
        server: str,
        key: str,
        per_minute: int | None,
        window: float = WINDOW,
        slice_seconds: float = SLICE,
    ) -> None:
        self._database = database
        digest = hashlib.sha256(f"{server}\n{key}".encode()).hexdigest()[:32]
        self._row = {"of_server": server, "of_key": digest}
        self.slice_seconds = slice_seconds
        self.burst = max(1, per_minute // 10) if per_minute else math.inf
        rest = max(1, per_minute - self.burst) if per_minute else 0
        self._rate = rest / (window + slice_seconds)
        self._filling = {"burst": self.burst, "rate": self._rate, "window": window}
        database.run(_OPEN_BUDGET, {**self._row, "burst": self.burst if per_minute else 0.0})

    def take(self, wanted: int) -> Grant:
        """Take up to `wanted` permits.

        Raises:
            Problem: as `ClusterDatabase.run`.
        """
        if not self._rate:
            return self._unlimited()
        values = {**self._row, **self._filling, "wanted": float(wanted)}
        row = self._database.run(_TAKE, values)[0]
        if row.granted:
            return Grant(float(row.granted))
        if row.left is not None and row.left > 0:
            return Grant(0, row.left, paused=True)
        return Grant(0, max(0.0, 1.0 - row.tokens) / self._rate)

    def _unlimited(self) -> Grant:
        row = self._database.run(_LOOK, self._row)[0]
        if row.left is not None and row.left > 0:
            return Grant(0, row.left, paused=True)
        return Grant(math.inf)

    def pause(self, seconds: float) -> None:
        """Let every process wait: the server said too many requests.

        Raises:
            Problem: as `ClusterDatabase.run`.
        """
        self._database.run(_PAUSE, {**self._row, "pause": seconds})
