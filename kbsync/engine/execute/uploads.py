"""Create and update: intent, call, outcome (docs/design.md sections 6 and 7).

An update is sent in place; or as a create of the same name, which keeps the id and avoids the
update call where it stops the server's worker; or as a second document that replaces the first
when it is indexed (swap). Server and document decide. A create of the same name that made a second
document after all is a swap from then on.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.apart import entered
from kbsync.engine.execute.chunk_edits import edit, may_edit
from kbsync.engine.execute.deletion import remove
from kbsync.engine.execute.promises import broken_promise
from kbsync.engine.execute.recovery import remaining_entry
from kbsync.engine.execute.results import (
    Again,
    Follow,
    Result,
    Stopped,
    TimedCall,
    after_failure,
    outcome_name,
    why_of,
)
from kbsync.engine.execute.switching import switched
from kbsync.engine.execute.unsent import unsent_leaves_nothing
from kbsync.engine.observe.declared import declared_after_upload
from kbsync.engine.observe.knowledge_base import base_must_answer, refuse
from kbsync.engine.observe.remote_state import document_of, is_gone
from kbsync.engine.ports import UNCHANGED, EntryChange, Payload, Unchanged
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import engine as say
from kbsync.model import (
    Ambiguous,
    Capability,
    Cause,
    Create,
    DocKey,
    DocumentRule,
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
    Withheld,
)
from kbsync.model.declared import UNSETTLED
from kbsync.planning.case import GONE, Case, Missing


class UpdateStrategy(enum.Enum):
    """How an update is sent (docs/design.md section 7)."""

    IN_PLACE = "in_place"
    SAME_NAME = "same_name"
    TRY_SAME_NAME = "try_same_name"
    SWAP = "swap"
    DELETE_FIRST = "delete_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUpload:
    """One upload before it is sent. `target`: the id the reply must have, None for a new one."""

    case: Case
    action: Create | Update
    name: str
    op: Op
    target: str | None
    ids_seen: frozenset[str]
    strategy: UpdateStrategy | None = None
    stat: Stat | None = None


async def create(
    context: Context, case: Case, action: Create, answered: Callable[[], None] = lambda: None
) -> Result:
    """Upload a new document. Never blind: the case's evidence says the name is free."""
    seen = frozenset(each.id for each in case.evidence.namesakes)
    upload = PlannedUpload(
        case=case,
        action=action,
        name=case.name,
        op=Op.CREATE,
        target=None,
        ids_seen=seen,
    )
    return await _send(context, upload, answered)


async def update(
    context: Context, case: Case, action: Update, answered: Callable[[], None] = lambda: None
) -> Result:
    """Upload over the document of `action`, by the strategy for server and document."""
    if action.cause is Cause.PROBE:
        return await _probe(context, case, action)
    known = case.evidence.known
    if isinstance(known, RemoteDocument) and known.readiness is Readiness.DISABLED:
        # A server updates what is enabled alone, and would make a second document by its name. In
        # the same step: of chunks that were edited there only the listing tells.
        failed = await switched(context, case, known.id, enabled=True)
        if failed is not None:
            return failed
        case = _enabled(context, case, known)
    if may_edit(context, case, action):
        edited = await edit(context, case, action)
        if edited is not None:
            return edited
    named = await _named(context, case)
    strategy = choose_strategy(context, case, action, named)
    if strategy is UpdateStrategy.DELETE_FIRST:
        return await _delete_first(context, case, action)
    if strategy in (UpdateStrategy.IN_PLACE, UpdateStrategy.SWAP):
        case, named = await _own_name(context, case, named)
    # What may make a second document is a create: recovery then looks for one.
    second = strategy in (UpdateStrategy.SWAP, UpdateStrategy.TRY_SAME_NAME)
    upload = PlannedUpload(
        case=case,
        action=action,
        name=case.name,
        op=Op.CREATE if second else Op.UPDATE,
        target=None if second else action.document_id,
        ids_seen=frozenset(each.id for each in named),
        strategy=strategy,
    )
    return await _send(context, upload, answered)


def _enabled(context: Context, case: Case, known: RemoteDocument) -> Case:
    """Return `case` with its document enabled."""
    there = replace(known, readiness=Readiness.AVAILABLE, enabled=True)
    evidence = replace(case.evidence, known=there)
    return replace(case, entry=context.ledger.entry(case.key), evidence=evidence)


def choose_strategy(
    context: Context, case: Case, action: Update, named: tuple[RemoteDocument, ...]
) -> UpdateStrategy:
    """Return how this update is sent (docs/design.md section 7)."""
    able = context.remote.capabilities
    known = case.evidence.known
    failed = _needs_recovery(known)
    if context.pipeline:
        return UpdateStrategy.DELETE_FIRST if failed else UpdateStrategy.SWAP
    if not failed and _swaps(context, case.key):
        return UpdateStrategy.SWAP
    if not failed and Capability.UPDATE_ENDS in able:
        return UpdateStrategy.IN_PLACE
    # A create merges only into an enabled document, and only if it is the one of its name.
    enabled = [each for each in named if each.enabled]
    merges = able.state(Capability.MERGE_BY_NAME)
    if merges is not False and [each.id for each in enabled] == [action.document_id]:
        return UpdateStrategy.SAME_NAME if merges else UpdateStrategy.TRY_SAME_NAME
    return UpdateStrategy.DELETE_FIRST if failed else UpdateStrategy.SWAP


def _swaps(context: Context, key: DocKey) -> bool:
    return context.mirror.rule_of(key.path).update_strategy == "swap"


def _needs_recovery(known: RemoteDocument | Missing | None) -> bool:
    """Whether it is in error or stuck: an update is refused then, a create of its name is not."""
    return isinstance(known, RemoteDocument) and known.readiness is not Readiness.AVAILABLE


async def _named(context: Context, case: Case) -> tuple[RemoteDocument, ...]:
    known = case.evidence.known
    failed = _needs_recovery(known)
    ends = Capability.UPDATE_ENDS in context.remote.capabilities
    if ends and not failed and not (_swaps(context, case.key) or context.pipeline):
        return ()
    return await _bearers(context, case.name)


async def _bearers(context: Context, name: str) -> tuple[RemoteDocument, ...]:
    outcome = await context.remote.named(context.base_id or "", name)
    if isinstance(outcome, Done):
        return outcome.value
    refuse(context.mirror, "looking up a name", outcome)


async def _own_name(
    context: Context, case: Case, named: tuple[RemoteDocument, ...]
) -> tuple[Case, tuple[RemoteDocument, ...]]:
    """Return the case with the name to send, and the documents that bear it already.

    A document that moved takes the name of its path, if no other document bears that.
    """
    own = context.mirror.document_name(case.key.path)
    if case.name == own:
        return case, named
    bearers = await _bearers(context, own)
    held = case.entry.document_id if case.entry else None
    if any(each.id != held for each in bearers):
        return case, named
    return replace(case, name=own), bearers


async def _probe(context: Context, case: Case, action: Update) -> Result:
    """Delete a document that stands still, unless its indexing was seen to end meanwhile.

    Its task may still be there: only a document of its own keeps the chunks from doubling.
    """
    entry, before = context.ledger.entry(case.key), case.entry
    if entry is None or before is None or entry.state is not before.state:
        return Again(at=context.clock.now())
    return await _delete_first(context, case, action, Cause.PROBE)


async def _delete_first(
    context: Context, case: Case, action: Update, cause: Cause = Cause.RECOVER
) -> Result:
    """Delete a document that cannot be written over: search does not find it anyway."""
    after = remaining_entry(case.entry)
    step = await remove(
        context, case.key, action.document_id, name=case.name, cause=cause, after=after
    )
    return step or Again(at=context.clock.now())


async def _send(context: Context, upload: PlannedUpload, answered: Callable[[], None]) -> Result:
    source, entry = context.mirror.source, upload.case.entry
    broken = await broken_promise(context, upload.case.key)
    if broken is not None:
        return Stopped(broken)
    opening = source.open(upload.case.key.path, entry.encoding if entry else None)
    async with entered(opening, apart=_rule(context, upload).converts) as payload:
        if isinstance(payload, Unknown):
            # Gone since the decision: decide again, as a removal has rules of its own.
            if _vanished(context, upload):
                return Again(at=context.clock.now())
            return Stopped(payload.why)
        sent = replace(upload, stat=payload.stat)
        timed = TimedCall(context, upload.case.key, upload.op.value)
        intent = EntryChange(key=upload.case.key, intent=_intent(context, sent))
        await context.commits.commit(intent)
        with unsent_leaves_nothing(context, upload.case.key, payload) as watched:
            outcome = await _call(context, sent, watched)
        answered()
        return await _record(context, sent, payload, outcome, timed)


def _rule(context: Context, upload: PlannedUpload) -> DocumentRule:
    return context.mirror.rule_of(upload.case.key.path)


def _vanished(context: Context, upload: PlannedUpload) -> bool:
    return not isinstance(context.mirror.source.look(upload.case.key.path), Present | Unknown)


def _intent(context: Context, upload: PlannedUpload) -> Intent:
    known = upload.case.evidence.known
    entry = upload.case.entry
    # Recovery tells by another rev that an upload landed.
    rev = known.rev if isinstance(known, RemoteDocument) else (entry.rev if entry else None)
    return Intent(
        key=upload.case.key,
        op=upload.op,
        name=upload.name,
        started_at=context.clock.now(),
        document_id=upload.target,
        stat=upload.stat,
        ids_seen=upload.ids_seen,
        rev_before=rev,
    )


async def _call(context: Context, upload: PlannedUpload, payload: Payload) -> Outcome[Uploaded]:
    base_id, chunking = context.base_id or "", _rule(context, upload).chunking
    target = upload.target
    if upload.strategy is UpdateStrategy.IN_PLACE and target is not None:
        return await context.remote.update(base_id, target, upload.name, payload, chunking)
    merge = upload.strategy is not UpdateStrategy.SWAP
    return await context.remote.create(base_id, upload.name, payload, chunking, duplicate=merge)


async def _record(
    context: Context,
    upload: PlannedUpload,
    payload: Payload,
    outcome: Outcome[Uploaded],
    timed: TimedCall,
) -> Result:
    """Record how the call ended, in one transaction, and return what follows."""
    key, ledger = upload.case.key, context.ledger
    if isinstance(outcome, Done):
        placed = await _placed(context, upload, outcome.value.document.id)
        step = await _uploaded(context, upload, payload, outcome.value, timed, placed)
        if not isinstance(step, Follow):
            return step
        return replace(step, declared=await declared_after_upload(context, key))
    line = timed.line(outcome_name(outcome), upload.target, why_of(outcome))
    match outcome:
        case Ambiguous():
            ledger.commit(EntryChange(key=key, journal=(line,)))
        case Withheld():  # of the file nothing is known, so that nothing is remembered
            ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
        case Rejected():
            refusal = await _refusal(context, upload, payload, outcome)
            stale = _stale(upload, refusal)
            ledger.commit(
                EntryChange(key=key, entry=stale, intent=None, rejection=refusal, journal=(line,))
            )
        case Gone():
            return await _target_gone(context, upload, timed)
        case _:
            ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
    return after_failure(context, key, upload.op.value, outcome)


async def _uploaded(
    context: Context,
    upload: PlannedUpload,
    payload: Payload,
    reply: Uploaded,
    timed: TimedCall,
    placed: Placed,
) -> Result:
    key, document = upload.case.key, reply.document
    # The server wrote over another document: a person has to look at it, and finds it in the
    # journal even if this process ends before it says so.
    if placed is Placed.ELSEWHERE:
        why = say.CONFLICT_OTHER_ID(path=key.path, document=document.id, base=context.base_id)
        stopped = timed.line("stopped", document.id, why.text)
        context.ledger.commit(EntryChange(key=key, intent=None, journal=(stopped,)))
        return Stopped(why)
    line = timed.line("done", document.id, upload.action.cause)
    _note_merge(context, upload, placed)
    torn = payload.torn()
    entry = replace(
        entry_of(context, upload, reply, placed, torn=torn),
        encoding=payload.taken,
        source=None if torn else payload.source,
    )
    await context.commits.commit(
        EntryChange(key=key, entry=entry, intent=None, rejection=None, journal=(line,))
    )
    return Follow(document.id, uploaded=document, replaces=placed is Placed.OVER)


class Placed(enum.Enum):
    """Which document a successful upload wrote."""

    OVER = "the one it was meant for"
    BESIDE = "a new one"
    ELSEWHERE = "another one that was there"


async def _placed(context: Context, upload: PlannedUpload, document_id: str) -> Placed:
    """Return which document the reply is about."""
    old = upload.action.document_id if isinstance(upload.action, Update) else None
    same_name = upload.strategy in (UpdateStrategy.SAME_NAME, UpdateStrategy.TRY_SAME_NAME)
    if document_id == old and upload.strategy is not UpdateStrategy.SWAP:
        return Placed.OVER
    if document_id in upload.ids_seen or upload.strategy is UpdateStrategy.IN_PLACE:
        return Placed.ELSEWHERE
    if not same_name or old is None:
        return Placed.BESIDE
    # Ours still there: the server does not merge. Ours gone: it may have merged into another's.
    purpose = "looking for what was to be written over"
    still = await document_of(context, old, purpose, name=upload.name)
    return Placed.ELSEWHERE if still is GONE else Placed.BESIDE


def _note_merge(context: Context, upload: PlannedUpload, placed: Placed) -> None:
    """Note whether the server merges by name, where an upload has tried it."""
    same_name = upload.strategy in (UpdateStrategy.SAME_NAME, UpdateStrategy.TRY_SAME_NAME)
    merged = placed is Placed.OVER
    if same_name and (not merged or upload.strategy is UpdateStrategy.TRY_SAME_NAME):
        context.remote.note(Capability.MERGE_BY_NAME, merged)


def entry_of(
    context: Context, upload: PlannedUpload, reply: Uploaded, placed: Placed, *, torn: bool
) -> LedgerEntry:
    """Return the entry of an upload that was answered.

    Args:
        context: the three sides of the mirror.
        upload: what was sent.
        reply: what came back; its content hash is of the bytes that really went out.
        placed: which document it wrote.
        torn: the file changed while it was read, so that its stat proves nothing.
    """
    before = upload.case.entry
    rule = _rule(context, upload)
    fingerprint = Fingerprint(content=reply.content, settings=rule.settings)
    # Failures count for the same bytes only; an edit begins anew.
    again = before is not None and before.fingerprint == fingerprint
    # Values outlive an upload over a document, and are written anew on one beside it.
    kept = before.metadata if before is not None else {}
    return LedgerEntry(
        key=upload.case.key,
        document_id=reply.document.id,
        document_name=reply.document.name,
        state=EntryState.INDEXING,
        stat=None if torn else upload.stat,
        fingerprint=fingerprint,
        rev=reply.document.rev,
        batch=reply.batch or (before.batch if before else None),
        superseded=_superseded(upload, placed),
        profile=UNSETTLED if rule.profile or kept else "",
        metadata=kept,
        sent_at=context.clock.now(),
        progress_at=context.clock.now(),
        failures=before.failures if before is not None and again else 0,
    )


def _superseded(upload: PlannedUpload, placed: Placed) -> str | None:
    if placed is Placed.BESIDE and isinstance(upload.action, Update):
        return upload.action.document_id
    return upload.case.entry.superseded if upload.case.entry else None


def _stale(upload: PlannedUpload, refusal: Rejection | None) -> LedgerEntry | Unchanged:
    """Return the entry of a document that is of an earlier file from now on."""
    entry, cause = upload.case.entry, upload.action.cause
    if entry is None or refusal is None or cause not in (Cause.EDITED, Cause.UNKNOWN):
        return UNCHANGED
    return replace(entry, stale=refusal.reason)


async def _refusal(
    context: Context, upload: PlannedUpload, payload: Payload, outcome: Rejected
) -> Rejection | None:
    """Return the refusal with the fingerprint it was given for."""
    sent = payload.content
    whole = not payload.read(1)  # a server may refuse before it has everything
    path = upload.case.key.path
    with anyio.CancelScope(shield=True):  # the server answered: that is recorded, cancelled or not
        entry = upload.case.entry
        taken = entry.encoding if entry else None
        read = await anyio.to_thread.run_sync(context.mirror.source.read, path, taken)
    if not isinstance(read, Present) or read.content is None or not read.stat.agrees(upload.stat):
        return None  # edited meanwhile: the file as it is now was not refused
    if whole and read.content != sent:
        return None  # the same within a tick of the clock
    return Rejection(
        key=upload.case.key,
        fingerprint=Fingerprint(content=read.content, settings=_rule(context, upload).settings),
        reason=(outcome.why.code, outcome.why.text),
        at=context.clock.now(),
        stat=read.stat,
    )


async def _target_gone(context: Context, upload: PlannedUpload, timed: TimedCall) -> Result:
    """After a 404: ask for both, as it may be the document or the base that is gone."""
    key = upload.case.key
    line = timed.line("gone", upload.target)
    context.ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
    if upload.target is None:
        await base_must_answer(context)
    elif await is_gone(context, upload.target, upload.name):
        context.ledger.commit(EntryChange(key=key, entry=remaining_entry(upload.case.entry)))
    return after_failure(context, key, upload.op.value, Gone())
