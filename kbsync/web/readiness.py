"""Whether every mirror is kept in sync, and if not, why: what `/readyz` answers."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.service.admin import Admin


class Unready(StrEnum):
    """Why a process is not ready."""

    STARTING = "starting"
    SERVER_AWAY = "server_away"
    HALTED = "halted"
    HELD = "held"
    STOPPING = "stopping"
    STANDBY = "standby"
    # Of a process of a cluster, by the names that `kbsync.cluster.process.Trouble` has for them.
    DATABASE_AWAY = "database_away"
    JOBS_UNHEARD = "jobs_unheard"
    LEASES_NOT_RENEWED = "leases_not_renewed"


_WORDS = {
    Unready.STARTING: "the first comparison of everything is not through",
    Unready.SERVER_AWAY: "the server is away",
    Unready.HALTED: "the mirror is halted",
    Unready.HELD: "the guard holds changes back",
    Unready.STOPPING: "the daemon is stopping",
    Unready.STANDBY: "another process keeps the mirrors in sync, and this one waits for its end",
    Unready.DATABASE_AWAY: "the database of the ledger does not answer",
    Unready.JOBS_UNHEARD: "the worker of its jobs was not heard of",
    Unready.LEASES_NOT_RENEWED: "its leases could not be renewed",
}


@dataclass(frozen=True, slots=True)
class UnreadyReason:
    """One reason why the daemon is not ready.

    Args:
        mirror: which one it is about, None for the daemon.
        seconds: for how long, where something is away.
        notice: what is known of it, with the next command; None where nothing more is.
    """

    cause: Unready
    mirror: str | None = None
    seconds: float | None = None
    notice: Notice | None = None

    def as_json(self, *, open: bool) -> dict[str, Any]:
        """Return it for programs.

        Args:
            open: with texts, which may name paths and addresses; otherwise with codes alone.
        """
        said = self.notice
        shown: dict[str, Any] = {"cause": self.cause.value, "mirror": self.mirror}
        if self.seconds is not None:
            shown["seconds"] = round(self.seconds)
        if said is not None:
            shown |= said.as_json() if open else {"code": said.code}
        return shown

    def as_line(self, *, open: bool) -> str:
        """Return it for people; `open` as for `as_json`."""
        about = f"mirror {self.mirror}: " if self.mirror else ""
        since = f" for {self.seconds:.0f} s" if self.seconds is not None else ""
        known = ""
        if self.notice is not None:
            known = f": {self.notice}" if open else f" [{self.notice.code}]"
        return f"{about}{_WORDS[self.cause]}{since}{known}"


def reasons(admin: Admin, *, away_for: float) -> list[UnreadyReason]:
    """Return why the daemon is not ready; empty when it is.

    Args:
        admin: the daemon's.
        away_for: a server may be away for so many seconds.
    """
    found = [UnreadyReason(Unready.STOPPING)] if admin.stopping else []
    for mirror, state in admin.states().items():
        found += _of_mirror(mirror, state, admin.outages.seconds(mirror), away_for)
    return found


def _of_mirror(
    mirror: str, state: ControllerStatus, away: float, away_for: float
) -> Iterator[UnreadyReason]:
    if state.phase is Phase.HALTED:
        yield UnreadyReason(Unready.HALTED, mirror, notice=state.why)
    elif state.held is not None:
        yield UnreadyReason(Unready.HELD, mirror, notice=state.why)
    if away > away_for:
        yield UnreadyReason(Unready.SERVER_AWAY, mirror, seconds=away, notice=state.why)
    elif state.last_pass is None and state.phase is not Phase.HALTED:
        yield UnreadyReason(Unready.STARTING, mirror)
