"""The first update on a server where no update was seen to end yet; the others wait for it.

There are versions whose update call stops the server's indexing worker for ever
(docs/dify-api.md section 5). On a version that is not known for it, one document finds out.
"""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.model import Capabilities, DocKey


class Canary:
    """Lets one update pass, and keeps the others back until indexing of its document ended.

    Args:
        needed: False lets every update pass.

    Attributes:
        since: when the update that the others wait for was let pass, None while there is none.
        version: of the server it was sent to; None when the server does not say.
    """

    def __init__(self, *, needed: bool = True) -> None:
        self._needed = needed
        self._proven: set[str | None] = set()
        self._key: DocKey | None = None
        self.version: str | None = None
        self._waiting: dict[DocKey, None] = {}
        self.since: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def admits(self, key: DocKey, able: Capabilities, now: float) -> bool:
        """Return whether `key` may be updated now; otherwise it waits for its release."""
        if not self._needed or able.updates_verified or able.version in self._proven:
            return True
        if self._key is None:
            self._key, self.version, self.since = key, able.version, now
        if self._key == key:
            return True
        self._waiting[key] = None
        return False

    def ended(self, key: DocKey) -> Sequence[DocKey]:
        """Note that indexing of `key` ended; return the keys that waited for it."""
        if key != self._key:
            return ()
        self._proven.add(self.version)  # an upgraded server has to prove it anew
        return self._release()

    def dropped(self, key: DocKey) -> Sequence[DocKey]:
        """Note that `key` was not updated; return the keys that waited for it."""
        self._waiting.pop(key, None)
        return self._release() if key == self._key else ()

    def restart(self) -> None:
        """Forget the update under way and the keys that wait; what was proven stays."""
        self._release()

    def _release(self) -> Sequence[DocKey]:
        waiting = tuple(self._waiting)
        self._waiting.clear()
        self._key = self.version = self.since = None
        return waiting
