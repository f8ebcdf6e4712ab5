"""Taking over documents that nobody made by kbsync: offered as a plan, then written down at once.

Nothing is changed at the server: a pass writes the marks later, and sends anew whatever is not
known to be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.results import TimedCall
from kbsync.engine.observe.candidates import ScanTally, survey
from kbsync.engine.observe.knowledge_base import ensure_base
from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.ports import EntryChange
from kbsync.messages import Problem
from kbsync.messages import adoption as say
from kbsync.messages import engine as engine_say
from kbsync.model import (
    Adopt,
    Cause,
    EntryState,
    Fingerprint,
    LedgerEntry,
    Present,
    Readiness,
    RemoteDocument,
    Unknown,
)
from kbsync.planning.pairing import NewFile, Pair, Pairing, Unpaired

ROW = "adopt"
BATCH = 500
BLOCK = 1 << 20

Match = Callable[[list[NewFile], list[RemoteDocument]], Pairing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What would be taken over, and what it costs.

    Args:
        actions: one for each document; those without a fingerprint are sent anew by the next pass.
        bytes_anew: bytes of the files that are sent anew.
        left: what was meant and is left as it is.
        files, documents: files that stay without a document, and documents that stay nobody's.
    """

    world: Context
    actions: tuple[Adopt, ...]
    bytes_anew: int
    left: tuple[Unpaired, ...]
    files: int
    documents: int

    @property
    def known(self) -> int:
        """How many need no upload."""
        return sum(action.fingerprint is not None for action in self.actions)


async def offer(world: Context, match: Match, *, cause: Cause, trust_size: bool) -> Offer:
    """Return what `match` pairs of the files without an entry and the documents without one.

    Args:
        world: the mirror with the base that was found for it.
        match: pairs them.
        cause: NAME, BASENAME or MAP.
        trust_size: a document whose upload was as large as what would be sent counts as the same.

    Raises:
        Problem: the base could not be listed, or changed while it was.
    """
    assert world.base_id is not None  # noqa: S101 - the caller found the base
    listing = await refresh(world)
    if not listing.complete:
        raise Problem(say.LISTING_MOVED(mirror=world.mirror.name))
    documents = list(world.ledger.foreign(world.base_id))
    files = await anyio.to_thread.run_sync(lambda: list(_new_files(world)))
    pairing = _certain(match(files, documents), world.ledger.pending_names(world.base_id))

    def judged() -> tuple[Adopt, ...]:
        return tuple(_adopt(world, each, cause, trust_size) for each in pairing.pairs)

    actions = await anyio.to_thread.run_sync(judged)
    anew = zip(actions, pairing.pairs, strict=True)
    return Offer(
        world=world,
        actions=actions,
        bytes_anew=sum(p.file.stat.size for action, p in anew if action.fingerprint is None),
        left=pairing.left,
        files=len(files) - len(actions),
        documents=len(documents) - len(actions),
    )


async def take(offered: Offer) -> None:
    """Write down everything `offered`.

    Raises:
        Problem: the base is not the one that was listed any more, or the ledger refused.
    """
    world = offered.world
    base = await ensure_base(world.mirror, world.ledger, world.remote, world.clock)
    if base.id != world.base_id:
        raise Problem(say.LISTING_MOVED(mirror=world.mirror.name))
    for start in range(0, len(offered.actions), BATCH):
        batch = offered.actions[start : start + BATCH]
        world.ledger.commit_all([_change(world, action) for action in batch])


def _certain(pairing: Pairing, pending: frozenset[str]) -> Pairing:
    """Leave out what an upload of any mirror may have made: its reply alone would tell."""
    unsure = [each for each in pairing.pairs if each.document.name in pending]
    left = [
        Unpaired(name=each.file.key.path, why=say.UNANSWERED(document=each.document.id))
        for each in unsure
    ]
    pairs = tuple(each for each in pairing.pairs if each not in unsure)
    return Pairing(pairs=pairs, left=(*pairing.left, *left))


def _new_files(world: Context) -> Iterator[NewFile]:
    mirror, ledger = world.mirror, world.ledger
    rows = ledger.rows(mirror.name, mirror.settings, listing=None)
    for state in survey(mirror.name, mirror.source, rows, ScanTally()):
        if isinstance(state, Present) and ledger.entry(state.key) is None:
            yield NewFile(
                key=state.key,
                name=mirror.document_name(state.key.path),
                stat=state.stat,
                pending=ledger.intent(state.key) is not None,
            )


def _adopt(world: Context, found: Pair, cause: Cause, trust_size: bool) -> Adopt:
    fingerprint = _fingerprint(world, found) if trust_size else None
    return Adopt(
        key=found.file.key,
        row=ROW,
        cause=cause,
        document=found.document,
        fingerprint=fingerprint,
        stat=found.file.stat if fingerprint else None,
    )


def _fingerprint(world: Context, found: Pair) -> Fingerprint | None:
    """Return what the file would be sent as, None when the document was made of something else."""
    document, path = found.document, found.file.key.path
    # A document without words was never indexed: nothing says what it was made of.
    if document.readiness is not Readiness.AVAILABLE or not document.word_count:
        return None
    with world.mirror.source.open(path) as payload:
        if isinstance(payload, Unknown) or payload.size != document.size:
            return None
        while payload.read(BLOCK):
            pass
        if payload.torn():
            return None
        content = payload.content
    now = world.mirror.source.look(path)
    if not isinstance(now, Present) or now.stat != found.file.stat:
        return None
    return Fingerprint(content=content, settings=world.mirror.settings)


def _change(world: Context, action: Adopt) -> EntryChange:
    document = action.document
    failed = document.readiness is Readiness.ERROR
    why = engine_say.FAILED_INDEXING(path=action.key.path, reason=document.error or "")
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
    line = TimedCall(world, action.key, "adopt").line("done", document.id, action.cause)
    return EntryChange(key=action.key, entry=entry, journal=(line,))
