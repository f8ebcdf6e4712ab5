"""The result of one action, its journal line, and the report of a pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import NoReturn

from kbsync.engine.context import Context
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice, Problem
from kbsync.messages import engine as say
from kbsync.model import (
    Action,
    Ambiguous,
    Cause,
    Conflict,
    Declared,
    DocKey,
    Failure,
    Gone,
    Halted,
    Hold,
    JournalLine,
    NotReady,
    NotSent,
    Rejected,
    RemoteDocument,
    Skipped,
    Stat,
    Throttled,
    Unauthorized,
    Withheld,
)
from kbsync.planning.plan import name_of, reason_of

AMBIGUOUS_LOOK = 1.0
# Without these uploads no document of the file can be found at the server.
WITHOUT_DOCUMENT = frozenset({Cause.NEW, Cause.MISSING, Cause.RECOVER})


@dataclass(frozen=True, slots=True)
class Finished:
    """The key needs nothing more in this pass."""


@dataclass(frozen=True, slots=True)
class Again:
    """Decide about the key again: at once, or at `at` (seconds of the ledger's clock).

    `ask`: the server contradicted the ledger, so ask it for the document first.
    `why`: the action did not take effect; a key with too many of these is given up. `waits`: what
    is waited for so long that it has to be said. `closed`: the base takes nothing meanwhile.
    """

    at: float | None = None
    ask: bool = False
    why: Notice | None = None
    waits: Notice | None = field(default=None, compare=False)
    closed: Closed | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BackOff:
    """The call was not sent; try again, later each time."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Follow:
    """Uploaded: follow `document_id` until it is indexed.

    `uploaded`: the document as the upload's reply shows it, to be marked at once, with what is
    `declared` of it. `replaces`: the document had chunks of an earlier upload.
    """

    document_id: str
    uploaded: RemoteDocument | None = field(default=None, compare=False)
    declared: Declared | None = field(default=None, compare=False)
    replaces: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class NeedsMark:
    """Only metadata of the document has to be written: its mark, and what is `declared` of it.

    `document`: as last seen, None when it was not looked at. `stat`: of the file, which was read
    and is the one that was sent; None where that is not known.
    """

    document_id: str
    document: RemoteDocument | None = None
    declared: Declared | None = None
    stat: Stat | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """It failed, and trying again changes nothing by itself."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Closed:
    """The base takes no new documents now, whatever is sent; with `updates` nothing at all."""

    why: Notice
    updates: bool


Result = Closed | Finished | Again | BackOff | Follow | NeedsMark | Stopped


class TimedCall:
    """Measures one call and writes its journal line."""

    def __init__(self, context: Context, key: DocKey, action: str) -> None:
        self._context = context
        self._key = key
        self._action = action
        self._started = context.clock.now()

    def line(self, outcome: str, document_id: str | None, detail: str = "") -> JournalLine:
        """Return the journal line of the call, which ends now."""
        now = self._context.clock.now()
        return JournalLine(
            at=now,
            mirror=self._key.mirror,
            path=self._key.path,
            action=self._action,
            document_id=document_id,
            outcome=outcome,
            milliseconds=int((now - self._started) * 1000),
            detail=str(detail),  # a Cause is stored as plain text
        )


def outcome_name(outcome: object) -> str:
    """Return an outcome's name as the journal stores it."""
    return type(outcome).__name__.lower()


def why_of(failure: Failure) -> str:
    """Return the sentence of a failure, empty when it has none."""
    match failure:
        case Gone() | Throttled():
            return ""
        case _:
            return failure.why.text


def unauthorized(failure: Unauthorized) -> NoReturn:
    """End the mirror's pass: the key may not do this.

    Raises:
        Problem: always.
    """
    raise Problem(failure.why)


def after_failure(context: Context, key: DocKey, action: str, failure: Failure) -> Result:
    """Return the result of a failed call; the caller records it in the ledger.

    Raises:
        Problem: the key is refused.
    """
    match failure:
        case Unauthorized():
            unauthorized(failure)
        case Withheld(why=why, updates=updates):
            return Closed(why, updates)
        case Rejected(why=why):
            values = {"action": action, "path": key.path, "mirror": key.mirror}
            return Stopped(say.ACTION_REFUSED(reason=why.text, hint=_first_step(why), **values))
        case Throttled():
            # The throttle pauses all writers: the key itself needs no back-off and loses no try.
            return Again(context.clock.now())
        case Gone():
            why = say.ACTION_FAILED(action=action, path=key.path, reason="404, not there")
            return Again(context.clock.now() + AMBIGUOUS_LOOK, ask=True, why=why)
        # The server contradicts the ledger: the document has to be asked for.
        case NotReady(why=why, after=after):
            return Again(context.clock.now() + after, ask=True, why=why)
        case NotSent(why=why):
            return BackOff(why)
        case Ambiguous(why=why, withheld=withheld):
            closed = Closed(why, updates=True) if withheld else None
            return Again(context.clock.now() + AMBIGUOUS_LOOK, why=why, closed=closed)


def _first_step(why: Notice) -> str:
    """Return the next step of a refusal, without the command that our own message adds."""
    return why.hint or "look into the server's log"


# -- What a pass did: behind the closing line and the exit code.


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step for one key, as it happens.

    Args:
        action: its name in snake case.
        outcome: ``done``, ``again``, ``waiting``, ``stopped``, ``indexed`` or ``failed``.
        why: the notice, where there is one.
    """

    key: DocKey
    action: str
    cause: str
    outcome: str
    milliseconds: int
    document_id: str | None = None
    why: Notice | None = None


def waiting_event(key: DocKey, why: Notice) -> Event:
    """Return the event of a wait that has to be said, for `why`."""
    return Event(key=key, action="wait", cause="", outcome="stopped", milliseconds=0, why=why)


def step_event(action: Action, step: Result, milliseconds: int) -> Event:
    """Return the event of `action` that led to `step`."""
    document = getattr(action, "document_id", None)
    return Event(
        key=action.key,
        action=name_of(action),
        cause=reason_of(action),
        outcome=_event_outcome(step),
        milliseconds=milliseconds,
        document_id=step.document_id if isinstance(step, Follow) else document,
        why=step.why if isinstance(step, Stopped | BackOff) else None,
    )


def _event_outcome(step: Result) -> str:
    match step:
        case Finished() | Follow() | NeedsMark() | Again(at=None):
            return "done"
        case Again() | BackOff():
            return "waiting"
        case Stopped() | Closed():
            return "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """The keys that a pass left unfinished.

    Args:
        indexing: the server was still indexing their documents.
        waiting: they were worked on, or waited for their turn or another try.
    """

    indexing: tuple[DocKey, ...] = ()
    waiting: tuple[DocKey, ...] = ()


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts of what was done, and reasons for what was not.

    Args:
        done: remote changes by action name.
        unproved: those of `done` whose document is not found: indexing failed, or did not end.
        stopped: keys whose sides still differ, with how they are counted and the reason.
        moved: where documents moved to; their new marks belong to the moves.
        indexing: documents the server was still indexing at the end.
        waiting: keys with a next try in the future at the end.
        unfinished: which documents and keys these are.
        waited: it was to go on until everything is indexed.
        overdue: it was stopped because its time was over.
        halted: what the guard held back.
        withheld: how many files wait because the base takes nothing for them now.
        notice: about the server, once for a pass that changed something.
    """

    mirror: str
    done: Counter[str] = field(default_factory=Counter)
    unproved: Counter[str] = field(default_factory=Counter)
    stopped: dict[DocKey, tuple[str, Notice]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    unchanged: int = 0
    moved: frozenset[DocKey] = frozenset()
    indexing: int = 0
    waiting: int = 0
    withheld: int = 0
    unfinished: Unfinished = Unfinished()
    waited: bool = False
    overdue: bool = False
    interrupted: bool = False
    notice: Notice | None = None
    halted: Halted | None = None

    def note_metadata(self, key: DocKey, why: Notice | None, *, asked: bool) -> None:
        """Note that metadata came back, or why it did not; `asked`: it was an action of its own."""
        if why is not None:
            self.stopped[key] = ("failed", why)
        elif asked:
            self.stopped.pop(key, None)
            if key not in self.moved:
                self.done["set_metadata"] += 1

    @property
    def exit(self) -> Exit:
        """The exit code of `apply` for this mirror (docs/design.md section 7)."""
        if self.halted is not None:
            return Exit.HALTED
        unmet = [why for _, why in self.stopped.values() if why.message.exit is not Exit.OK]
        if unmet or self.withheld:
            return Exit.INCOMPLETE
        if self.overdue:
            return Exit.INDEXING
        if self.interrupted or self.waiting:
            return Exit.INCOMPLETE
        return Exit.INDEXING if self.indexing else Exit.OK


def kind_of(action: object) -> str:
    """Return how a key that stopped is counted: ``held``, ``stale``, ``conflict`` or ``failed``."""
    match action:
        case Hold(cause=Cause.STALE):
            return "stale"
        case Conflict():
            return "conflict"
        case Hold(cause=cause):
            return "failed" if cause in WITHOUT_DOCUMENT else "held"
    return "failed"
