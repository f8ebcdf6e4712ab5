"""The first update on a server where no update was seen to end yet; the others wait for it.

There are versions whose update call stops the server's indexing worker for ever
(docs/dify-api.md section 5). On a version that is not known for it, one document finds out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import Capabilities, Capability, DocKey

OVERDUE = 600.0


class Canary:
    """Lets one update pass, and keeps the others back until indexing of its document ended.

    Attributes:
        since: when the update that the others wait for was let pass, None while there is none.
        version: of the server it was sent to; None when the server does not say.
    """

    def __init__(self) -> None:
        self._key: DocKey | None = None
        self.version: str | None = None
        self._waiting: dict[DocKey, None] = {}
        self.since: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[DocKey]:
        return iter(self._waiting)

    def admits(self, key: DocKey, able: Capabilities, now: float) -> bool:
        """Return whether `key` may be updated now; otherwise it waits for its release."""
        # Where updates are not known to end they are sent in a way that cannot wedge.
        if Capability.UPDATE_ENDS not in able or able.proven(Capability.UPDATE_ENDS):
            return True
        if self._key is None:
            self._key, self.version, self.since = key, able.version, now
        if self._key == key:
            return True
        self._waiting[key] = None
        return False

    def holds(self, key: DocKey) -> bool:
        """Whether `key` is the update that the others wait for."""
        return key == self._key

    def proves(self, key: DocKey, able: Capabilities) -> bool:
        """Return whether the end of indexing of `key` proves that updates end on this server."""
        return key == self._key and self.version == able.version  # an upgraded one is another

    def ended(self, key: DocKey) -> Sequence[DocKey]:
        """Note that indexing of `key` ended; return the keys that waited for it."""
        return self._release() if key == self._key else ()

    def dropped(self, key: DocKey) -> Sequence[DocKey]:
        """Note that `key` was not updated; return the keys that waited for it."""
        self._waiting.pop(key, None)
        return self._release() if key == self._key else ()

    def overdue(self, now: float, mirror: str) -> Notice | None:
        """Return that others have waited for the first update for ten minutes, if they have."""
        if self.since is None or not self._waiting or now - self.since <= OVERDUE:
            return None
        return say.UPDATE_UNPROVEN(
            minutes=round((now - self.since) / 60),
            count=len(self._waiting),
            mirror=mirror,
            version=self.version or "unknown",
        )

    def restart(self) -> None:
        """Forget the update under way and the keys that wait."""
        self._release()

    def _release(self) -> Sequence[DocKey]:
        waiting = tuple(self._waiting)
        self._waiting.clear()
        self._key = self.version = self.since = None
        return waiting
