"""What became of a call nobody saw the end of (docs/design.md section 6, second table)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import Intent, Op, RemoteDocument
from kbsync.planning.case import GONE, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What the server shows of the call.

    Args:
        looked_up: the exact-name look-up was read to its end.
        named: the documents that bear the intent's name.
        target: the document the intent names; None when it names none or it was not asked for.
    """

    looked_up: bool = False
    named: tuple[RemoteDocument, ...] = ()
    target: RemoteDocument | Missing | None = None


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The call made a document: adopt `document`, its fingerprint unknown."""

    document: RemoteDocument


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody can tell yet."""

    why: Notice
    until: float


@dataclass(frozen=True, slots=True)
class Afresh:
    """The call is accounted for: drop the intent and decide again."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """The update may or may not have landed: fingerprint unknown, a full replace is idempotent."""

    document: RemoteDocument


@dataclass(frozen=True, slots=True)
class DocumentGone:
    """The document the intent names is gone: drop intent and entry."""


Verdict = TakeOver | Wait | Afresh | SendAgain | DocumentGone


def resolve(intent: Intent, trace: Trace, *, now: float, window: float) -> Verdict:
    """Return the verdict on `intent`.

    Args:
        intent: the call that was announced and never accounted for.
        trace: what the server shows of it.
        now: seconds of the ledger's clock.
        window: the ambiguity window in seconds.
    """
    match intent.op:
        case Op.CREATE:
            return _created(intent, trace, now, window, Afresh())
        case Op.UPDATE:
            return _updated(intent, trace, now, window)
        case Op.DELETE:
            return DocumentGone() if trace.target is GONE else Afresh()
        case _:
            assert_never(intent.op)


def may_have_made(intent: Intent, target: RemoteDocument | Missing | None) -> bool:
    """Return whether the call may have made a document, which then bears the intent's name.

    An update that is sent as a create of the same name does when its document is removed before
    it lands; that it is sent so tells the look-up of the name before it.

    Args:
        intent: the call.
        target: the document it names, as `Trace.target`.
    """
    by_name = intent.op is Op.UPDATE and intent.document_id in intent.ids_seen
    return intent.op is Op.CREATE or (by_name and target is GONE)


def _created(intent: Intent, trace: Trace, now: float, window: float, nothing: Verdict) -> Verdict:
    """Judge a call that may have made a document; `nothing`: the verdict when it made none."""
    for document in trace.named:
        if document.id not in intent.ids_seen:
            return TakeOver(document)
    over = now - intent.started_at >= window
    if over and trace.looked_up:
        return nothing
    why = say.HELD_PENDING_CREATE(path=intent.key.path)
    return Wait(why, max(intent.started_at + window, now + 1))


def _updated(intent: Intent, trace: Trace, now: float, window: float) -> Verdict:
    target = trace.target
    if target is GONE:
        if may_have_made(intent, target):
            return _created(intent, trace, now, window, DocumentGone())
        return DocumentGone()
    why = say.HELD_PENDING_UPDATE(path=intent.key.path)
    if not isinstance(target, RemoteDocument):
        return Wait(why, now + 1)
    over = now - intent.started_at >= window
    if target.readiness.busy:
        return Wait(why, now + 1)
    if over or target.rev != intent.rev_before:
        return SendAgain(target)
    return Wait(why, intent.started_at + window)
