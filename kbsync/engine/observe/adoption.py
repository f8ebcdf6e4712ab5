"""Adoption of foreign documents: offered as a plan, then recorded in the ledger.

Nothing is changed at the server: a later pass writes the marks, and sends again what is not known
to be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.results import TimedCall
from kbsync.engine.observe.candidates import ScanTally, candidates
from kbsync.engine.observe.knowledge_base import ensure_base
from kbsync.engine.observe.remote_state import is_kept, refresh
from kbsync.engine.ports import UNCHANGED, EntryChange
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import adoption as say
from kbsync.messages import engine as engine_say
from kbsync.model import (
    Adopt,
    Cause,
    DocKey,
    EntryState,
    Fingerprint,
    LedgerEntry,
    Present,
    Readiness,
    RemoteDocument,
    Stat,
    Unknown,
)
from kbsync.planning.pairing import NewFile, Pair, Pairing, Unpaired

ROW = "adopt"
BATCH = 500
BLOCK = 1 << 20

Match = Callable[[list[NewFile], list[RemoteDocument]], Pairing]


class Trust(StrEnum):
    """What proves that a document is made of its file."""

    NONE = "none"
    SIZE = "size"  # its upload was as large as what would be sent
    CONTENT = "content"  # its bytes are those that would be sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """A file whose document may be made of it: as large, and not compared yet."""

    fingerprint: Fingerprint
    stat: Stat
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What would be adopted, and what it costs.

    Args:
        actions: one for each document; those without a fingerprint are sent again by the next pass.
        bytes_anew: bytes of the files that are sent again in any case.
        left: what cannot be paired, with the reason.
        files, documents: files that stay without a document, and documents that stay foreign.
        unproven: keys whose document is to be compared with the file before it is taken over.
        unread: why a document could not be compared; it is sent again.
    """

    context: Context
    actions: tuple[Adopt, ...]
    bytes_anew: int
    left: tuple[Unpaired, ...]
    files: int
    documents: int
    unproven: Mapping[DocKey, Unproven] = field(default_factory=dict)
    unread: tuple[Unpaired, ...] = ()

    @property
    def known(self) -> int:
        """How many need no upload."""
        return sum(action.fingerprint is not None for action in self.actions)

    @property
    def anew(self) -> int:
        """How many are sent again, as far as it is known."""
        return len(self.actions) - self.known - len(self.unproven)

    @property
    def download_bytes(self) -> int:
        """How much is downloaded to compare what is unproven."""
        return sum(each.size for each in self.unproven.values())

    @property
    def minutes(self) -> float | None:
        """How long the downloads take at the declared rate limit; None where there is none."""
        limit = self.context.mirror.server.requests_per_minute
        return len(self.unproven) / limit if limit else None


async def offer(context: Context, match: Match, *, cause: Cause, trust: Trust) -> Offer:
    """Return what `match` pairs of the files without an entry and the documents without one.

    Args:
        context: the mirror with the base that was found for it.
        match: pairs them.
        cause: NAME, BASENAME or MAP.
        trust: which documents count as made of their file; CONTENT leaves them unproven, for
            `adoption_by_content.compared`.

    Raises:
        Problem: the base could not be listed, or changed while it was.
    """
    assert context.base_id is not None  # noqa: S101 - the caller found the base
    listing = await refresh(context)
    # A missed document of the same name would make an ambiguous pair look certain.
    if not is_kept(context, listing):
        raise Problem(say.LISTING_MOVED(mirror=context.mirror.name))
    documents = list(context.ledger.foreign(context.base_id))
    files = await anyio.to_thread.run_sync(lambda: list(_new_files(context)))
    pairing = _certain(match(files, documents), context.ledger.pending_names(context.base_id))

    def alike() -> dict[DocKey, Unproven]:
        looked_at = pairing.pairs if trust is not Trust.NONE else ()
        found = ((each.file.key, _alike(context, each, trust)) for each in looked_at)
        return {key: same for key, same in found if same is not None}

    same = await anyio.to_thread.run_sync(alike)
    sizes = {each.file.key: each.file.stat.size for each in pairing.pairs}
    known = same if trust is Trust.SIZE else {}
    return Offer(
        context=context,
        actions=tuple(_adopt(each, cause, known) for each in pairing.pairs),
        bytes_anew=sum(size for key, size in sizes.items() if key not in same),
        left=pairing.left,
        files=len(files) - len(sizes),
        documents=len(documents) - len(sizes),
        unproven=same if trust is Trust.CONTENT else {},
    )


async def take(offered: Offer) -> None:
    """Record everything `offered` in the ledger.

    Raises:
        Problem: the base is not the one that was listed any more, or the ledger refused.
    """
    context = offered.context
    base = await ensure_base(context.mirror, context.ledger, context.remote, context.clock)
    # The base was replaced between the offer and the answer to it.
    if base.id != context.base_id:
        raise Problem(say.LISTING_MOVED(mirror=context.mirror.name))
    for start in range(0, len(offered.actions), BATCH):
        batch = offered.actions[start : start + BATCH]
        context.ledger.commit_all([_change(context, action) for action in batch])


def _certain(pairing: Pairing, pending: frozenset[str]) -> Pairing:
    """Leave out documents that a pending upload of any mirror may have made."""
    unsure = [each for each in pairing.pairs if each.document.name in pending]
    left = [
        Unpaired(name=each.file.key.path, why=say.UNANSWERED(document=each.document.id))
        for each in unsure
    ]
    pairs = tuple(each for each in pairing.pairs if each not in unsure)
    return Pairing(pairs=pairs, left=(*pairing.left, *left))


def _new_files(context: Context) -> Iterator[NewFile]:
    mirror, ledger = context.mirror, context.ledger
    rows = ledger.rows(mirror.name, mirror.document_rules, listing=None)
    for state in candidates(mirror.name, mirror.source, rows, ScanTally()):
        if isinstance(state, Present) and ledger.entry(state.key) is None:
            yield NewFile(
                key=state.key,
                name=mirror.document_name(state.key.path),
                stat=state.stat,
                pending=ledger.intent(state.key) is not None,
            )


def _adopt(found: Pair, cause: Cause, known: Mapping[DocKey, Unproven]) -> Adopt:
    same = known.get(found.file.key)
    return Adopt(
        key=found.file.key,
        row=ROW,
        cause=cause,
        document=found.document,
        fingerprint=same.fingerprint if same else None,
        stat=same.stat if same else None,
    )


def _alike(context: Context, found: Pair, trust: Trust) -> Unproven | None:
    """Return what would be sent, None when the document was surely made of something else."""
    document, path = found.document, found.file.key.path
    # A document without words was never indexed: its size proves nothing.
    if document.readiness is not Readiness.AVAILABLE or not document.word_count:
        return None
    with context.mirror.source.open(path) as payload:
        if isinstance(payload, Unknown) or not _as_large(payload.size, document, trust):
            return None
        while payload.read(BLOCK):
            pass
        if payload.torn():
            return None
        content, size, stat = payload.content, payload.size, payload.stat
    # Edited while it was read: the offer is for the file as it was listed.
    now = context.mirror.source.look(path)
    if not isinstance(now, Present) or now.stat != found.file.stat:
        return None
    fingerprint = Fingerprint(content=content, settings=context.mirror.rule_of(path).settings)
    return Unproven(fingerprint=fingerprint, stat=stat, size=size)


def _as_large(size: int, document: RemoteDocument, trust: Trust) -> bool:
    # Where the size is not told, the bytes can still be compared.
    return size == document.size or (document.size is None and trust is Trust.CONTENT)


def _change(context: Context, action: Adopt) -> EntryChange:
    document = action.document
    failed = document.readiness is Readiness.ERROR
    words = {"path": action.key.path, "mirror": action.key.mirror}
    why = engine_say.FAILED_INDEXING(reason=document.error or "", **words)
    entry = LedgerEntry(
        key=action.key,
        document_id=document.id,
        document_name=document.name,
        state=EntryState.FAILED if failed else EntryState.SYNCED,
        stat=action.stat,
        fingerprint=action.fingerprint,
        rev=document.rev,
        word_count=document.word_count,
        reason=(why.code, document.error or why.text) if failed else None,
    )
    line = TimedCall(context, action.key, "adopt").line("done", document.id, action.cause)
    # What was refused is not what the document is known to hold.
    refusal = UNCHANGED if action.fingerprint is None else None
    return EntryChange(key=action.key, entry=entry, rejection=refusal, journal=(line,))
