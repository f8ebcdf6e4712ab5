"""Recovery of calls without a known outcome: look, judge, correct the ledger (design section 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from kbsync.engine.context import Context
from kbsync.engine.execute.mending import enable_again
from kbsync.engine.execute.results import Again, Result, TimedCall
from kbsync.engine.execute.trash import out_of_trash, put_again
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.remote_state import document_of, owner_of
from kbsync.engine.ports import UNCHANGED, EntryChange
from kbsync.messages import Notice, moment
from kbsync.messages import engine as say
from kbsync.model import (
    Cause,
    DocKey,
    Done,
    EntryState,
    Intent,
    JournalLine,
    LedgerEntry,
    Op,
    Present,
    RemoteDocument,
)
from kbsync.model.declared import UNSETTLED
from kbsync.model.ledger import TRASHING
from kbsync.planning.case import GONE, Case, Missing, is_gone
from kbsync.planning.recovery_table import (
    AdoptDocument,
    CallEvidence,
    DisableAgain,
    DropEntry,
    DropIntent,
    EnableAgain,
    Resolution,
    StillPending,
    UploadAgain,
    may_create,
    resolve,
)

LOOK_AGAIN = 5.0


async def find_resolution(context: Context, intent: Intent) -> Resolution:
    """Look for what the call left at the server, and judge by the recovery table.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    evidence = await _evidence(context, intent)
    window = context.mirror.config.ambiguity_window
    return resolve(intent, evidence, now=context.clock.now(), window=window)


async def resolve_intent(
    context: Context, case: Case, intent: Intent, *, may_remove: bool = True
) -> Result:
    """Find out what became of the call, and record it in the ledger."""
    resolution = await find_resolution(context, intent)
    if isinstance(resolution, EnableAgain):
        return await enable_again(context, case.key, resolution.document)
    if isinstance(resolution, DisableAgain) and is_gone(case.local) and may_remove:
        return await put_again(context, intent)
    landed_by = intent.started_at + context.mirror.config.ambiguity_window
    if _would_hit_needed(case, intent, resolution) and context.clock.now() < landed_by:
        return Again(min(landed_by, context.clock.now() + LOOK_AGAIN))
    missing = isinstance(resolution, AdoptDocument) and await _replaces_missing(
        context, case, resolution.document
    )
    return _carry_out(context, case, intent, resolution, missing=missing)


def _would_hit_needed(case: Case, intent: Intent, resolution: Resolution) -> bool:
    """Whether a pending call, landing late, would hit a document that is needed again."""
    if isinstance(resolution, DisableAgain):
        return True
    entry, returned = case.entry, isinstance(case.local, Present)
    if intent.op is not Op.DELETE or not isinstance(resolution, DropIntent) or entry is None:
        return False
    # What failed amid a swap is deleted again; the old document stays.
    needed = entry.document_id == intent.document_id and entry.state is not EntryState.FAILED
    return returned and needed


async def _replaces_missing(context: Context, case: Case, document: RemoteDocument) -> bool:
    """Whether what was made replaces a document that was deleted at the server."""
    before = case.entry
    if before is None or before.document_id == document.id:
        return False
    return await _by_id(context, before.document_id, before.document_name) is GONE


def _carry_out(
    context: Context, case: Case, intent: Intent, resolution: Resolution, *, missing: bool
) -> Result:
    key, commit = case.key, context.ledger.commit
    match resolution:
        case StillPending(why=why, until=until):
            now, window = context.clock.now(), context.mirror.config.ambiguity_window
            # Past the window a look counts as a failed try: otherwise a pass might never end.
            over = now - intent.started_at >= window
            return Again(
                min(until, now + LOOK_AGAIN),
                why=why if over else None,
                waits=_waits(intent, until) if until - now > LOOK_AGAIN else None,
            )
        case AdoptDocument(document=document):
            entry = _adopted(context, intent, document, case.entry, missing=missing)
            # Journalled, so that the guard counts it like any other missing document.
            line = TimedCall(context, key, "create").line("done", document.id, Cause.MISSING)
            commit(
                EntryChange(key=key, entry=entry, intent=None, journal=(line,) if missing else ())
            )
        case UploadAgain(document=document):
            entry = _adopted(context, intent, document, case.entry)
            commit(EntryChange(key=key, entry=entry, intent=None))
        case DropIntent():
            commit(EntryChange(key=key, intent=None, journal=_disabled(context, intent)))
        case DisableAgain():  # searches find it: it never was in the trash
            back = None if case.entry is None else out_of_trash(case.entry)
            commit(EntryChange(key=key, entry=back, intent=None))
        case EnableAgain():
            raise AssertionError("it takes a call, and is carried out before")
        case DropEntry():
            named = case.entry is not None and case.entry.document_id == intent.document_id
            journal = (_deleted(context, case, intent),) if intent.op is Op.DELETE else ()
            after = remaining_entry(case.entry) if named else UNCHANGED
            commit(EntryChange(key=key, entry=after, intent=None, journal=journal))
        case _:
            assert_never(resolution)
    return Again()


def _disabled(context: Context, intent: Intent) -> tuple[JournalLine, ...]:
    """Return the line of a document that was put into the trash: the guard counts it."""
    if intent.op is not Op.SWITCH or intent.attempt != TRASHING:
        return ()
    line = TimedCall(context, intent.key, "trash")
    return (line.line("done", intent.document_id, Cause.REMOVED),)


def _waits(intent: Intent, until: float) -> Notice:
    """Return what a person reads while the ambiguity window lasts."""
    return say.WAITS_FOR_CALL(
        path=intent.key.path,
        mirror=intent.key.mirror,
        sent=moment(intent.started_at),
        until=moment(until),
    )


def remaining_entry(entry: LedgerEntry | None) -> LedgerEntry | None:
    """Return the entry once its document is gone: amid a swap the old document's, else None."""
    # Without a swap under way nothing is left: the next step creates anew.
    if entry is None or entry.superseded is None:
        return None
    return replace(
        entry,
        document_id=entry.superseded,
        superseded=None,
        state=EntryState.FAILED,
        stat=None,
        fingerprint=None,
        rev=None,
        word_count=None,
        batch=None,
        sent_at=None,
        progress_at=None,
        progress=None,
    )


def _deleted(context: Context, case: Case, intent: Intent) -> JournalLine:
    """Return the journal line of a recovered delete: the guard counts it like any other."""
    cause = _cause_of_deletion(case, intent.document_id)
    return TimedCall(context, case.key, "delete").line("done", intent.document_id, cause)


def _cause_of_deletion(case: Case, document_id: str | None) -> Cause:
    """Return why the document was most likely deleted: what may be a removal counts as one."""
    entry = case.entry
    if entry is None:
        return Cause.ORPHAN
    if not isinstance(case.local, Present):
        return Cause.REMOVED
    if entry.superseded == document_id:
        return Cause.SUPERSEDED
    # Its file is back by now.
    held = entry.document_id == document_id and entry.state is not EntryState.FAILED
    return Cause.REMOVED if held else Cause.RECOVER


def _adopted(
    context: Context,
    intent: Intent,
    document: RemoteDocument,
    before: LedgerEntry | None,
    *,
    missing: bool = False,
) -> LedgerEntry:
    """Return an entry whose fingerprint is unknown: the next pass sends the file again.

    Args:
        context: the three sides of the mirror.
        intent: of the call.
        document: what the call made or changed.
        before: the entry until now.
        missing: the document it had before is gone, so that there is none to replace.
    """
    superseded = None
    same = before if before is not None and before.document_id == document.id else None
    if before is not None:
        # The old document still exists beside it: T2 deletes it once the new one is indexed.
        beside = before.document_id != document.id and not missing
        superseded = before.document_id if beside else before.superseded
        superseded = None if superseded == document.id else superseded
    # What replaces a document has to be found by searches before that one goes.
    unproved = document.readiness.busy or superseded is not None
    return LedgerEntry(
        key=intent.key,
        document_id=document.id,
        document_name=document.name,
        state=EntryState.INDEXING if unproved else EntryState.SYNCED,
        rev=document.rev,
        word_count=document.word_count,
        superseded=superseded,
        profile=UNSETTLED,
        # Its end may write over what was proved since it was sent (`late_ends`).
        sent_at=intent.started_at if document.readiness.busy else None,
        progress_at=context.clock.now() if document.readiness.busy else None,
        metadata=same.metadata if same else {},
    )


async def _evidence(context: Context, intent: Intent) -> CallEvidence:
    target = await _target(context, intent)
    if not may_create(intent, target):
        return CallEvidence(target=target)
    named = await context.remote.named(context.base_id or "", intent.name)
    if isinstance(named, Done):
        # A renamed document of ours keeps its old name: it is not what this call made.
        ours = tuple(each for each in named.value if not _of_another(context, intent.key, each))
        return CallEvidence(looked_up=True, named=ours, target=target)
    refuse(context.mirror, "looking for an upload that got no answer", named)


def _of_another(context: Context, key: DocKey, document: RemoteDocument) -> bool:
    """Whether the document moved to another key and still bears the name of this one."""
    owner = owner_of(context, document)
    return owner is not None and owner != key


async def _target(context: Context, intent: Intent) -> RemoteDocument | Missing | None:
    if intent.document_id is None:
        return None
    return await _by_id(context, intent.document_id, intent.name)


async def _by_id(context: Context, document_id: str, name: str) -> RemoteDocument | Missing:
    purpose = "looking for a call that got no answer"
    return await document_of(context, document_id, purpose, name=name)
