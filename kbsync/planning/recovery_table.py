"""What became of a call without a known outcome (docs/design.md section 6, second table)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import Intent, Op, Readiness, RemoteDocument
from kbsync.model.ledger import DECLARED, DISABLING, TRASHING
from kbsync.planning.case import GONE, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvidence:
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
class AdoptDocument:
    """The call made `document`: adopt it, its fingerprint unknown."""

    document: RemoteDocument


@dataclass(frozen=True, slots=True)
class StillPending:
    """The outcome cannot be known before `until` (seconds of the ledger's clock)."""

    why: Notice
    until: float


@dataclass(frozen=True, slots=True)
class DropIntent:
    """The call had no effect, or one that shows at the server: drop the intent, decide again."""


@dataclass(frozen=True, slots=True)
class UploadAgain:
    """The update may have landed: fingerprint unknown. A full replacement is idempotent."""

    document: RemoteDocument


@dataclass(frozen=True, slots=True)
class EnableAgain:
    """The document was disabled by us and stands so: enable it."""

    document: RemoteDocument


@dataclass(frozen=True, slots=True)
class DisableAgain:
    """The document was to be disabled, for the trash, and is not."""

    document: RemoteDocument


@dataclass(frozen=True, slots=True)
class DropEntry:
    """The document of the intent is gone: drop intent and entry."""


Resolution = (
    AdoptDocument | StillPending | DropIntent | UploadAgain | EnableAgain | DisableAgain | DropEntry
)


def resolve(intent: Intent, evidence: CallEvidence, *, now: float, window: float) -> Resolution:
    """Return what became of the call that `intent` announced.

    Args:
        intent: of a call whose outcome was never recorded.
        evidence: what the server shows of it.
        now: seconds of the ledger's clock.
        window: the ambiguity window in seconds: a call may land so long after it was sent.
    """
    match intent.op:
        case Op.CREATE:
            return _created(intent, evidence, now, window, DropIntent())
        case Op.UPDATE:
            return _updated(intent, evidence, now, window)
        case Op.DELETE:
            return DropEntry() if evidence.target is GONE else DropIntent()
        case Op.SWITCH:
            return _switched(intent, evidence, now, window)
        case _:
            assert_never(intent.op)


def may_create(intent: Intent, target: RemoteDocument | Missing | None) -> bool:
    """Return whether the call may have made a document, which then bears the intent's name.

    An update that is sent as a create of the same name makes one when its document is removed or
    disabled before it lands (docs/dify-api.md section 4). It was sent so when the look-up before it
    found its document by that name.

    Args:
        intent: of the call.
        target: the document it names, as `CallEvidence.target`.
    """
    by_name = intent.op is Op.UPDATE and intent.document_id in intent.ids_seen
    return intent.op is Op.CREATE or (by_name and (target is GONE or _is_passed_over(target)))


def _is_passed_over(target: RemoteDocument | Missing | None) -> bool:
    """Return whether a create of its name makes another document beside it."""
    return isinstance(target, RemoteDocument) and not target.enabled


def _created(
    intent: Intent, evidence: CallEvidence, now: float, window: float, without: Resolution
) -> Resolution:
    """Judge a call that may have made a document; `without`: the answer when it made none."""
    made = _likely_made(intent, evidence.named)
    if made is not None:
        return AdoptDocument(made)
    over = now - intent.started_at >= window
    if over and evidence.looked_up:
        return without
    why = say.HELD_PENDING_CREATE(path=intent.key.path)
    return StillPending(why, max(intent.started_at + window, now + 1))


def _likely_made(intent: Intent, named: Iterable[RemoteDocument]) -> RemoteDocument | None:
    """Return the document the call made, as far as names and sizes tell; None where there is none.

    Known ids were there before the call. Of several others all but one were made beside kbsync:
    the one of the size that was sent is the likeliest.
    """
    others = [document for document in named if document.id not in intent.ids_seen]
    sent = intent.stat.size if intent.stat else None
    return min(others, key=lambda document: document.size != sent, default=None)


def _switched(intent: Intent, evidence: CallEvidence, now: float, window: float) -> Resolution:
    target = evidence.target
    why = say.HELD_PENDING_SWITCH(path=intent.key.path)
    if target is None:
        return StillPending(why, now + 1)
    if target is GONE or not isinstance(target, RemoteDocument):
        return DropIntent()
    if intent.attempt == TRASHING:
        available = target.readiness is Readiness.AVAILABLE
        return DisableAgain(target) if available else DropIntent()
    if intent.attempt == DECLARED:  # what is declared decides afresh, and may ask again
        return DropIntent()
    if target.readiness is Readiness.DISABLED:
        return EnableAgain(target)
    # A call that disables it and lands later would pass for an operator's.
    lands = intent.attempt == DISABLING and target.readiness is Readiness.AVAILABLE
    if lands and now - intent.started_at < window:
        return StillPending(why, intent.started_at + window)
    return DropIntent()


def _updated(intent: Intent, evidence: CallEvidence, now: float, window: float) -> Resolution:
    target = evidence.target
    if target is GONE:
        if may_create(intent, target):
            return _created(intent, evidence, now, window, DropEntry())
        return DropEntry()
    why = say.HELD_PENDING_UPDATE(path=intent.key.path)
    if not isinstance(target, RemoteDocument):
        return StillPending(why, now + 1)
    over = now - intent.started_at >= window
    if may_create(intent, target) and target.rev == intent.rev_before:
        return _created(intent, evidence, now, window, UploadAgain(target))
    # Sent again while it is indexed, chunks of both uploads could stay: from now on it is held by
    # row R1, and may be found to have lost its task.
    if target.readiness.busy:
        return UploadAgain(target) if over else StillPending(why, now + 1)
    # Another rev proves that an upload landed, not that it was this one: send again.
    if over or target.rev != intent.rev_before:
        return UploadAgain(target)
    return StillPending(why, intent.started_at + window)
