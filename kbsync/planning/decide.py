"""The decision table: one function for each row, the first match wins.

docs/design.md section 4 shows the same table; `ROWS` is its order. A function bears the label of
its row. Everything `decide` needs is in a `Case`, so the same case always gives the same action.
"""

from __future__ import annotations

from collections.abc import Callable

from kbsync.messages import Notice, moment
from kbsync.messages import engine as say
from kbsync.messages import source as source_say
from kbsync.model import (
    Action,
    Cause,
    Conflict,
    EntryState,
    Excluded,
    Forget,
    LedgerEntry,
    Noop,
    Present,
    Readiness,
    RemoteDocument,
    Resolve,
    Skipped,
    Unknown,
)
from kbsync.planning.answers import (
    adopt,
    conflict_name,
    create,
    delete,
    hold,
    hold_failed,
    hold_operator,
    hold_rejected,
    of_the_file,
    prune,
    take_in,
    update,
)
from kbsync.planning.case import (
    GONE,
    Case,
    absent,
    busy,
    cause_of_change,
    drifted,
    entry_of,
    hash_equals,
    may_prune_stale,
    rejected,
    same,
    trashed,
)
from kbsync.planning.marks import mark_of
from kbsync.planning.standstill import Standing
from kbsync.planning.swap_rows import first_the_old, t2_swap
from kbsync.planning.trash_rows import can_rest, declares_trash, t3_trash, to_trash
from kbsync.planning.upkeep import switched, upkeep

REPAIRS_A_DAY = 2


def decide(case: Case) -> Action:
    """Return the one action for `case`: the first row that matches."""
    for row in ROWS:
        action = row(case)
        if action is not None:
            return action
    raise AssertionError(f"no row for {case}")  # the totality test proves this unreachable


# -- an open intent, or a file that cannot be judged ---------------------------------------------


def _t0_intent(case: Case) -> Action | None:
    if case.intent is None:
        return None
    cause = Cause(case.intent.op.value)
    return Resolve(key=case.key, row="T0", cause=cause, intent=case.intent)


def _t1_not_readable(case: Case) -> Action | None:
    match case.local:
        case Unknown(why=why):
            return _unreadable(case, why)
        case Skipped(why=why):
            return _skipped(case, why)
        case Excluded():
            return _excluded(case)
    return None


def _unreadable(case: Case, why: Notice) -> Action:
    if _has_document(case) and why.message in source_say.OF_THE_BYTES:
        return _skipped(case, why)
    # A folder or a mount that cannot be read says nothing of each of its files.
    if not _has_document(case) or why.message is not source_say.FILE_UNREADABLE:
        return hold(case, "T1", Cause.UNREADABLE, why)
    stale = say.HELD_STALE_UNREADABLE(path=case.key.path, reason=why.text)
    return hold(case, "T1", Cause.STALE, stale)


def _has_document(case: Case) -> bool:
    """Whether a document may be found for the file; in the trash it rests whatever the file is."""
    return case.entry is not None and not trashed(case)


def _skipped(case: Case, why: Notice) -> Action:
    if not _has_document(case):
        return hold(case, "T1", Cause.SKIPPED, why)
    if may_prune_stale(case):
        return prune(case, "T1", Cause.STALE)
    stale = say.HELD_STALE(path=case.key.path, reason=why.text)
    return hold(case, "T1", Cause.STALE, stale)


def _excluded(case: Case) -> Action:
    if not _has_document(case):
        return Noop(key=case.key, row="T1")
    # A pattern typed by mistake must not delete anything: removal is by command only.
    if case.rules.prune_excluded and not busy(case):
        return prune(case, "T1", Cause.EXCLUDED)
    return hold(case, "T1", Cause.EXCLUDED, say.HELD_EXCLUDED(path=case.key.path))


# -- rows without an entry -----------------------------------------------------------------------


def _t4_nothing(case: Case) -> Action | None:
    if case.entry is None and absent(case) and not case.evidence.marked:
        return Noop(key=case.key, row="T4")
    return None


def _t5_orphan(case: Case) -> Action | None:
    if case.entry is not None or not absent(case):
        return None
    # One a step; the next pass finds the others.
    orphan = case.evidence.marked[0]
    off = orphan.readiness is Readiness.DISABLED and not declares_trash(case)
    if off or orphan.archived or orphan.readiness is Readiness.ARCHIVED:
        return hold_operator(case, "T5", orphan)
    if orphan.readiness.busy:
        # With an entry it is known since when it stands: its task may be lost.
        return take_in(case, "T5", orphan)
    if not case.rules.config.prune:
        return hold(
            case, "T5", Cause.ORPHAN, say.HELD_KEPT(path=case.key.path), document_id=orphan.id
        )
    if declares_trash(case) and orphan.readiness is not Readiness.ERROR:
        return to_trash(case, "T5", Cause.ORPHAN, orphan)
    return delete(case, "T5", Cause.ORPHAN, orphan.id, orphan.name)


def _t7_adopt(case: Case) -> Action | None:
    if case.entry is not None or not case.evidence.marked:
        return None
    # Before T6: a valid mark proves ownership, so the name need not be looked up.
    return adopt(case, "T7", case.evidence.marked[0])


def _t6_list_first(case: Case) -> Action | None:
    if case.entry is None and not case.evidence.listed:
        # A server that merges by name would write over a document that was not looked for.
        return hold(case, "T6", Cause.UNLISTED, say.HELD_NOT_LISTED(path=case.key.path))
    return None


def _t8_foreign_name(case: Case) -> Action | None:
    if case.entry is None and case.evidence.namesakes:
        return conflict_name(case, "T8", Cause.NEW)
    return None


def _t9_create(case: Case) -> Action | None:
    if case.entry is None:
        return create(case, "T9", Cause.NEW)
    return None


# -- rows with an entry; the R rows ask first what state the server's document is in --------------


def _r1_indexing(case: Case) -> Action | None:
    known = case.evidence.known
    if not isinstance(known, RemoteDocument) or not known.readiness.busy:
        return None
    stands = case.probe or case.standing is not Standing.MOVES
    if stands and known.archived:  # the server deletes none that is, so that it cannot be sent anew
        return hold_operator(case, "R1", known)
    if case.probe or case.standing is Standing.LOST:
        return None
    # Nothing is to be sent for it, so that it need not be known whether its task is still there.
    if absent(case) and case.standing is not Standing.MOVES:
        return None
    why = say.HELD_INDEXING(path=case.key.path)
    if case.standing is not Standing.MOVES and case.still_since is not None:
        why = say.HELD_STILL(path=case.key.path, since=moment(case.still_since))
    return hold(case, "R1", Cause.INDEXING, why, document_id=known.id)


# R1 has taken every busy document whose task is not known to be lost.
def _r2_stuck(case: Case) -> Action | None:
    known = case.evidence.known
    if not isinstance(known, RemoteDocument) or not known.readiness.busy:
        return None
    if not isinstance(case.local, Present):
        return None
    cause = Cause.STUCK if case.standing is Standing.LOST else Cause.PROBE
    return update(case, "R2", cause, known.id)


def _r3_error(case: Case) -> Action | None:
    """An indexing error: upload again, slowly while nothing changed."""
    known, entry = case.evidence.known, entry_of(case)
    if not isinstance(known, RemoteDocument) or known.readiness is not Readiness.ERROR:
        return None
    if not isinstance(case.local, Present):
        return None
    # What the server could not read it cannot read now.
    if same(case) and entry.retry_at is None and of_the_file(entry):
        return hold_failed(case, "R3", until=None)
    # The same bytes may fail again: an embedder that is down for an hour is not asked all the time.
    if same(case) and entry.retry_at is not None and case.now < entry.retry_at:
        return hold_failed(case, "R3", until=entry.retry_at)
    if rejected(case):
        # Counted as failed whatever the file is now: its document is in error and cannot be found.
        return hold_rejected(case, "R3", Cause.RECOVER)
    return update(case, "R3", Cause.RECOVER if same(case) else Cause.EDITED, known.id)


def _t10_extra(case: Case) -> Action | None:
    known = case.evidence.known
    if not isinstance(known, RemoteDocument) or not case.evidence.marked:
        return None
    if known.readiness is not Readiness.AVAILABLE:
        return None  # the extra may be the only one that can be found
    if not isinstance(case.local, Present) or entry_of(case).state is not EntryState.SYNCED:
        return None
    extra = case.evidence.marked[0]
    if extra.readiness.busy or extra.readiness in (Readiness.DISABLED, Readiness.ARCHIVED):
        return None
    return delete(case, "T10", Cause.EXTRA, extra.id, extra.name)


def _t11_newer_base(case: Case) -> Action | None:
    if case.evidence.known is not GONE or not case.evidence.marked:
        return None
    if isinstance(case.local, Present):
        return adopt(case, "T11", case.evidence.marked[0])
    return None  # the file is gone too: T18 forgets, and T5 judges the orphan with its own rules


def _t12_missing(case: Case) -> Action | None:
    if case.evidence.known is not GONE or not isinstance(case.local, Present):
        return None
    if not case.evidence.listed:
        # As in T6: the name may have been taken since.
        return hold(case, "T12", Cause.MISSING, say.HELD_NOT_LISTED(path=case.key.path))
    if case.evidence.namesakes:
        return conflict_name(case, "T12", Cause.MISSING)
    return create(case, "T12", Cause.MISSING)


def _t13_operator(case: Case) -> Action | None:
    known = case.evidence.known
    if not isinstance(known, RemoteDocument):
        return None
    if known.readiness is Readiness.DISABLED and case.enabled is not None:
        # As declared it is no operator's: the rows below judge its file. Else it is put back.
        return switched(case, "T13")
    if known.readiness in (Readiness.DISABLED, Readiness.ARCHIVED):
        # Disabled by an operator: an upload would leave a second document beside it.
        return hold_operator(case, "T13", known)
    return None


def _r4_unconfirmed(case: Case) -> Action | None:
    """Uploaded and not proved done, or mended at the server: the indexing tracker confirms it."""
    entry, known = entry_of(case), case.evidence.known
    if not isinstance(case.local, Present):
        return None
    failed = entry.state is EntryState.FAILED and same(case)
    mended = failed and isinstance(known, RemoteDocument) and _mended(entry, known)
    if entry.state is EntryState.INDEXING or mended:
        return hold(case, "R4", Cause.INDEXING, say.HELD_INDEXING(path=case.key.path))
    return None


def _mended(entry: LedgerEntry, known: RemoteDocument) -> bool:
    """Whether the upload that failed can be found now, so that nothing has to be sent."""
    if known.readiness is not Readiness.AVAILABLE or known.rev != entry.rev:
        return False
    # After an error being available is enough. Otherwise chunks or keywords were missing while it
    # was available: there have to be more words than before.
    code = entry.reason[0] if entry.reason else ""
    partly = {say.FAILED_UNFINDABLE.code, say.FAILED_INCOMPLETE_CHUNKS.code}
    available = partly | say.WITHOUT_CHUNKS
    erred = entry.retry_at is not None and code not in available
    return erred or (known.word_count or 0) > (entry.word_count or 0)


def _r5_failed(case: Case) -> Action | None:
    """The same bytes end the same way: tried again slowly where the server erred, or not at all."""
    entry = entry_of(case)
    if entry.state is not EntryState.FAILED or not same(case):
        return None
    # Without `retry_at` the server did what it could, and only another file or setting helps.
    if entry.retry_at is not None and case.now >= entry.retry_at:
        return update(case, "R5", Cause.RECOVER, entry.document_id)
    return hold_failed(case, "R5", until=entry.retry_at)


def _t14_same(case: Case) -> Action | None:
    if not isinstance(case.local, Present) or not same(case) or drifted(case):
        return None
    # Mark, metadata or switch alone differ: to mend them embeds nothing again.
    return upkeep(case, "T14") or Noop(key=case.key, row="T14")


def _t15_older_ledger(case: Case) -> Action | None:
    known = case.evidence.known
    if not isinstance(case.local, Present) or not isinstance(known, RemoteDocument):
        return None
    if not drifted(case) or known.rev == entry_of(case).rev:
        return None  # an equal rev with another word count is an edited chunk: T16
    # Its mark proves that this very file was sent, by a ledger newer than this one.
    if not hash_equals(case.local, mark_of(known), case.rules):
        return None
    return adopt(case, "T15", known)


def _t16_drift(case: Case) -> Action | None:
    if not isinstance(case.local, Present) or not same(case):
        return None
    if case.rules.config.on_drift == "report":
        return hold(case, "T16", Cause.DRIFT, say.HELD_DRIFT(path=case.key.path))
    # Another writer changes it back each time: repairing for ever would pay each time.
    if case.repairs >= REPAIRS_A_DAY:
        why = say.CONFLICT_OTHER_WRITER(path=case.key.path, repairs=case.repairs)
        document = entry_of(case).document_id
        return Conflict(key=case.key, row="T16", cause=Cause.DRIFT, why=why, document_id=document)
    return update(case, "T16", Cause.DRIFT, entry_of(case).document_id)


def _t17_changed(case: Case) -> Action | None:
    if not isinstance(case.local, Present):
        return None
    cause = cause_of_change(case)
    if rejected(case) and cause is not Cause.SETTINGS:
        return _refused_edit(case)
    return update(case, "T17", cause, entry_of(case).document_id)


def _refused_edit(case: Case) -> Action:
    """The server refused the file as it is now, so the document is of what it was before."""
    if may_prune_stale(case):
        return prune(case, "T17", Cause.STALE)
    assert case.rejection is not None  # noqa: S101 - the caller checked
    why = say.HELD_STALE_REFUSED(
        path=case.key.path, mirror=case.key.mirror, reason=case.rejection.reason[1]
    )
    return hold(case, "T17", Cause.STALE, why)


def _t18_forget(case: Case) -> Action | None:
    if case.evidence.known is GONE:
        return Forget(key=case.key, row="T18", cause=Cause.GONE_ON_BOTH_SIDES)
    return None


def _t19_edited_there(case: Case) -> Action | None:
    # Work done at the server is never deleted without a question.
    if not drifted(case) or case.rules.delete_drifted:
        return None
    document = entry_of(case).document_id
    why = say.CONFLICT_EDITED_THERE(path=case.key.path, base=case.rules.base_id, document=document)
    return Conflict(key=case.key, row="T19", cause=Cause.REMOVED, why=why, document_id=document)


def _t20_removed(case: Case) -> Action | None:
    if not case.rules.config.prune:
        return hold(case, "T20", Cause.REMOVED, say.HELD_KEPT(path=case.key.path))
    if declares_trash(case) and can_rest(case):
        return first_the_old(case, "T20") or to_trash(case, "T20", Cause.REMOVED)
    return delete(case, "T20", Cause.REMOVED, entry_of(case).document_id)


ROWS: tuple[Callable[[Case], Action | None], ...] = (
    _t0_intent,
    _t1_not_readable,
    _t4_nothing,
    _t5_orphan,
    _t7_adopt,
    _t6_list_first,
    _t8_foreign_name,
    _t9_create,
    t3_trash,
    _r1_indexing,
    _r2_stuck,
    t2_swap,
    _r3_error,
    _t10_extra,
    _t11_newer_base,
    _t12_missing,
    _t13_operator,
    _r4_unconfirmed,
    _r5_failed,
    _t14_same,
    _t15_older_ledger,
    _t16_drift,
    _t17_changed,
    _t18_forget,
    _t19_edited_there,
    _t20_removed,
)
