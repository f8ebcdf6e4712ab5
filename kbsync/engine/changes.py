"""What a watch tells the engine: where something may have changed, never what happened there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kbsync.messages import Notice


@dataclass(frozen=True, slots=True)
class Changed:
    """Everything that may have changed since the last take.

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
        """Whether there is anything to look at."""
        return bool(self.paths or self.folders or self.root)


class Changes(Protocol):
    """A source's changes. Loses none and never blocks the one who takes them.

    Memory is bounded: over 10,000 collected paths collapse into the root folder. Events that
    cannot change content (open, access, close without a write) are not told, and nothing is
    settled here: the keeper does that.
    """

    @property
    def mode(self) -> str:
        """How changes are noticed: ``inotify``, ``polling`` or ``inotify+polling``."""
        ...

    @property
    def notice(self) -> Notice | None:
        """Why it is not done by events alone, and what would mend it; None when it is."""
        ...

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to watch; returns when the watches that can be placed are placed.

        Blocks: call it in a thread.

        Args:
            wake: called from any thread, cheap, whenever there is something to take.
        """
        ...

    def take(self) -> Changed:
        """Return everything since the last take, and empty the collection. Never blocks."""
        ...

    def stop(self) -> None:
        """End the watch. Blocks until its threads have ended."""
        ...
