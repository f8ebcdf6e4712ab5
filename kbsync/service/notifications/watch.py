"""Looks at the mirrors every second, and hands what is due to each receiver."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

import anyio
import anyio.to_thread

from kbsync.app.status import UNFINDABLE
from kbsync.config import NotifyTarget
from kbsync.engine.execute.results import Event
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice, Problem
from kbsync.messages import daemon as say
from kbsync.service.admin import Admin
from kbsync.service.notifications import program, webhook
from kbsync.service.notifications.delivery import Delivery, Send
from kbsync.service.notifications.occasions import MirrorTrouble, Occasions

LOOK = 1.0
# Seconds between two counts of failures: after something happened, and while there are some.
COUNT, COUNT_AGAIN = 5.0, 60.0


class Notifications:
    """Notifies all receivers; see `kbsync.service.attached.Attachment`.

    Args:
        admin: the daemon's.
        targets: as declared.
    """

    def __init__(self, admin: Admin, targets: Sequence[NotifyTarget]) -> None:
        self._admin = admin
        self._receivers = [
            (Occasions(target), Delivery(f"notify[{number}]", _sender(target), admin.log))
            for number, target in enumerate(targets)
        ]
        self._failed: Mapping[str, Notice | None] = {}
        self._changed = True
        self._counted = -COUNT

    def observe(self, event: Event) -> None:
        """Note that failures have to be counted anew."""
        self._changed = True

    async def run(self) -> None:
        """Look until cancelled."""
        async with anyio.create_task_group() as group:
            for _, delivery in self._receivers:
                group.start_soon(delivery.run)
            while True:
                if not self._admin.stopping:
                    await self._look()
                await anyio.sleep(LOOK)

    async def _look(self) -> None:
        states = self._admin.states()
        if self._counting_due():
            self._changed, self._counted = False, time.monotonic()
            found = await anyio.to_thread.run_sync(failures, self._admin.ledger, [*states])
            # What is not known is not over.
            self._failed = self._failed if found is None else found
        mirrors = {
            name: MirrorTrouble(
                status=state,
                away=self._admin.outages.seconds(name),
                failed=self._failed.get(name),
            )
            for name, state in states.items()
        }
        for occasions, delivery in self._receivers:
            for notification in occasions.due(mirrors, time.time()):
                delivery.put(notification)

    def _counting_due(self) -> bool:
        rested = time.monotonic() - self._counted
        if self._changed:
            return rested >= COUNT
        return any(self._failed.values()) and rested >= COUNT_AGAIN


def _sender(target: NotifyTarget) -> Send:
    return partial(program.start if target.command is not None else webhook.call, target)


def failures(ledger: LedgerStore, mirrors: Sequence[str]) -> Mapping[str, Notice | None] | None:
    """Return by mirror which files have no up-to-date document, None for a mirror without any.

    It blocks.

    Args:
        ledger: open.
        mirrors: their names.

    Returns:
        None where the ledger cannot be read; that halts every mirror, which is notified.
    """
    try:
        return {mirror: _failure(ledger, mirror) for mirror in mirrors}
    except Problem:
        return None


def _failure(ledger: LedgerStore, mirror: str) -> Notice | None:
    counts = ledger.documents_by_state(mirror, unfindable=UNFINDABLE)
    count = sum(counts[state] for state in ("failed", "unfindable", "stale", "unmet"))
    if not count:
        return None
    first = next(ledger.reasons(mirror), None) or next(ledger.stale(mirror), None)
    path, why = (first.key.path, first.sentence) if first else _unmet(ledger, mirror)
    return say.DOCUMENTS_FAILED(mirror=mirror, count=count, path=path, why=why)


def _unmet(ledger: LedgerStore, mirror: str) -> tuple[str, str]:
    path, (_, sentence) = next(iter(ledger.unmet(mirror).items()), ("", ("", "")))
    return path, sentence
