"""Every call to a server goes through here: few in flight, limited in writes, retried in reads.

Four requests in flight by default, reads included: at 50 parallel deletes a real server was dead
for 30 seconds (docs/dify-api.md section 16).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import anyio

from kbsync.engine.ports import Clock
from kbsync.engine.workers.backoff import delay_after
from kbsync.engine.workers.pending_call import PendingCall, waits_for
from kbsync.engine.workers.rate_limiter import WriteLimit
from kbsync.messages import Exit, Notice
from kbsync.model import NotReady, NotSent, Outcome, Throttled

T = TypeVar("T")
READ_TRIES = 5
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0


class ThrottledCalls:
    """The throttle of one server and key: all that call it share it.

    Args:
        limiter: write permits.
        clock: time.
        in_flight: requests at once, reads included; or what others count theirs by, too.
        fence: looked at before each write; why nothing may be written any more.

    Attributes:
        held_back: seconds that calls waited for the declared rate, and that servers wanted no
            writes, together.
    """

    def __init__(
        self,
        *,
        limiter: WriteLimit,
        clock: Clock,
        in_flight: int | anyio.Semaphore,
        fence: Callable[[], Notice | None] = lambda: None,
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._fence = fence
        self._room = anyio.Semaphore(in_flight) if isinstance(in_flight, int) else in_flight
        self._pending: dict[int, PendingCall] = {}
        self.held_back = 0.0

    @property
    def oldest(self) -> PendingCall | None:
        """The call whose answer is waited for longest."""
        return next(iter(self._pending.values()), None)

    def waits(self, server: str) -> Notice | None:
        """Return which answer of `server` is waited for; None while no call is made."""
        return waits_for(self.oldest, server) if self.oldest else None

    def paused_for(self) -> float:
        """Return for how many more seconds the server wants no writes."""
        return self._limiter.paused_for(self._clock.now())

    @contextmanager
    def _noted(self, what: str) -> Iterator[PendingCall]:
        call = PendingCall(what, self._clock.now())
        self._pending[id(call)] = call
        try:
            yield call
        finally:
            del self._pending[id(call)]

    async def read(
        self, what: str, call: Callable[[], Awaitable[Outcome[T]]], *, counted: bool = False
    ) -> Outcome[T]:
        """Make a call that changes nothing, a few times where it is not answered.

        Args:
            what: the answer that is waited for, in words.
            call: makes it; it may be made again.
            counted: servers count it in their rate limit, as they do writes.
        """
        with self._noted(what) as pending:
            outcome = await self._once(pending, call, counted=counted)
            for attempt in range(1, READ_TRIES):
                match outcome:
                    case NotSent(why=why) | NotReady(why=why) if why.message.exit is Exit.REFUSED:
                        return outcome  # a person has to change something first
                    case NotSent() | NotReady():
                        rest = delay_after(attempt, first=FIRST_DELAY, longest=LONGEST_DELAY)
                    case Throttled(after=after):
                        self._pause(after)
                        rest = after
                    case _:
                        return outcome
                pending.why = getattr(outcome, "why", None)
                await self._rest(pending, rest)
                outcome = await self._once(pending, call, counted=counted)
            return outcome

    async def write(self, what: str, call: Callable[[], Awaitable[Outcome[T]]]) -> Outcome[T]:
        """Make a call that may change something, once.

        Args:
            what: the answer that is waited for, in words.
            call: makes it.
        """
        # Tried once: whether a write took effect is found out by its intent, not by a second write.
        with self._noted(what) as pending:
            outcome = await self._once(pending, partial(self._fenced, call), counted=True)
        match outcome:
            case Throttled(after=after):
                self._pause(after)
        return outcome

    async def _fenced(self, call: Callable[[], Awaitable[Outcome[T]]]) -> Outcome[T]:
        """Make a call, unless another process writes the ledger by now."""
        # A process that was stopped amid its wait goes on here.
        why = self._fence()
        return NotSent(why) if why is not None else await call()

    def _pause(self, seconds: float) -> None:
        self.held_back += seconds
        self._limiter.pause(self._clock.now(), seconds)

    async def _rest(self, pending: PendingCall, seconds: float) -> None:
        pending.until = self._clock.now() + seconds
        await self._clock.sleep(seconds)

    async def _wait_for_turn(self, pending: PendingCall) -> None:
        while (delay := self._limiter.reserve(self._clock.now())) > 0:
            if not self.paused_for():  # a pause is counted when the server asks for it
                self.held_back += delay
            await self._rest(pending, delay)
            if self._limiter.holds(self._clock.now()):
                return

    async def _once(
        self, pending: PendingCall, call: Callable[[], Awaitable[Outcome[T]]], *, counted: bool
    ) -> Outcome[T]:
        while True:
            usable_until = math.inf
            if counted:
                await self._wait_for_turn(pending)
                usable_until = self._limiter.usable_until
            async with self._room:
                # A permit that ran out in front of the room is replaced within it, where that takes
                # no wait: whoever went out to wait would come back to a full room.
                now = self._clock.now()
                if now <= usable_until or self._limiter.reserve(now) <= 0:
                    pending.tries, pending.until = pending.tries + 1, None
                    return await call()
