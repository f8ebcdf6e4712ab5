"""A call that is cut off before it was sent leaves no intent: nothing of it can land.

The last bytes of a file are read last, and a server does nothing with a request without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kbsync.engine.context import Context
from kbsync.engine.ports import EntryChange, Payload
from kbsync.messages import Problem
from kbsync.model import DocKey, Stat


class WatchedPayload:
    """A payload that knows whether all of it was read; see `kbsync.engine.ports.Payload`."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self.size, self.media_type = payload.size, payload.media_type
        self.stat: Stat = payload.stat
        self.ended = False
        self._done = 0

    @property
    def taken(self) -> str | None:
        """What its text was taken as."""
        return self._payload.taken

    @property
    def source(self) -> str | None:
        """Sha256 (hex) of the file's own bytes, where not they are sent."""
        return self._payload.source

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        piece = self._payload.read(size)
        self._done += len(piece)
        self.ended = self._done >= self.size
        return piece

    @property
    def content(self) -> str:
        """Sha256 (hex) of the bytes read so far."""
        return self._payload.content

    def torn(self) -> bool:
        """Whether the file changed since it was opened."""
        return self._payload.torn()


@contextmanager
def unsent_leaves_nothing(
    context: Context, key: DocKey, payload: Payload
) -> Iterator[WatchedPayload]:
    """Yield `payload` to be sent; drop the intent of `key` where the block is cut off before.

    A fault elsewhere cuts it off, and so does a forced stop: while it waits for its turn, too.
    """
    watched = WatchedPayload(payload)
    try:
        yield watched
    except BaseException:
        if not watched.ended:
            with suppress(Problem):
                context.ledger.commit(EntryChange(key=key, intent=None))
        raise
