"""What the server at hand can do: told by its version, corrected by what calls meet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from kbsync.dify.request import ApiReply
from kbsync.dify.schemas import KnowledgeBaseRow
from kbsync.messages import printable
from kbsync.messages import remote as messages
from kbsync.model import Capabilities, Capability, Done, Gone, Outcome, Rejected, Unauthorized
from kbsync.model.capabilities import since

T = TypeVar("T")

VERSION_HEADER = "x-version"
LONGEST_VERSION = 60


class Observed:
    """The capabilities as of the last reply.

    Attributes:
        now: what the server can do.
        date: the `Date` header of the last reply; None without one.
    """

    def __init__(self) -> None:
        self.now = Capabilities()
        self.date: str | None = None

    def see(self, reply: ApiReply) -> None:
        """Take the version of a reply; what was seen of another version does not count any more."""
        self.date = reply.headers.get("date")
        # Every reply has the header, refusals too: an upgrade is noticed with the next call.
        version = printable(reply.headers.get(VERSION_HEADER, ""))[:LONGEST_VERSION]
        if version and version != self.now.version:
            self.now = Capabilities(version=version)
        elif not version and self.now.version is not None and _of_api(reply):
            # A gateway drops it now: what is behind may be upgraded without a sign.
            self.now = Capabilities()

    def note(self, capability: Capability, able: bool) -> None:
        """Note that the server was seen to do it, or not to."""
        self.now = self.now.noting(capability, able)

    def recall(self, known: Capabilities) -> None:
        """Begin with what was known before, unless a reply came already."""
        if self.now == Capabilities():
            self.now = known.checked_again()


class Alternatives:
    """Makes a call by its own route where the server has it, and otherwise in an older way.

    Args:
        observed: what the server can do.
        address_answers: whether the server answers at its address as a knowledge API does.
    """

    def __init__(self, observed: Observed, address_answers: Callable[[], Awaitable[bool]]) -> None:
        self._observed = observed
        self._address_answers = address_answers

    @property
    def version(self) -> str | None:
        """The version the server tells, None when it tells none."""
        return self._observed.now.version

    def learn(self, *rows: KnowledgeBaseRow) -> None:
        """Learn from knowledge bases how old a server is that does not tell its version.

        Those of every server with metadata name their fields, whether there are any or not.
        """
        known = self._observed.now
        if known.version is None and any(not row.names_fields for row in rows):
            self._observed.now = known.predating(Capability.METADATA)

    def has(self, capability: Capability) -> bool:
        """Whether the server is known to have it."""
        return capability in self._observed.now

    def unknown(self, capability: Capability) -> bool:
        """Whether nothing is known of it."""
        return self._observed.now.state(capability) is None

    async def choose(
        self,
        capability: Capability,
        call: Callable[[], Awaitable[Outcome[T]]],
        otherwise: Callable[[], Awaitable[Outcome[T]]],
    ) -> Outcome[T]:
        """Make `call` if the server may have its route, `otherwise` where the route is missing.

        A 404 of a server that is not known to have the route proves no absence: some answer an
        unknown route and an unknown id in the same words.
        """
        if self._observed.now.state(capability) is False:
            return await otherwise()
        outcome = await call()
        if await self.missing(capability, outcome):
            return await otherwise()
        if self._observed.now.state(capability) is not None:  # told by this reply, at the latest
            return outcome
        if isinstance(outcome, Done):
            self._observed.note(capability, able=True)
        return await otherwise() if isinstance(outcome, Gone) else outcome

    async def require(
        self, capability: Capability, what: str, call: Callable[[], Awaitable[Outcome[T]]]
    ) -> Outcome[T]:
        """Make `call` if the server may have its route; there is no other way to do it.

        Args:
            what: the call in words, for the refusal.
        """
        if self._observed.now.state(capability) is not False:
            outcome = await call()
            if isinstance(outcome, Done) and self.unknown(capability):
                self._observed.note(capability, able=True)
            if not await self.missing(capability, outcome):
                return outcome
        version = self._observed.now.version or "not told"
        return Rejected(messages.NEEDS_VERSION(what=what, version=version, since=since(capability)))

    async def missing(self, capability: Capability, outcome: Outcome[T]) -> bool:
        """Whether `outcome` says that the route is missing; then that is noted."""
        if not route_is_missing(outcome) or not await self._address_answers():
            return False
        self._observed.note(capability, able=False)
        return True


def route_is_missing(outcome: Outcome[T]) -> bool:
    """Whether the answer was that of a wrong address or of a method that is not there."""
    match outcome:
        case Unauthorized(why) | Rejected(why):
            return why.message in (messages.WRONG_URL, messages.UNKNOWN_CALL)
        case _:
            return False


def _of_api(reply: ApiReply) -> bool:
    return reply.ok and "json" in reply.headers.get("content-type", "")
