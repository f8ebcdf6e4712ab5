"""How far each key being worked on has come; a key that needs nothing more leaves nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model import DocKey, Present


@dataclass(slots=True, kw_only=True)
class KeyProgress:
    """One key.

    Args:
        listed: the listing of the pass may be believed about it.
        ask: the server contradicted the ledger: ask it first.
        tries: calls that did not take effect.
        hashed: its file as it was when it was hashed for the plan.
        shown: what was said to be waited for.
        since: when it became work, in seconds of the ledger's clock.
    """

    listed: bool
    since: float
    ask: bool = False
    tries: int = 0
    hashed: Present | None = None
    shown: Notice | None = None


class ProgressTable:
    """The keys being worked on.

    Args:
        listed: the listing of the pass may be believed about every key that nothing was done for.
        now: returns seconds of the ledger's clock.
    """

    def __init__(self, *, listed: bool, now: Callable[[], float]) -> None:
        self._listed = listed
        self._now = now
        self._keys: dict[DocKey, KeyProgress] = {}

    @property
    def keys(self) -> Collection[DocKey]:
        """The keys that something is remembered of."""
        return self._keys.keys()

    def of(self, key: DocKey) -> KeyProgress:
        """Return what is known of `key`."""
        known = self._keys.get(key)
        if known is None:
            known = self._keys[key] = KeyProgress(listed=self._listed, since=self._now())
        return known

    @property
    def oldest(self) -> float | None:
        """When the oldest of its keys became work; None without one."""
        # They stand in the order in which they came.
        first = next(iter(self._keys.values()), None)
        return None if first is None else first.since

    def begin(
        self, keys: Iterable[DocKey], *, listed: bool, hashed: Mapping[DocKey, Present]
    ) -> None:
        """Note what a plan knows of `keys`.

        Args:
            keys: to be worked on.
            listed: its listing may be believed about them.
            hashed: files as they were when they were hashed for it.
        """
        for key in keys:
            progress = self.of(key)
            progress.listed, progress.hashed = listed, hashed.get(key)

    def restart(self, key: DocKey) -> None:
        """Forget the tries of `key`; what is known of its file and its listing stays."""
        progress = self.of(key)
        progress.tries, progress.ask = 0, False

    def drop(self, key: DocKey) -> None:
        """Forget `key`; where the listing is believed, not that it is out of date about `key`."""
        if self._listed and not self.of(key).listed:
            self.restart(key)
        else:
            self._keys.pop(key, None)
