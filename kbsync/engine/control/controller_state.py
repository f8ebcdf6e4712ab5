"""What a controller remembers from one session to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kbsync.config import MirrorConfig
from kbsync.engine.control.debounce import Debouncer, GracePeriods
from kbsync.engine.execute.results import Event
from kbsync.engine.ports import ChangedPaths
from kbsync.engine.workers.backoff import jittered
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.pool import Observer
from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import DocKey, Halted

# Comparing everything takes at most a fifth of the time, whatever happens to the folder, and a
# change that only such a comparison finds waits so long at most.
REST_FOR_A_PASS, LONGEST_REST = 4.0, 30.0


@dataclass(slots=True)
class ControllerState:
    """One mirror's affairs.

    Args:
        config: the mirror as declared.
        observe: told of every step; of what stays as it is only once.

    Attributes:
        held: what the guard holds back.
        fault: why part of the source could not be listed.
        root: what that means for removals.
        changes: what would be done, while nothing may be written.
        unmet: why keys are not what they should be, until they are.
        next_local, next_remote: when everything is compared next, in seconds of the ledger's clock.
        last_pass: when everything was compared last; None before the first time.
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
        """Note what a watch told."""
        if changed.root or changed.folders:
            self.debouncer.everything(now)
        self.debouncer.note(changed.paths, now)
        self.grace.forget(map(self.key, changed.paths))  # it begins anew when they are looked at

    def compared(self, began: float, ended: float, *, listing: bool) -> None:
        """Note that everything was compared, with a listing of the base or without."""
        self.last_pass = ended
        self._not_before = ended + min(LONGEST_REST, REST_FOR_A_PASS * (ended - began))
        self.next_local = ended + jittered(self.config.local_resync)
        if listing:
            self.next_remote = ended + jittered(self.config.remote_resync)

    @property
    def everything_due(self) -> float:
        """When everything is to be compared next."""
        due = self.debouncer.everything_due
        soon = self.next_local if due is None else max(due, self._not_before)
        return min(soon, self.next_local, self.next_remote)

    def mended(self, keys: Iterable[DocKey]) -> None:
        """Note that nothing is to be said of `keys` any more."""
        for key in keys:
            self.unmet.pop(key, None)

    def tell(self, event: Event) -> None:
        """Tell of a step; of a key that stays in the same fix only once."""
        if event.outcome == "stopped" and event.why is not None:
            if self.unmet.get(event.key) == event.why:
                return
            self.unmet[event.key] = event.why
        elif event.outcome == "done" or (event.outcome == "indexed" and not self._unmarked(event)):
            self.unmet.pop(event.key, None)
        self.observe(event)

    def _unmarked(self, event: Event) -> bool:
        """Whether a mark is missing, which no indexing mends."""
        why = self.unmet.get(event.key)
        return why is not None and why.message is say.NOT_MARKED
