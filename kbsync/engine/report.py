"""What a pass did: the value behind the closing line and the exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kbsync.messages import Exit, Notice
from kbsync.model import Conflict, DocKey, Halted, Hold, Skipped


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
        case Hold(row=row):
            return "failed" if row in ("R3", "R5", "T9", "T12") else "held"
    return "failed"
