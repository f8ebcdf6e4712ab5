"""What is measured at one moment: plain values, gathered from the engine and counted in the ledger.

What the engine keeps is read in the event loop, what the ledger counts in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import anyio.to_thread

from kbsync.app.status import UNFINDABLE
from kbsync.engine.control.controller import ControllerStatus
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Problem
from kbsync.service.admin import Admin
from kbsync.service.shared_servers import ServerLoad
from kbsync.web.readiness import reasons

# Counting takes this part of the time at most: counts are kept for so many times what they took.
KEPT_FOR = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorFacts:
    """One mirror.

    Args:
        documents: number by state, in the words of `kbsync status`, and ``foreign`` and ``held``;
            empty when the ledger could not be asked.
        now: of the ledger's clock, as the times in `status`.
        away: seconds its server is away, 0.0 while it answers.
    """

    name: str
    status: ControllerStatus
    documents: Mapping[str, int]
    now: float
    away: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The daemon.

    Args:
        servers: by name, those that are open.
        ledger_bytes: None when the ledger could not be asked.
        ready, refused: whether the daemon is ready, and its configuration file refused; None while
            it waits for the ledger.
    """

    mirrors: tuple[MirrorFacts, ...]
    servers: Mapping[str, ServerLoad]
    ledger_bytes: int | None
    ready: bool | None
    refused: bool | None


NOTHING = Snapshot(mirrors=(), servers={}, ledger_bytes=None, ready=None, refused=None)


class Counts:
    """Documents by mirror and state, counted in the ledger and kept for a moment.

    Args:
        ledger: of the daemon.
    """

    def __init__(self, ledger: LedgerStore) -> None:
        self._ledger = ledger
        self._until = 0.0
        self._documents: dict[str, Mapping[str, int]] = {}
        self._foreign: dict[str, tuple[object, int]] = {}

    def documents(self, mirrors: tuple[str, ...]) -> Mapping[str, Mapping[str, int]]:
        """Return the number of documents by mirror and state. Blocks.

        Raises:
            Problem: the ledger cannot be read.
        """
        began = time.monotonic()
        if began >= self._until or set(mirrors) - self._documents.keys():
            self._documents = {mirror: self._of(mirror) for mirror in mirrors}
            ended = time.monotonic()
            self._until = ended + KEPT_FOR * (ended - began)
        return self._documents

    def _of(self, mirror: str) -> Mapping[str, int]:
        counts = self._ledger.documents_by_state(mirror, unfindable=UNFINDABLE)
        return {**counts, "foreign": self._foreign_of(mirror, sum(counts.values()))}

    def _foreign_of(self, mirror: str, entries: int) -> int:
        """Return how many listed documents are not ours; they are counted anew for a new listing.

        Args:
            mirror: its name.
            entries: another number of them says that documents were taken over.
        """
        binding = self._ledger.binding(mirror)
        listing = self._ledger.listing(binding.base_id) if binding else None
        known, count = self._foreign.get(mirror, (None, 0))
        if binding is None or listing is None:  # one that is being taken is not whole
            return count
        if known != (listing, entries):
            count = self._ledger.foreign_count(binding.base_id)
            self._foreign[mirror] = (listing, entries), count
        return count


async def snapshot(admin: Admin, counts: Counts, *, away_for: float) -> Snapshot:
    """Return what is measured now.

    Args:
        admin: the daemon's.
        counts: kept from one time to the next.
        away_for: as for `reasons`.
    """
    names = tuple(admin.states())
    documents, ledger_bytes = await anyio.to_thread.run_sync(_counted, admin, counts, names)
    servers = {name: admin.supervisor.load(each) for name, each in admin.settings.servers.items()}
    return Snapshot(
        mirrors=_mirrors(admin, documents),
        servers={name: load for name, load in servers.items() if load is not None},
        ledger_bytes=ledger_bytes,
        ready=not reasons(admin, away_for=away_for),
        refused=admin.refused is not None,
    )


def _counted(
    admin: Admin, counts: Counts, names: tuple[str, ...]
) -> tuple[Mapping[str, Mapping[str, int]], int | None]:
    try:
        return counts.documents(names), admin.ledger.size()
    except Problem:  # the log and /readyz say why
        return {}, None


def _mirrors(admin: Admin, documents: Mapping[str, Mapping[str, int]]) -> tuple[MirrorFacts, ...]:
    states, now, found = admin.states(), admin.clock.now(), list[MirrorFacts]()
    for mirror in admin.supervisor:
        name = mirror.declared.name
        counted = documents.get(name)
        found.append(
            MirrorFacts(
                name=name,
                status=states[name],
                documents={**counted, "held": states[name].held_keys} if counted else {},
                now=now,
                away=admin.outages.seconds(name),
            )
        )
    return tuple(found)
