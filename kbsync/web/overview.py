"""What the status page shows of every mirror, gathered once a second at most for all visitors.

Nothing is gathered without a request: there is no task of its own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import anyio
import anyio.to_thread

from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.folder_rows import FolderRows, UnderWay
from kbsync.messages import Notice, Problem
from kbsync.service.admin import Admin
from kbsync.service.supervisor import SupervisedMirror
from kbsync.web.folder_counts import shown
from kbsync.web.snapshot import Counts, MirrorFacts, snapshot

# Seconds that what was gathered is shown; calls and documents under way that are named.
FRESH = 1.0
NAMED = 8
TROUBLED = ("failed", "unfindable", "stale")
GOES_BY_ITSELF = frozenset({Phase.STARTING, Phase.SYNCING, Phase.WATCHING})


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorCard:
    """One mirror as it is now.

    Args:
        documents: number by state, zeros left out, the worst first; None when the ledger could not
            be asked.
        done, all: of the progress bar; `all` is 0 where nothing moves.
        under_way: calls that are made, then documents that are indexed, the oldest first.
    """

    name: str
    source: str
    base: str
    server: str
    phase: str
    why: Notice | None
    notice: Notice | None
    read_only: bool
    paused: bool
    away: float
    pending: int
    indexing: int
    held: str | None
    held_keys: int
    compared: float | None
    mode: str
    documents: Mapping[str, int] | None
    done: int
    all: int
    under_way: tuple[UnderWay, ...]

    @property
    def tone(self) -> str:
        """How grave it is: ``bad``, ``warn``, ``busy`` or ``good``."""
        if self.phase in (Phase.HALTED, Phase.UNREACHABLE) or self.held is not None:
            return "bad"
        worst = self.documents or {}
        if self.phase == Phase.PAUSED or any(
            worst.get(k) for k in ("failed", "unfindable", "stale", "unmet")
        ):
            return "warn"
        return "good" if self.phase == Phase.WATCHING and not self.all else "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The daemon as it is now.

    Args:
        refused: why the configuration file as it is now is not in force.
        ready: whether every mirror is kept in sync.
    """

    mirrors: tuple[MirrorCard, ...]
    refused: Notice | None
    ready: bool
    stopping: bool

    def mirror(self, name: str) -> MirrorCard | None:
        """Return one mirror, None where there is none of that name."""
        return next((each for each in self.mirrors if each.name == name), None)


class LiveOverview:
    """Gathers the overview when it is asked for.

    Args:
        admin: the daemon's.
        rows: of its ledger.
        away_for: as for `kbsync.web.readiness.reasons`.
    """

    def __init__(self, admin: Admin, rows: FolderRows, *, away_for: float) -> None:
        self._admin = admin
        self._rows = rows
        self._away_for = away_for
        self._counts = Counts(admin.ledger)
        self._one_at_a_time = anyio.Lock()
        self._gathered_at = float("-inf")
        self._overview: Overview | None = None
        self.gathered = 0

    async def now(self) -> Overview:
        """Return it, a second old at most."""
        async with self._one_at_a_time:
            age = time.monotonic() - self._gathered_at
            if self._overview is None or age >= FRESH:
                self._overview = await self._gather()
                self._gathered_at = time.monotonic()
                self.gathered += 1
            return self._overview

    async def card(self, mirror: SupervisedMirror, documents: Mapping[str, int]) -> MirrorCard:
        """Return one mirror as it is now, whose documents are counted already.

        Args:
            mirror: which one.
            documents: number by state.
        """
        name = mirror.declared.name
        facts = MirrorFacts(
            name=name,
            status=self._admin.states()[name],
            documents=documents,
            now=self._admin.clock.now(),
            away=self._admin.outages.seconds(name),
        )
        under_way = await anyio.to_thread.run_sync(self._under_way, [name])
        return self._card(facts, mirror, under_way.get(name, ()))

    async def _gather(self) -> Overview:
        found = await snapshot(self._admin, self._counts, away_for=self._away_for)
        names = [each.name for each in found.mirrors]
        busy = await anyio.to_thread.run_sync(self._under_way, names)
        supervised = {each.declared.name: each for each in self._admin.supervisor}
        cards = [
            self._card(each, supervised[each.name], busy.get(each.name, ()))
            for each in found.mirrors
            if each.name in supervised  # a reload may have come in between
        ]
        refused = self._admin.refused
        return Overview(
            mirrors=tuple(cards),
            refused=refused.notice if refused else None,
            ready=bool(found.ready),
            stopping=self._admin.stopping,
        )

    def _under_way(self, mirrors: list[str]) -> Mapping[str, tuple[UnderWay, ...]]:
        try:
            return {each: tuple(self._rows.under_way(each, limit=NAMED)) for each in mirrors}
        except Problem:  # the phase of every mirror says why
            return {}

    def _card(
        self, facts: MirrorFacts, mirror: SupervisedMirror, under_way: tuple[UnderWay, ...]
    ) -> MirrorCard:
        declared, status = mirror.declared, facts.status
        counts = dict(facts.documents)
        done, of = _progress(counts, status)
        return MirrorCard(
            name=facts.name,
            source=str(declared.source),
            base=declared.knowledge_base.name or declared.knowledge_base.id or "",
            server=mirror.server.url,
            phase=status.phase.value,
            why=status.why,
            notice=status.notice,
            read_only=declared.read_only,
            paused=mirror.paused,
            away=facts.away,
            pending=status.pending,
            indexing=status.indexing,
            held=status.held,
            held_keys=status.held_keys,
            compared=status.last_pass,
            mode=status.mode,
            documents=(shown(counts) | _foreign(counts)) if counts else None,
            done=done,
            all=of,
            under_way=under_way,
        )


def _foreign(counts: Mapping[str, int]) -> dict[str, int]:
    return {"foreign": counts["foreign"]} if counts.get("foreign") else {}


def _progress(counts: Mapping[str, int], status: ControllerStatus) -> tuple[int, int]:
    """Return how many documents are in sync, of how many; 0 of 0 where nothing is under way."""
    done, indexing = counts.get("synced", 0), max(status.indexing, counts.get("indexing", 0))
    if status.phase not in GOES_BY_ITSELF or not (status.pending or indexing):
        return done, 0
    return done, max(status.files, done + indexing)
