"""What a controller remembers from one session to the next."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import field

from kbsync.config import MirrorConfig
from kbsync.engine.change_source import ChangedPaths
from kbsync.engine.control.debounce import Debouncer, GracePeriods
from kbsync.engine.execute.results import Event
from kbsync.engine.workers.backoff import jittered
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.pool import Observer
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import DocKey, Halted

# Comparing everything takes at most a fifth of the time, whatever happens to the folder, and a
# change that only such a comparison finds waits so long at most.
PAUSE_PER_PASS, LONGEST_PAUSE = 4.0, 30.0
STALE = frozenset({say.HELD_STALE, say.HELD_STALE_REFUSED, say.HELD_STALE_UNREADABLE})


@dataclass(slots=True)
class ControllerState:
    """What is known of one mirror beside the ledger.

    Args:
        config: the mirror as declared.
        observe: called with every step; a key that stays unmet for one reason is one event.

    Attributes:
        debouncer: paths that changed and have not settled.
        grace: files that are gone, in their grace periods.
        canary: keeps updates back until one was seen to end.
        held: what the guard holds back.
        fault: why part of the source could not be listed.
        root: what that means for removals.
        changes: what would be done, while nothing may be written.
        unmet: why keys are not what they should be, until they are.
        next_local, next_remote: when everything is compared next, in seconds of the ledger's clock.
        last_pass: when everything was compared last; None before the first time.
        files: how many the source had then.
    """

    config: MirrorConfig
    observe: Observer
    debouncer: Debouncer = field(init=False)
    grace: GracePeriods = field(init=False)
    canary: Canary = field(default_factory=Canary)
    unmet: dict[DocKey, Notice] = field(default_factory=dict)
    held: Halted | None = None
    root: Notice | None = None
    fault: Notice | None = None
    changes: int = 0
    next_local: float = 0.0
    next_remote: float = 0.0
    last_pass: float | None = None
    files: int = 0
    _not_before: float = 0.0

    def __post_init__(self) -> None:
        self.debouncer = Debouncer(self.config.settle)
        self.grace = GracePeriods(self.config.delete_grace)

    @property
    def mirror(self) -> str:
        """The mirror's name."""
        return self.config.name

    def key(self, path: str) -> DocKey:
        """Return the key of `path`."""
        return DocKey(mirror=self.mirror, path=path)

    def collect(self, changed: ChangedPaths, now: float) -> None:
        """Note what changed."""
        if changed.root or changed.folders:
            self.debouncer.note_everything(now)
        self.debouncer.note(changed.paths, now)
        self.grace.forget(map(self.key, changed.paths))  # begins anew when they are planned

    def compared(self, began: float, ended: float, *, listing: bool) -> None:
        """Note that everything was compared, with a listing of the base or without."""
        self.last_pass = ended
        self._not_before = ended + min(LONGEST_PAUSE, PAUSE_PER_PASS * (ended - began))
        self.next_local = ended + jittered(self.config.local_resync)
        if listing:
            self.next_remote = ended + jittered(self.config.remote_resync)

    @property
    def everything_due(self) -> float:
        """When everything is to be compared next."""
        due = self.debouncer.everything_due
        soon = self.next_local if due is None else max(due, self._not_before)
        return min(soon, self.next_local, self.next_remote)

    def resolved(self, keys: Iterable[DocKey]) -> None:
        """Note that `keys` are what they should be."""
        for key in keys:
            self.unmet.pop(key, None)

    def compared_keys(self, left: AbstractSet[DocKey], *, listing: bool) -> None:
        """Note that a comparison of everything found only `left` to be other than it should be.

        Args:
            left: keys of the plan it made.
            listing: whether it listed the base; otherwise what the server holds is not known, and
                only what the folder and the ledger tell is.
        """
        gone = ((key, why) for key, why in list(self.unmet.items()) if key not in left)
        self.resolved(key for key, why in gone if listing or why.message in STALE)

    @property
    def stale(self) -> int:
        """How many documents hold what their file held before."""
        return sum(why.message in STALE for why in self.unmet.values())

    def record(self, event: Event) -> None:
        """Pass a step on, unless its key is unmet for the same reason as before."""
        if event.outcome == "stopped" and event.why is not None:
            if self.unmet.get(event.key) == event.why:
                return
            self.unmet[event.key] = event.why
        elif self._resolves(event):
            self.unmet.pop(event.key, None)
        self.observe(event)

    def _resolves(self, event: Event) -> bool:
        """Whether the key is what it should be after `event`, as far as is known."""
        why = self.unmet.get(event.key)
        put_away = why is not None and why.message is say.HELD_OPERATOR
        if put_away and event.action in ("index", "set_metadata"):
            return False  # neither brings back what an operator put away
        if event.outcome == "indexed":  # the end of indexing does not write a mark
            return why is None or why.message is not say.NOT_MARKED
        # A document that is only followed stays what it was before, stale or in conflict.
        return event.outcome == "done" and event.cause != str(why)
