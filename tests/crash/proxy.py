"""A loopback proxy that spoils the calls it is asked to spoil, and remembers what it did."""

from __future__ import annotations

import asyncio
import enum
import json
import threading
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .faults import Asked, Fault, Schedule, Verb, fair, verb_of
from .http1 import LONGEST, BrokenError, Message, file_name, read_reply, read_request

THROTTLED = {
    "code": "forbidden",
    "message": "Sorry, you have reached the knowledge base request rate limit of your "
    "subscription.",
    "status": 403,
}
UNKNOWN = {"message": "Internal Server Error", "code": "unknown", "status": 500}
GATEWAY = "<html><head><title>502 Bad Gateway</title></head></html>\r\n"
PIECE, PAUSE = 7, 0.002  # bytes, seconds
TRICKLING = 3000  # bytes; a listing that trickled to its end would take longer than anybody waits
LISTENING = 100


class Stage(enum.Enum):
    """How far a request has come."""

    RECEIVED = enum.auto()  # the proxy has all of it
    EFFECTIVE = enum.auto()  # the server has answered
    ANSWERED = enum.auto()  # the client has what it gets


@dataclass(slots=True, kw_only=True)
class Passage:
    """One request and what became of it.

    Args:
        subject: name of the file that is uploaded, otherwise the path.
        fault: what was done to it.
        received: monotonic seconds when all of it was here.
        effective: monotonic seconds when the server had answered it, None if it never did.
        status: the server's own answer.
        answered: the client was still there when the server's own, whole answer went out.
    """

    verb: Verb
    subject: str
    fault: Fault | None
    received: float
    effective: float | None = None
    status: int | None = None
    answered: bool = False

    @property
    def done(self) -> bool:
        """Whether the server did what it was asked for."""
        return self.status is not None and self.status < 300


Moment = Callable[[Stage, Passage], None]


def let_pass(stage: Stage, passage: Passage) -> None:
    """Watch nothing."""


@dataclass(slots=True)
class Proxy:
    """A running proxy; `schedule` and `moment` may be exchanged at any time.

    Args:
        target: the server's URL.
        patience: seconds after which the client gives up waiting.
        schedule: asked for each request; runs in the proxy's thread, as `moment` does.
        moment: called with each stage of each request.
    """

    target: str
    patience: float
    schedule: Schedule = fair
    moment: Moment = let_pass
    url: str = ""
    passages: list[Passage] = field(default_factory=list)

    def uploads(self) -> list[Passage]:
        """The uploads that took effect, in their order."""
        found = [each for each in list(self.passages) if each.verb.upload and each.done]
        return sorted(found, key=lambda each: each.effective or 0.0)

    async def meet(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection of a client."""
        try:
            while (request := await read_request(reader)) is not None:
                if not await self._serve(request, _Client(reader, writer)):
                    break
        except (BrokenError, OSError, asyncio.CancelledError):
            pass  # the client went away, or the proxy ends
        finally:
            writer.close()

    async def _serve(self, request: Message, client: _Client) -> bool:
        """Pass one request on, or not; return whether the connection may go on."""
        passage = self._note(request)
        self.moment(Stage.RECEIVED, passage)
        fault = passage.fault
        if fault is Fault.LATE:
            await asyncio.sleep(self.patience * 1.15)
        reply = None
        if fault is None or fault.effect:
            reply = await self._ask(request, passage)
            if reply is None:
                return False
        if fault is Fault.DELAY:
            await asyncio.sleep(self.patience * 1.3)
        goes_on = await _answer(fault, reply, client, passage)
        self.moment(Stage.ANSWERED, passage)
        return goes_on and fault is not Fault.LATE

    def _note(self, request: Message) -> Passage:
        method, target, _ = request.first.split(" ", 2)
        path = target.partition("?")[0]
        verb = verb_of(method, path)
        subject = (file_name(request.body) or path) if verb.upload else target
        fault = self.schedule(Asked(verb, subject))
        passage = Passage(verb=verb, subject=subject, fault=fault, received=time.monotonic())
        self.passages.append(passage)
        return passage

    async def _ask(self, request: Message, passage: Passage) -> Message | None:
        """Ask the server; None when it is not there, or goes away meanwhile."""
        parts = urlsplit(self.target)
        try:
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port, limit=LONGEST
            )
        except OSError:
            return None
        try:
            writer.write(request.bytes(close=True))
            reply = await read_reply(reader, bodiless=request.first.startswith("HEAD "))
        except (BrokenError, OSError):
            return None
        finally:
            writer.close()
        passage.effective, passage.status = time.monotonic(), reply.status
        self.moment(Stage.EFFECTIVE, passage)
        return reply


@dataclass(frozen=True, slots=True)
class _Client:
    reader: StreamReader
    writer: StreamWriter

    @property
    def there(self) -> bool:
        return not (self.reader.at_eof() or self.writer.transport.is_closing())

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()


async def _answer(
    fault: Fault | None, reply: Message | None, client: _Client, passage: Passage
) -> bool:
    """Send the client what it gets; return whether its connection goes on."""
    match fault, reply:
        case ((Fault.DROP_BEFORE | Fault.DROP_AFTER | Fault.LATE), _):
            return False
        case Fault.TRUNCATE, Message():
            whole = reply.bytes(close=False)
            await client.send(whole[: len(whole) - len(reply.body) + len(reply.body) // 2])
            return False
        case Fault.GARBAGE, _:
            await client.send(b"\x16\x03\x01 this is no answer at all \xff\xfe\r\n\r\n")
            return False
        case Fault.TRICKLE, Message():
            await _trickle(reply.bytes(close=False), client)
            passage.answered = client.there
            return True
        case ((None | Fault.DELAY), Message()):
            passage.answered = client.there
            await client.send(reply.bytes(close=False))
            return True
    assert fault is not None
    await client.send(_stand_in(fault).bytes(close=False))
    return True


async def _trickle(content: bytes, client: _Client) -> None:
    slow, rest = content[:TRICKLING], content[TRICKLING:]
    for begin in range(0, len(slow), PIECE):
        await client.send(slow[begin : begin + PIECE])
        await asyncio.sleep(PAUSE)
    await client.send(rest)


def _stand_in(fault: Fault) -> Message:
    """Return what is said in place of the server's own answer."""
    match fault:
        case Fault.TOO_MANY:
            return _said(429, "Too Many Requests", "{}", ("Retry-After", "1"))
        case Fault.THROTTLE:
            return _said(403, "Forbidden", json.dumps(THROTTLED))
        case Fault.NONSENSE:
            return _said(200, "OK", '{"document": {"id": "5f9c')
        case Fault.GATEWAY_BEFORE | Fault.GATEWAY_AFTER:
            return _said(502, "Bad Gateway", GATEWAY, ("Content-Type", "text/html"))
        case Fault.ERROR_BEFORE | Fault.ERROR_AFTER:
            return _said(500, "Internal Server Error", json.dumps(UNKNOWN))
    raise AssertionError(fault)


def _said(status: int, words: str, body: str, *headers: tuple[str, str]) -> Message:
    complete = headers if any(n == "Content-Type" for n, _ in headers) else (*headers, _JSON)
    return Message(f"HTTP/1.1 {status} {words}", complete, body.encode())


_JSON = ("Content-Type", "application/json")


@contextmanager
def between(target: str, *, patience: float, schedule: Schedule = fair) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own until the block ends.

    Args:
        target: the server's URL, `/v1` included; the proxy's has the same path.
        patience: the client's timeout in seconds.
        schedule: which requests meet which faults.
    """
    proxy = Proxy(target, patience, schedule)
    opened, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(
            proxy.meet, "127.0.0.1", 0, limit=LONGEST, backlog=LISTENING
        )
        port = server.sockets[0].getsockname()[1]
        proxy.url = f"http://127.0.0.1:{port}{urlsplit(target).path}"
        opened.set()
        await ended.wait()
        server.close()
        await asyncio.sleep(0)  # a connection that was being accepted is accepted now
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            await asyncio.sleep(0.02)  # a connection is closed a turn of the loop later

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert opened.wait(30)
        yield proxy
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        with suppress(RuntimeError):
            loop.close()
