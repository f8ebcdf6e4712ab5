"""What one pool takes of the room at its base: documents it sends, and documents being indexed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from kbsync.engine.context import Context
from kbsync.model import DocKey, EntryState, Op

LANDS_WITHIN = 60.0


class RoomShare:
    """Whether a document may be begun now.

    Args:
        context: of the mirror.
        followed: returns the keys whose documents are being indexed.
        most: returns how many may be in flight.

    Attributes:
        earlier: keys whose documents were sent before the pool began: they take room already.
    """

    def __init__(
        self,
        context: Context,
        followed: Callable[[], AbstractSet[DocKey]],
        most: Callable[[], int],
    ) -> None:
        self._context = context
        self._followed = followed
        self._most = most
        self._sending: set[DocKey] = set()
        self.earlier: set[DocKey] = set()
        if context.loses_keywords:
            name, state = context.mirror.name, EntryState.INDEXING.value
            self.earlier |= {e.key for e in context.ledger.entries(name, states=[state])}

    def renew(self, context: Context) -> None:
        """Go on in `context`."""
        self._context = context

    def take(self, key: DocKey) -> None:
        """Take the room of one document, before the call that sends it."""
        self._sending.add(key)
        self.earlier.discard(key)

    def free(self, key: DocKey) -> None:
        """Give it back; a document that is followed keeps its own."""
        self._sending.discard(key)

    def rest(self, key: DocKey) -> None:
        """Let a call that got no answer keep its room, but not where that is all the room there is.

        It lands within seconds, if at all; then everything behind it goes on.
        """
        intent, now = self._context.ledger.intent(key), self._context.clock.now()
        uploads = intent is not None and intent.op is not Op.SWITCH
        if intent and uploads and self._shared and now - intent.started_at > LANDS_WITHIN:
            self.free(key)

    @property
    def _shared(self) -> bool:
        """What is declared is one mirror's; what the server bears is shared by all on the base."""
        return self._context.loses_keywords and self._context.mirror.config.max_indexing is None

    def taken(self) -> set[DocKey]:
        """Return the keys that take room."""
        return {*self._followed(), *self._sending}

    @property
    def closed(self) -> bool:
        """Whether nothing is begun, because documents are searched for or repaired."""
        return self._context.room.closed

    def full(self, key: DocKey) -> bool:
        """Whether the base has as many of ours in flight as it may, `key` not counted."""
        room = self._context.room
        if self.closed:
            return True
        taken = room.taken() if self._shared else self.taken()
        return len(taken - {key}) >= self._most()
