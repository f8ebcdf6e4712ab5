"""Create and update: intent, call, outcome (docs/design.md sections 6 and 7).

How an update is sent depends on the server and the document: in place; as a create of the same
name, which keeps the id and is the way round servers whose update call stops their worker; or as
a second document that replaces the first when it is done (swap).
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import anyio
import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.deletion import remove
from kbsync.engine.execute.recovery import left_of
from kbsync.engine.execute.results import (
    Again,
    Finished,
    Follow,
    Result,
    Stopped,
    TimedCall,
    after_failure,
    outcome_name,
    why_of,
)
from kbsync.engine.observe.knowledge_base import base_must_answer, refuse
from kbsync.engine.observe.remote_state import is_gone
from kbsync.engine.ports import EntryChange, Payload
from kbsync.messages import engine as say
from kbsync.model import (
    Ambiguous,
    Cause,
    Create,
    Done,
    EntryState,
    Fingerprint,
    Gone,
    Intent,
    LedgerEntry,
    Op,
    Outcome,
    Present,
    Readiness,
    Rejected,
    Rejection,
    RemoteDocument,
    Stat,
    Unknown,
    Update,
    Uploaded,
)
from kbsync.planning.case import Case, Missing


class Way(enum.Enum):
    """How an update is sent."""

    IN_PLACE = "in_place"
    SAME_NAME = "same_name"
    SWAP = "swap"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload about to happen. `target`: the id the reply must have, None for a new one."""

    case: Case
    action: Create | Update
    name: str
    op: Op
    target: str | None
    ids_seen: frozenset[str]
    way: Way | None = None
    stat: Stat | None = None


async def create(world: Context, case: Case, action: Create) -> Result:
    """Upload a new document. Never blind: the case's evidence says the name is free."""
    seen = frozenset(each.id for each in case.evidence.namesakes)
    upload = Upload(
        case=case,
        action=action,
        name=case.name,
        op=Op.CREATE,
        target=None,
        ids_seen=seen,
    )
    return await _send(world, upload)


async def update(world: Context, case: Case, action: Update) -> Result:
    """Upload over the document of `action`, in the way that fits server and document."""
    named = await _named(world, case)
    way = choose_way(world, case, action, named)
    if way is Way.REPLACE:
        return await _delete_first(world, case, action)
    swap = way is Way.SWAP
    if way is not Way.SAME_NAME:
        case, named = await _own_name(world, case, named)
    upload = Upload(
        case=case,
        action=action,
        name=case.name,
        op=Op.CREATE if swap else Op.UPDATE,
        target=None if swap else action.document_id,
        ids_seen=frozenset(each.id for each in named),
        way=way,
    )
    return await _send(world, upload)


def choose_way(
    world: Context, case: Case, action: Update, named: tuple[RemoteDocument, ...]
) -> Way:
    """Return how this update is sent (docs/design.md section 7, update strategies)."""
    able = world.remote.capabilities
    known = case.evidence.known
    failed = _needs_recovery(known)
    if not failed and not able.update_wedges:
        return Way.SWAP if world.mirror.swap else Way.IN_PLACE
    enabled = [each for each in named if each.enabled]
    if able.merges_by_name and [each.id for each in enabled] == [action.document_id]:
        return Way.SAME_NAME
    return Way.REPLACE if failed else Way.SWAP


def _needs_recovery(known: RemoteDocument | Missing | None) -> bool:
    """In error or stuck: an update is refused there, a create of the same name is not."""
    return isinstance(known, RemoteDocument) and known.readiness is not Readiness.AVAILABLE


async def _named(world: Context, case: Case) -> tuple[RemoteDocument, ...]:
    known = case.evidence.known
    failed = _needs_recovery(known)
    if not (failed or world.mirror.swap or world.remote.capabilities.update_wedges):
        return ()
    return await _bearers(world, case.name)


async def _bearers(world: Context, name: str) -> tuple[RemoteDocument, ...]:
    outcome = await world.remote.named(world.base_id or "", name)
    if isinstance(outcome, Done):
        return outcome.value
    refuse(world.mirror, "looking up a name", outcome)


async def _own_name(
    world: Context, case: Case, named: tuple[RemoteDocument, ...]
) -> tuple[Case, tuple[RemoteDocument, ...]]:
    """Let a document that moved take the name of its path, if no other bears that.

    Returns the case with the name to send, and the documents that bear it already.
    """
    own = world.mirror.document_name(case.key.path)
    if case.name == own:
        return case, named
    bearers = await _bearers(world, own)
    held = case.entry.document_id if case.entry else None
    if any(each.id != held for each in bearers):
        return case, named
    return replace(case, name=own), bearers


async def _delete_first(world: Context, case: Case, action: Update) -> Result:
    """A document in error that cannot be written over: nothing of it can be found anyway."""
    after = left_of(case.entry)
    step = await remove(
        world, case.key, action.document_id, name=case.name, cause=Cause.RECOVER, after=after
    )
    return step or Again(at=world.clock.now())


async def _send(world: Context, upload: Upload) -> Result:
    source = world.mirror.source
    with source.open(upload.case.key.path) as payload:
        if isinstance(payload, Unknown):
            if _vanished(world, upload):
                return Again(at=world.clock.now())
            return Stopped(payload.why)
        sent = replace(upload, stat=payload.stat)
        timed = TimedCall(world, upload.case.key, upload.op.value)
        world.ledger.commit(EntryChange(key=upload.case.key, intent=_intent(world, sent)))
        outcome = await _call(world, sent, payload)()
        return await _account(world, sent, payload, outcome, timed)


def _vanished(world: Context, upload: Upload) -> bool:
    return not isinstance(world.mirror.source.look(upload.case.key.path), Present | Unknown)


def _intent(world: Context, upload: Upload) -> Intent:
    known = upload.case.evidence.known
    entry = upload.case.entry
    rev = known.rev if isinstance(known, RemoteDocument) else (entry.rev if entry else None)
    return Intent(
        key=upload.case.key,
        op=upload.op,
        name=upload.name,
        started_at=world.clock.now(),
        document_id=upload.target,
        stat=upload.stat,
        ids_seen=upload.ids_seen,
        rev_before=rev,
    )


def _call(
    world: Context, upload: Upload, payload: Payload
) -> Callable[[], Awaitable[Outcome[Uploaded]]]:
    base_id, chunking = world.base_id or "", world.mirror.config.declared_chunking
    target = upload.target
    if upload.way is Way.IN_PLACE and target is not None:
        return lambda: world.remote.update(base_id, target, upload.name, payload, chunking)
    apart = upload.way is Way.SWAP
    return lambda: world.remote.create(base_id, upload.name, payload, chunking, duplicate=not apart)


async def _account(
    world: Context, upload: Upload, payload: Payload, outcome: Outcome[Uploaded], timed: TimedCall
) -> Result:
    """Write down how the call ended, in one transaction, and say what follows."""
    key, ledger = upload.case.key, world.ledger
    if isinstance(outcome, Done):
        return _uploaded(world, upload, payload, outcome.value, timed)
    line = timed.line(outcome_name(outcome), upload.target, why_of(outcome))
    match outcome:
        case Ambiguous():
            ledger.commit(EntryChange(key=key, journal=(line,)))
        case Rejected():
            refusal = await _refusal(world, upload, outcome)
            ledger.commit(EntryChange(key=key, intent=None, rejection=refusal, journal=(line,)))
        case Gone():
            return await _target_gone(world, upload, timed)
        case _:
            ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
    return after_failure(world, key, upload.op.value, outcome)


def _uploaded(
    world: Context, upload: Upload, payload: Payload, reply: Uploaded, timed: TimedCall
) -> Result:
    key, document = upload.case.key, reply.document
    line = timed.line("done", document.id, upload.action.cause)
    wrong = upload.target is not None and document.id != upload.target
    if wrong or document.id in upload.ids_seen - {upload.target}:
        world.ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
        return Stopped(
            say.CONFLICT_OTHER_ID(path=key.path, document=document.id, base=world.base_id)
        )
    entry = entry_of(world, upload, reply, torn=payload.torn())
    world.ledger.commit(
        EntryChange(key=key, entry=entry, intent=None, rejection=None, journal=(line,))
    )
    return Follow(document.id, uploaded=document)


def entry_of(world: Context, upload: Upload, reply: Uploaded, *, torn: bool) -> LedgerEntry:
    """Return the entry of an upload that was answered.

    Args:
        world: the three sides of the mirror.
        upload: what was sent.
        reply: what came back; its content hash is of the bytes that really went out.
        torn: the file changed meanwhile, so that its stat proves nothing.
    """
    before = upload.case.entry
    fingerprint = Fingerprint(content=reply.content, settings=world.mirror.settings)
    again = before is not None and before.fingerprint == fingerprint
    return LedgerEntry(
        key=upload.case.key,
        document_id=reply.document.id,
        document_name=reply.document.name,
        state=EntryState.INDEXING,
        stat=None if torn else upload.stat,
        fingerprint=fingerprint,
        rev=reply.document.rev,
        batch=reply.batch or (before.batch if before else None),
        superseded=_superseded(upload),
        failures=before.failures if before is not None and again else 0,
    )


def _superseded(upload: Upload) -> str | None:
    if upload.way is Way.SWAP and isinstance(upload.action, Update):
        return upload.action.document_id
    return upload.case.entry.superseded if upload.case.entry else None


async def _refusal(world: Context, upload: Upload, outcome: Rejected) -> Rejection | None:
    """Remember the refusal with the fingerprint it was given for."""
    path = upload.case.key.path
    with anyio.CancelScope(shield=True):  # the server answered: that is written down
        read = await anyio.to_thread.run_sync(world.mirror.source.read, path)
    if not isinstance(read, Present) or read.content is None or read.stat != upload.stat:
        return None  # edited meanwhile: what stands there now was not refused
    return Rejection(
        key=upload.case.key,
        fingerprint=Fingerprint(content=read.content, settings=world.mirror.settings),
        reason=(outcome.why.code, outcome.why.text),
        at=world.clock.now(),
        stat=read.stat,
    )


async def _target_gone(world: Context, upload: Upload, timed: TimedCall) -> Result:
    """404: the document, or the base itself? Only asking for both tells."""
    key = upload.case.key
    line = timed.line("gone", upload.target)
    world.ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
    if upload.target is None:
        await base_must_answer(world)
    elif await is_gone(world, upload.target):
        world.ledger.commit(EntryChange(key=key, entry=left_of(upload.case.entry)))
    return after_failure(world, key, upload.op.value, Gone())


__all__ = ["Finished", "Upload", "Way", "choose_way", "create", "entry_of", "update"]
