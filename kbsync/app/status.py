"""What is where, as the ledger knows it: the value behind `kbsync status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsync.config import Settings
from kbsync.messages import engine as engine_say

if TYPE_CHECKING:
    from kbsync.ledger.entries import Reason
    from kbsync.ledger.store import LedgerStore


UNFINDABLE = engine_say.FAILED_UNFINDABLE.code


@dataclass(frozen=True, slots=True)
class ForeignDocument:
    """A document that kbsync did not make: never changed, never deleted."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOverview:
    """One mirror.

    Args:
        documents: number by state: synced, indexing, failed, trashed, unfindable for what is
            indexed and not found by searches, stale for what holds what its file held before, and
            pending for calls whose outcome is not known.
        foreign: documents in the base that kbsync did not make, as last listed.
        base_id: None before the first pass.
        foreign_documents: these documents by name, when they were asked for.
    """

    name: str
    source: str
    server: str
    knowledge_base: str
    base_id: str | None
    documents: Mapping[str, int]
    foreign: int
    failures: tuple[Reason, ...]
    stale: tuple[Reason, ...] = ()
    foreign_documents: tuple[ForeignDocument, ...] | None = None


def overview(
    settings: Settings, ledger: LedgerStore | None, *, foreign: bool = False
) -> Iterator[MirrorOverview]:
    """Yield every mirror of the configuration, in its order.

    Args:
        settings: as loaded.
        ledger: open for reading; None when there is none yet.
        foreign: name the documents that kbsync did not make, too.
    """
    for declared in settings.mirrors:
        base = declared.knowledge_base
        binding = ledger.binding(declared.name) if ledger else None
        stale = tuple(ledger.stale(declared.name)) if ledger else ()
        failures = tuple(_failures(declared.name, ledger, stale)) if ledger else ()
        others = ledger.foreign(binding.base_id) if ledger and binding else iter(())
        named = tuple(ForeignDocument(each.id, each.name) for each in others) if foreign else None
        yield MirrorOverview(
            name=declared.name,
            source=str(declared.source),
            server=settings.server_of(declared).url,
            knowledge_base=base.name or base.id or "",
            base_id=binding.base_id if binding else None,
            documents=_documents(declared.name, ledger, failures, stale),
            foreign=sum(1 for _ in others) if named is None else len(named),
            failures=failures,
            stale=stale,
            foreign_documents=named,
        )


def _failures(mirror: str, ledger: LedgerStore, stale: tuple[Reason, ...]) -> Iterator[Reason]:
    """Yield what failed or was refused, without what has an earlier document of its file."""
    named = {each.key for each in stale}
    return (each for each in ledger.reasons(mirror) if each.key not in named)


def _documents(
    mirror: str,
    ledger: LedgerStore | None,
    failures: tuple[Reason, ...],
    stale: tuple[Reason, ...],
) -> dict[str, int]:
    if ledger is None:
        return {"synced": 0, "failed": 0, "unfindable": 0, "stale": 0}
    counts = dict(Counter(ledger.counts(mirror)) - Counter(each.state for each in stale))
    pending = sum(1 for _ in ledger.intents(mirror))
    # A file that failed and was refused since counts once, and as failed.
    failed = {failure.key for failure in failures if failure.code != UNFINDABLE}
    unfindable = {failure.key for failure in failures} - failed
    states = {
        "synced": 0,
        **counts,
        "failed": len(failed),
        "unfindable": len(unfindable),
        "stale": len(stale),
    }
    return {**states, "pending": pending} if pending else states
