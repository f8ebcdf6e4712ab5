"""What the engine needs of a watch: where something may have changed, never what happened there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice


@dataclass(frozen=True, slots=True)
class ChangedPaths:
    """Everything that may have changed since the last `take`.

    Args:
        paths: NFC paths relative to the root, ``/`` between folders; each file may have changed,
            appeared or gone.
        folders: folders whose whole subtree is to be compared again, ``""`` for the root: the
            queue ran over, a folder is new or moved, a watch was lost.
        root: the root itself vanished or came back: compare everything.
    """

    paths: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    root: bool = False

    def __bool__(self) -> bool:
        """Whether anything may have changed."""
        return bool(self.paths or self.folders or self.root)


class ChangeSource(Protocol):
    """A source's changes: none is lost, and `take` never blocks.

    Memory is bounded: over 10,000 collected paths collapse into the root folder. Events that
    cannot change content (open, access, close without a write) are left out. Debouncing is the
    controller's.
    """

    @property
    def mode(self) -> str:
        """How changes are noticed: ``inotify``, ``polling`` or ``inotify+polling``."""
        ...

    @property
    def notice(self) -> Notice | None:
        """Why changes are not noticed by events alone, and the remedy; None when they are."""
        ...

    def start(self, wake: Callable[[], None]) -> None:
        """Start watching; returns once all possible watches are placed.

        Blocks: call it in a thread.

        Args:
            wake: called from any thread, cheap, whenever there is something to take.
        """
        ...

    def take(self) -> ChangedPaths:
        """Return everything since the last `take`. Never blocks."""
        ...

    def stop(self) -> None:
        """Stop watching. Blocks until its threads have ended."""
        ...
