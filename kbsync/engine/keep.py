"""Keeps one mirror closed: the engine of `apply`, kept going (docs/design.md section 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from kbsync.engine.changes import Changes
from kbsync.engine.drive import Observer
from kbsync.engine.engine import Engine
from kbsync.engine.pace import Pace
from kbsync.messages import Notice


class Phase(StrEnum):
    """What a keeper is at."""

    STARTING = "starting"
    SYNCING = "syncing"
    WATCHING = "watching"
    PAUSED = "paused"
    LENT = "lent"
    HALTED = "halted"
    UNREACHABLE = "unreachable"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperState:
    """What a keeper is at, as `status` shows it.

    Args:
        mode: how changes are noticed: ``inotify``, ``polling`` or ``inotify+polling``.
        notice: why it is not done by events alone; None when it is.
        why: why the mirror is halted or unreachable, or what the guard held back.
        next_local, next_remote: when everything is compared next, without and with a listing of
            the base, in seconds of the ledger's clock; None while nothing is planned.
        pending: keys that wait: for rest, for their grace, for room or for their time.
        indexing: documents the server is indexing.
        last_pass: when everything was compared last, in seconds of the ledger's clock.
        held: digest of what the guard holds back, None when it holds nothing.
        restless: some paths that have not rested for long, and are not read until they do.
    """

    phase: Phase = Phase.STARTING
    mode: str = ""
    notice: Notice | None = None
    why: Notice | None = None
    next_local: float | None = None
    next_remote: float | None = None
    pending: int = 0
    indexing: int = 0
    last_pass: float | None = None
    held: str | None = None
    restless: tuple[str, ...] = ()


def _nobody(state: KeeperState) -> None:
    """Tell nobody."""


class Keeper:
    """Keeps one mirror closed until it is stopped.

    Args:
        engine: the mirror's engine.
        changes: the watch over its source; started and stopped by `run`.
        pace: the mirror's times.
        observe: told of every step, as by `Engine.apply`.
        turned: told once whenever the mirror begins or ceases to be halted, unreachable, paused
            or lent, and when the guard begins or ceases to hold something back.

    Attributes:
        read_only: plan and show, write nothing: as configured.
        paused: the same, for as long as somebody wants it.
    """

    def __init__(
        self,
        engine: Engine,
        changes: Changes,
        pace: Pace,
        *,
        observe: Observer,
        turned: Callable[[KeeperState], None] = _nobody,
    ) -> None:
        self._engine = engine
        self._changes = changes
        self._pace = pace
        self._observe = observe
        self._turned = turned
        self.read_only = False
        self.paused = False

    @property
    def state(self) -> KeeperState:
        """What the keeper is at now."""
        raise NotImplementedError

    async def run(self) -> None:
        """Keep the mirror closed until `stop` is called.

        Returns once calls in flight were brought to their end, in 30 seconds at most; what
        remains is an intent in the ledger. Never raises a `Problem`: it halts this mirror, which
        tries again by itself.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """Begin no more calls; `run` returns when those in flight have ended."""
        raise NotImplementedError

    def nudge(self, *, listing: bool) -> None:
        """Compare everything now, with a listing of the base if `listing`."""
        raise NotImplementedError

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[Engine]:
        """Bring calls in flight to their end and lend the engine.

        Nothing is planned or sent meanwhile; afterwards everything is compared anew, without a
        listing.
        """
        raise NotImplementedError
        yield self._engine
