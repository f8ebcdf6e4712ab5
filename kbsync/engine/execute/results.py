"""What carrying out one action leads to, and the line the journal keeps of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NoReturn

from kbsync.engine.context import Context
from kbsync.messages import Exit, Notice, Problem
from kbsync.messages import engine as say
from kbsync.model import (
    Ambiguous,
    Cause,
    Conflict,
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
    Throttled,
    Unauthorized,
)

AMBIGUOUS_LOOK = 1.0
# Without these uploads no document of the file can be found at the server.
WITHOUT_DOCUMENT = frozenset({Cause.NEW, Cause.MISSING, Cause.RECOVER})


@dataclass(frozen=True, slots=True)
class Finished:
    """The key needs nothing more in this pass."""


@dataclass(frozen=True, slots=True)
class Again:
    """Look at the key again: at once, or at `at` (seconds of the ledger's clock).

    `ask`: the server contradicted the ledger, so ask it for the document first.
    `why`: the action did not take effect; a key that meets this too often is given up.
    """

    at: float | None = None
    ask: bool = False
    why: Notice | None = None


@dataclass(frozen=True, slots=True)
class BackOff:
    """The call did not go through; try again, later each time."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Follow:
    """Uploaded: follow `document_id` until it is indexed.

    `uploaded`: the document as the upload's reply tells it, to be marked at once.
    """

    document_id: str
    uploaded: RemoteDocument | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NeedsMark:
    """Nothing is to be done but to write the mark of its document.

    `document`: as last seen, None when nobody looked.
    """

    document_id: str
    document: RemoteDocument | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """It failed, and trying again changes nothing by itself."""

    why: Notice


Result = Finished | Again | BackOff | Follow | NeedsMark | Stopped


class TimedCall:
    """Measures one call and writes its journal line."""

    def __init__(self, world: Context, key: DocKey, action: str) -> None:
        self._world = world
        self._key = key
        self._action = action
        self._started = world.clock.now()

    def line(self, outcome: str, document_id: str | None, detail: str = "") -> JournalLine:
        """Return the line: what was done, how it ended, how long it took."""
        now = self._world.clock.now()
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
    """Return an outcome's name as the journal keeps it."""
    return type(outcome).__name__.lower()


def why_of(failure: Failure) -> str:
    """Return the sentence a failure carries, empty when it carries none."""
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


def after_failure(world: Context, key: DocKey, action: str, failure: Failure) -> Result:
    """Return what a failed call leads to, apart from what the caller keeps in the ledger.

    Raises:
        Problem: the key is refused.
    """
    match failure:
        case Unauthorized():
            unauthorized(failure)
        case Rejected(why=why):
            words = {"action": action, "path": key.path, "reason": why.text}
            return Stopped(say.ACTION_REFUSED(following=_first_step(why), **words))
        case Throttled():
            return Again(world.clock.now())
        case Gone():
            why = say.ACTION_FAILED(action=action, path=key.path, reason="404, not there")
            return Again(world.clock.now() + AMBIGUOUS_LOOK, why=why)
        case NotReady(why=why, after=after):
            return Again(world.clock.now() + after, ask=True, why=why)
        case NotSent(why=why):
            return BackOff(why)
        case Ambiguous(why=why):
            return Again(world.clock.now() + AMBIGUOUS_LOOK, why=why)


def _first_step(why: Notice) -> str:
    """Return what a refusal says to do, without the command that our own message ends with."""
    return why.next.partition(", then type:")[0] or "see what it is with: kbsync explain PATH"


# -- What a pass did: the value behind the closing line and the exit code.


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step the engine took for one key, as it happens.

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


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts what was done and keeps what could not be.

    Args:
        done: remote changes by action name.
        stopped: keys that ended without converging, with the action that stood and the reason.
        indexing: documents the server was still indexing at the end.
        waiting: keys that wait for their time at the end.
        halted: what the guard held back.
        notice: what is to be known of the server, once for a pass that changed something.
    """

    mirror: str
    done: Counter[str] = field(default_factory=Counter)
    stopped: dict[DocKey, tuple[str, Notice]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    unchanged: int = 0
    indexing: int = 0
    waiting: int = 0
    interrupted: bool = False
    notice: Notice | None = None
    halted: Halted | None = None

    @property
    def exit(self) -> Exit:
        """The exit code of `apply` for this mirror (docs/design.md section 7)."""
        if self.halted is not None:
            return Exit.HALTED
        unmet = [why for _, why in self.stopped.values() if why.message.exit is not Exit.OK]
        if self.interrupted or unmet or self.waiting:
            return Exit.INCOMPLETE
        return Exit.INDEXING if self.indexing else Exit.OK


def kind_of(action: object) -> str:
    """Return how a key that stopped is counted: ``held``, ``conflict`` or ``failed``."""
    match action:
        case Conflict():
            return "conflict"
        case Hold(cause=cause):
            return "failed" if cause in WITHOUT_DOCUMENT else "held"
    return "failed"
