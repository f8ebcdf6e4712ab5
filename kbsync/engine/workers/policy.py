"""Two ways to use the pool: apply a plan once, or work on what is fed until stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import base_must_answer
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.permits import Permits
from kbsync.messages import Notice
from kbsync.model import Cause, DocKey, Hold


class Workload(Protocol):
    """What a policy may know of the work in a pool."""

    @property
    def idle(self) -> bool:
        """No key is worked on or waits for its first turn."""

    @property
    def finished(self) -> bool:
        """No key waits for its time either, and no document is being indexed."""

    @property
    def marking(self) -> int:
        """How many marks are to be written or read back."""

    @property
    def polling(self) -> bool:
        """The server is being asked how far indexing is."""

    @property
    def stalled(self) -> bool:
        """The server makes no progress any more with what it was sent."""


class Policy(Protocol):
    """Decides where the two uses differ.

    Attributes:
        permits: what the keys may do.
        canary: keeps updates back until one was seen to end.
        listed: the listing given to the pool is believed about every key.
    """

    permits: Permits
    canary: Canary
    listed: bool

    def ends(self, work: Workload) -> bool:
        """Return whether there is nothing left to do."""

    def needs_room(self, key: DocKey) -> bool:
        """Return whether `key` is begun only while the server has room."""

    def refused(self, key: DocKey, why: Notice) -> Hold | None:
        """Return what is reported of a key that may not do what it needs; None: it is left."""

    def changing(self, key: DocKey) -> bool:
        """Return whether the file of `key` is still changing, so that an upload is left."""

    async def after_back_off(self, context: Context) -> None:
        """Act on a call that did not go through.

        Raises:
            Problem: the mirror cannot go on.
        """


class OneShot:
    """Applies one plan: it ends when nothing is left to do.

    Args:
        permits: what the plan's keys may do.
        wait: until everything uploaded is indexed; otherwise only until it is sent.
    """

    def __init__(self, permits: Permits, *, wait: bool = True) -> None:
        self.permits = permits
        self.canary = Canary()
        self.listed = True
        self._wait = wait

    def ends(self, work: Workload) -> bool:
        """Return whether there is nothing left to do."""
        if work.polling:
            return False  # what the answer brings is handed out before the workers leave
        if work.stalled:
            return True
        # Updates that wait for the first one are not sent yet.
        if not work.idle or work.marking or len(self.canary):
            return False
        return not self._wait or work.finished

    def needs_room(self, key: DocKey) -> bool:
        """Every key is begun only while the server has room."""
        return True

    def refused(self, key: DocKey, why: Notice) -> Hold | None:
        """Report it: what changed since the plan is for the next plan to judge."""
        return Hold(key=key, row="guard", cause=Cause.GUARDED, why=why)

    def changing(self, key: DocKey) -> bool:
        """Files were waited for before they were planned."""
        return False

    async def after_back_off(self, context: Context) -> None:
        """The key is tried again later."""


class Continuous:
    """Keeps a mirror in sync: works on what is fed until stopped, and forgets finished keys.

    Args:
        canary: keeps updates back until one was seen to end.
        changing: whether the file of a key changed and has not settled since: it is fed again.
    """

    def __init__(self, *, canary: Canary, changing: Callable[[DocKey], bool]) -> None:
        self.permits = Permits()
        self.canary = canary
        self.listed = False
        self._changing = changing

    def ends(self, work: Workload) -> bool:
        """Only a stop ends it."""
        return False

    def needs_room(self, key: DocKey) -> bool:
        """A removal needs no room; the others are begun only while the server has some."""
        return not self.permits.expects_removal(key)

    def refused(self, key: DocKey, why: Notice) -> Hold | None:
        """Leave it: it is planned, and judged, when its change is noticed."""
        return None

    def changing(self, key: DocKey) -> bool:
        """Return whether the file of `key` has not settled."""
        return self._changing(key)

    async def after_back_off(self, context: Context) -> None:
        """Ask for the knowledge base: is it one call that fails, or is the server away?"""
        await base_must_answer(context)
