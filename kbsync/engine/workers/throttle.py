"""Every call to a server goes through here: few in flight, limited in writes, retried in reads.

Four requests in flight by default, reads included: at 50 parallel deletes a real server was dead
for 30 seconds (docs/dify-api.md section 16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import anyio

from kbsync.engine.ports import (
    Assignment,
    Chunking,
    Clock,
    DocumentPage,
    Payload,
    Remote,
)
from kbsync.engine.workers.backoff import delay_after
from kbsync.engine.workers.pending_call import PendingCall, waits_for
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.messages import Exit, Notice
from kbsync.model import (
    Base,
    Capabilities,
    Capability,
    ChunkPage,
    NotReady,
    NotSent,
    Original,
    Outcome,
    Progress,
    RemoteDocument,
    SearchHit,
    Throttled,
    Uploaded,
)

T = TypeVar("T")
READ_TRIES = 5
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0


class ThrottledRemote:
    """A `Remote` in front of another one. All mirrors of one server and key share it.

    Args:
        remote: the server.
        limiter: write permits.
        clock: time.
        in_flight: requests at once, reads included.
    """

    def __init__(
        self, remote: Remote, *, limiter: RateLimiter, clock: Clock, in_flight: int
    ) -> None:
        self._remote = remote
        self._limiter = limiter
        self._clock = clock
        self._room = anyio.Semaphore(in_flight)
        self._pending: dict[int, PendingCall] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""
        return self._remote.capabilities

    def note(self, capability: Capability, able: bool) -> None:
        """See `Remote.note`."""
        self._remote.note(capability, able)

    def recall(self, known: Capabilities) -> None:
        """See `Remote.recall`."""
        self._remote.recall(known)

    def paused_for(self) -> float:
        """See `Remote.paused_for`."""
        return max(self._remote.paused_for(), self._limiter.paused_for(self._clock.now()))

    @property
    def oldest(self) -> PendingCall | None:
        """The call whose answer is waited for longest."""
        return next(iter(self._pending.values()), None)

    def waits(self, server: str) -> Notice | None:
        """Return which answer of `server` is waited for; None while no call is made."""
        return waits_for(self.oldest, server) if self.oldest else None

    @contextmanager
    def _noted(self, what: str) -> Iterator[PendingCall]:
        call = PendingCall(what, self._clock.now())
        self._pending[id(call)] = call
        try:
            yield call
        finally:
            del self._pending[id(call)]

    async def _read(
        self, what: str, call: Callable[[], Awaitable[Outcome[T]]], *, counted: bool = False
    ) -> Outcome[T]:
        with self._noted(what) as pending:
            outcome = await self._once(pending, call, counted=counted)
            for attempt in range(1, READ_TRIES):
                match outcome:
                    case NotSent(why=why) | NotReady(why=why) if why.message.exit is Exit.REFUSED:
                        return outcome  # a person has to change something first
                    case NotSent() | NotReady():
                        rest = delay_after(attempt, first=FIRST_DELAY, longest=LONGEST_DELAY)
                    case Throttled(after=after):
                        self._limiter.pause(self._clock.now(), after)
                        rest = after
                    case _:
                        return outcome
                pending.why = getattr(outcome, "why", None)
                await self._rest(pending, rest)
                outcome = await self._once(pending, call, counted=counted)
            return outcome

    async def _write(self, what: str, call: Callable[[], Awaitable[Outcome[T]]]) -> Outcome[T]:
        # Tried once: whether a write took effect is found out by its intent, not by a second write.
        with self._noted(what) as pending:
            outcome = await self._once(pending, call, counted=True)
        match outcome:
            case Throttled(after=after):
                self._limiter.pause(self._clock.now(), after)
        return outcome

    async def _rest(self, pending: PendingCall, seconds: float) -> None:
        pending.until = self._clock.now() + seconds
        await self._clock.sleep(seconds)

    async def _wait_for_turn(self, pending: PendingCall) -> None:
        while (delay := self._limiter.reserve(self._clock.now())) > 0:
            await self._rest(pending, delay)
            if not self._limiter.paused_for(self._clock.now()):
                return  # otherwise a pause came meanwhile, and the reserved moment is out of date

    async def _once(
        self, pending: PendingCall, call: Callable[[], Awaitable[Outcome[T]]], *, counted: bool
    ) -> Outcome[T]:
        if counted:
            await self._wait_for_turn(pending)
        async with self._room:
            pending.tries, pending.until = pending.tries + 1, None
            return await call()

    async def base(self, base_id: str) -> Outcome[Base]:
        """See `Remote.base`."""
        return await self._read("the knowledge base", lambda: self._remote.base(base_id))

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        """See `Remote.bases_named`."""
        return await self._read(
            "the list of knowledge bases", lambda: self._remote.bases_named(name)
        )

    async def embedding_models(self) -> Outcome[frozenset[str]]:
        """See `Remote.embedding_models`."""
        return await self._read("the list of models", self._remote.embedding_models)

    async def make_base(self, name: str, chunking: Chunking) -> Outcome[Base]:
        """See `Remote.make_base`."""
        return await self._write(
            "a new knowledge base", lambda: self._remote.make_base(name, chunking)
        )

    async def page(
        self, base_id: str, number: int, *, status: str | None = None
    ) -> Outcome[DocumentPage]:
        """See `Remote.page`."""
        return await self._read(
            "the list of documents", lambda: self._remote.page(base_id, number, status=status)
        )

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        """See `Remote.named`."""
        return await self._read(
            "the documents of one name", lambda: self._remote.named(base_id, name)
        )

    async def document(
        self, base_id: str, document_id: str, *, name: str = ""
    ) -> Outcome[RemoteDocument]:
        """See `Remote.document`."""
        return await self._read(
            "a document", lambda: self._remote.document(base_id, document_id, name=name)
        )

    async def original(self, base_id: str, document_id: str, *, largest: int) -> Outcome[Original]:
        """See `Remote.original`."""
        return await self._read(
            "the file of a document",
            lambda: self._remote.original(base_id, document_id, largest=largest),
            counted=True,
        )

    async def old_chunks(self, base_id: str, document_id: str) -> Outcome[bool]:
        """See `Remote.old_chunks`."""
        return await self._read(
            "the chunks of a document", lambda: self._remote.old_chunks(base_id, document_id)
        )

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        """See `Remote.progress`."""
        return await self._read(
            "how far indexing is", lambda: self._remote.progress(base_id, document_id, batch)
        )

    async def chunks(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        """See `Remote.chunks`."""
        return await self._read(
            "the chunks of a document",
            lambda: self._remote.chunks(base_id, document_id, number, rows=rows),
        )

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        """See `Remote.search`."""
        return await self._read(
            "a search",
            lambda: self._remote.search(base_id, query, economy=economy, top=top, rev=rev),
            counted=True,
        )

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        """See `Remote.create`."""
        return await self._write(
            "the answer to an upload",
            lambda: self._remote.create(base_id, name, payload, chunking, duplicate=duplicate),
        )

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        """See `Remote.update`."""
        return await self._write(
            "the answer to an update",
            lambda: self._remote.update(base_id, document_id, name, payload, chunking),
        )

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        """See `Remote.delete`."""
        return await self._write(
            "the answer to a deletion", lambda: self._remote.delete(base_id, document_id)
        )

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        """See `Remote.switch`."""
        return await self._write(
            "the answer to a switch", lambda: self._remote.switch(base_id, document_id, action)
        )

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        """See `Remote.fields`."""
        return await self._read("the metadata fields", lambda: self._remote.fields(base_id))

    async def make_field(self, base_id: str, name: str) -> Outcome[str]:
        """See `Remote.make_field`."""
        return await self._write(
            "a new metadata field", lambda: self._remote.make_field(base_id, name)
        )

    async def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        """See `Remote.assign`."""
        return await self._write(
            "the answer to marks", lambda: self._remote.assign(base_id, fields, assignments)
        )
