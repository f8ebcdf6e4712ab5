"""The ledger: where it is, whether it is sound, which process holds it, what is pending."""

from __future__ import annotations

from collections.abc import Iterator

from kbsync.app import build
from kbsync.app.config_drift import changes
from kbsync.config import Settings
from kbsync.ledger.database import lock_holder
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice, Problem
from kbsync.messages import doctor as say


def ledger(settings: Settings) -> Iterator[Notice]:
    """Yield findings about the ledger, which is opened to read."""
    try:
        with build.ledger_to_read(settings) as found:
            if found is None:
                yield say.LEDGER_UNMADE(place=settings.ledger.path)
                return
            yield from _ledger(settings, found)
    except Problem as problem:
        yield from problem.notices


def _ledger(settings: Settings, found: LedgerStore) -> Iterator[Notice]:
    place = found.location.shown
    faults = found.health().faults
    yield from (say.LEDGER_DAMAGED(place=place, why=why) for why in faults)
    if not faults:
        yield say.LEDGER_SOUND(place=place)
    yield _holder(found)
    yield from changes(settings, found)
    for mirror in settings.mirrors:
        yield from _mirror(mirror.name, found)
    yield from _one_base(settings, found)


def _holder(found: LedgerStore) -> Notice:
    holder = lock_holder(found.location)
    if holder is None:
        return say.LEDGER_FREE(place=found.location.shown)
    words = {"pid": holder.pid, "host": holder.host, "since": holder.since}
    return say.LEDGER_HELD(place=found.location.shown, command=holder.command, **words)


def _mirror(name: str, found: LedgerStore) -> Iterator[Notice]:
    yield say.COUNTS(mirror=name, synced=found.counts(name).get("synced", 0))
    pending = sum(1 for _ in found.intents(name))
    if pending:
        yield say.PENDING(mirror=name, count=pending)
    failed = sum(1 for _ in found.reasons(name))
    if failed:
        yield say.FAILED(mirror=name, count=failed)


def _one_base(settings: Settings, found: LedgerStore) -> Iterator[Notice]:
    """Yield a fault for mirrors that only the ledger knows to be on one base."""
    seen: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for mirror in settings.mirrors:
        binding = found.binding(mirror.name)
        if binding is None:
            continue
        others = seen.setdefault((binding.server, binding.base_id), [])
        for name, prefix in others:
            if mirror.prefix.startswith(prefix) or prefix.startswith(mirror.prefix):
                words = {"mirror": mirror.name, "other": name}
                yield say.ONE_BASE(base=binding.base_name, **words)
        others.append((mirror.name, mirror.prefix))
