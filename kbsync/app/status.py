"""What is where, as the ledger knows it: the value behind `kbsync status`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kbsync.config import MirrorConfig, Settings
from kbsync.engine.control.restlessness import FREE, HOUR, next_upload
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import engine as engine_say
from kbsync.model import DocKey
from kbsync.source.root import root_blocked

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
class RestlessFile:
    """A file that keeps changing, and what that cost in the last hour.

    Args:
        uploads: of its document in the last hour.
        bytes: all of them together, as if the file had always been as large as at the last one.
        next_in: seconds until the daemon sends it again at the earliest.
    """

    path: str
    uploads: int
    bytes: int
    next_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOverview:
    """One mirror.

    Args:
        documents: number by state: synced, indexing, failed, trashed, unfindable for what is
            indexed and not found by searches, stale for what holds what its file held before,
            unmet for the keys of `unmet`, and pending for calls whose outcome is not known.
        foreign: documents in the base that kbsync did not make, as last listed.
        base_id: None before the first pass.
        unmet: what else the last comparison, or the work after it, left as it was: files that
            could not be sent, what is held or in conflict, settings of the base.
        restless: files that keep changing, the dearest first.
        foreign_documents: these documents by name, when they were asked for.
        guard: what the guard held back when it was compared last: a digest for a release, how many
            changes, why, and what to type; None for nothing.
        withheld: why the base takes no new documents, and what to type; None while it does.
        blocked: why the source cannot be compared now, and what to type; None where it can.
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
    unmet: tuple[Reason, ...] = ()
    restless: tuple[RestlessFile, ...] = ()
    foreign_documents: tuple[ForeignDocument, ...] | None = None
    guard: dict[str, Any] | None = None
    withheld: dict[str, Any] | None = None
    blocked: dict[str, Any] | None = None


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
        unmet = tuple(_unmet(declared.name, ledger)) if ledger else ()
        others = ledger.foreign(binding.base_id) if ledger and binding else iter(())
        named = tuple(ForeignDocument(each.id, each.name) for each in others) if foreign else None
        yield MirrorOverview(
            name=declared.name,
            source=str(declared.source),
            server=settings.server_of(declared).url,
            knowledge_base=base.name or base.id or "",
            base_id=binding.base_id if binding else None,
            documents=_documents(declared.name, ledger, failures, stale, unmet),
            foreign=sum(1 for _ in others) if named is None else len(named),
            failures=failures,
            stale=stale,
            unmet=unmet,
            restless=_restless(declared, ledger) if ledger else (),
            foreign_documents=named,
            guard=_guard(declared.name, ledger),
            withheld=_withheld(declared.name, ledger),
            blocked=_blocked(declared),
        )


def _blocked(declared: MirrorConfig) -> dict[str, Any] | None:
    """Return why `plan` and `apply` would end before anything is compared; None where not."""
    why = root_blocked(declared)
    if why is None:
        return None
    from kbsync.engine.observe.source_check import source_blocked  # noqa: PLC0415 - it is rarely so

    return source_blocked(declared.name, why).as_json()


def _restless(declared: MirrorConfig, ledger: LedgerStore) -> tuple[RestlessFile, ...]:
    now, found = time.time(), list[RestlessFile]()
    for path, each in ledger.restless(declared.name, since=now - HOUR, least=FREE + 1).items():
        entry = ledger.entry(DocKey(mirror=declared.name, path=path))
        size = entry.stat.size if entry is not None and entry.stat else 0
        wait = max(0, round(next_upload(each, declared.update_interval) - now))
        found.append(
            RestlessFile(path=path, uploads=each.uploads, bytes=each.uploads * size, next_in=wait)
        )
    return tuple(sorted(found, key=lambda file: (-file.bytes, file.path)))


def _guard(mirror: str, ledger: LedgerStore | None) -> dict[str, Any] | None:
    """Return what the guard holds back, in the words of `plan --json`, and what to type."""
    held = ledger.held_back(mirror) if ledger else None
    if held is None:
        return None
    from kbsync.messages import guard as guard_say  # noqa: PLC0415 - it is rarely so
    from kbsync.planning.guard import SHOWN  # noqa: PLC0415

    last, words = held.reasons[-1][0], {"digest": held.digest[:SHOWN]}
    release = guard_say.HALTED.get(last, guard_say.HALTED_REMOVALS).advice
    return {
        "digest": held.digest,
        "actions": held.changes,
        "reasons": [{"code": code, "reason": text} for code, text in held.reasons],
        "next": release.filled(words),
        "commands": list(release.commands(words)),
    }


def _withheld(mirror: str, ledger: LedgerStore | None) -> dict[str, Any] | None:
    """Return why the base of a mirror takes no new documents, None while it does."""
    held = ledger.held_creates(mirror) if ledger else None
    if held is None:
        return None
    from kbsync.engine.workers.admission import held_notice  # noqa: PLC0415 - it is rarely so

    return held_notice(mirror, held).as_json()


def _failures(mirror: str, ledger: LedgerStore, stale: tuple[Reason, ...]) -> Iterator[Reason]:
    """Yield what failed or was refused, without what has an earlier document of its file."""
    named = {each.key for each in stale}
    return (each for each in ledger.reasons(mirror) if each.key not in named)


def _unmet(mirror: str, ledger: LedgerStore) -> Iterator[Reason]:
    from kbsync.ledger.entries import Reason  # noqa: PLC0415 - loaded where a ledger is open

    for path, (code, sentence) in ledger.unmet(mirror).items():
        yield Reason(DocKey(mirror=mirror, path=path), "unmet", code, sentence)


def _documents(
    mirror: str,
    ledger: LedgerStore | None,
    failures: tuple[Reason, ...],
    stale: tuple[Reason, ...],
    unmet: tuple[Reason, ...],
) -> dict[str, int]:
    if ledger is None:
        return {"synced": 0, "failed": 0, "unfindable": 0, "stale": 0, "unmet": 0}
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
        "unmet": len(unmet),
    }
    return {**states, "pending": pending} if pending else states
