"""A document as a server keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kbsync.model import Readiness

FINE, FAILS, EMPTY, NEVER = "fine", "fails", "empty", "never"


@dataclass(slots=True)
class Document:
    """A document as the server keeps it.

    Args:
        by_hand: not made by kbsync.
        made_at: seconds.
        settings: how it was chunked.
        indexed_since, ready_at: when its indexing began, and when it ends.
        stage: what it shows until then.
        fate: how its indexing ends.
        edits: words added to its chunks by hand.
        frozen: none of its chunks completes before the end.
        task_lost: the server lost its task: it is never indexed.
        hung_until: when its indexing went on that had hung.
        unseen: its chunks were edited before kbsync saw them complete.
        lost: no search finds it, until it is enabled again.
        incurable: nor then.
        put_away: disabled by hand.
        cut: the texts of its chunks by id, where it was sent cut.
        claimable: made by hand while a create of its name was under way: it passes for ours.
    """

    id: str
    name: str
    by_hand: bool = False
    made_at: float = 0.0
    content: bytes = b""
    settings: str = ""
    rev: str = ""
    indexed_since: float = 0.0
    ready_at: float = 0.0
    stage: Readiness = Readiness.INDEXING
    fate: str = FINE
    enabled: bool = True
    archived: bool = False
    edits: int = 0
    frozen: bool = False
    task_lost: bool = False
    hung_until: float | None = None
    unseen: bool = False
    claimable: bool = False
    lost: bool = False
    incurable: bool = False
    put_away: bool = False
    cut: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def edit(self, letters: int) -> None:
        """A person adds so much to one of its chunks; where they were sent cut, its text tells."""
        if self.cut:
            self.cut[next(iter(self.cut))] += "!" * letters
        else:
            self.edits += letters
