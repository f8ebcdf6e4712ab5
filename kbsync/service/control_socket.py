"""Listens for requests of verbs: one a connection, a line of JSON, answered in lines of JSON."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.abc import ByteStream, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from kbsync.commands.codec import from_json
from kbsync.commands.writing_verbs import Reload
from kbsync.messages import Exit, Problem
from kbsync.messages import daemon as say
from kbsync.service.admin import Admin
from kbsync.service.control_client import LONGEST_REQUEST
from kbsync.service.daemon_context import DaemonContext, ReplyStream
from kbsync.service.socket_path import claimed

if TYPE_CHECKING:
    from anyio.abc import Listener

    from kbsync.commands.base import Command

# Whoever connects says at once what is wanted; the rest waits in the system's queue.
PATIENCE = 30.0
MOST_AT_ONCE = 32


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[Listener[SocketStream]]:
    """Listen at `path`, for this user alone.

    Nothing else may go on meanwhile that makes files: for a moment none of them is anybody's to
    enter.

    Raises:
        Problem: the socket cannot be made.
    """
    try:
        with claimed(path) as address:
            before = os.umask(0o177)
            try:
                listener = await anyio.create_unix_listener(address, mode=0o600)
            finally:
                os.umask(before)
            async with listener:
                yield listener
    except OSError as error:
        why = error.strerror or str(error)
        raise Problem(say.NO_SOCKET(path=path, why=why)) from None


class ControlSocket:
    """Answers requests until it is cancelled.

    Args:
        office: what the daemon can be asked to do.
    """

    def __init__(self, office: Admin) -> None:
        self._office = office
        self._room = anyio.Semaphore(MOST_AT_ONCE)
        self._desks: set[DaemonContext] = set()
        self._ended = anyio.Event()

    async def serve(self, listener: Listener[SocketStream]) -> None:
        """Answer everybody who asks there."""
        await listener.serve(self._connection)

    def stop(self) -> None:
        """Have everything that is carried out end calmly, and begin nothing more."""
        self._office.stopping = True
        for desk in self._desks:
            desk.stopper.stop()

    async def idle(self) -> None:
        """Return when everything that was asked for is answered."""
        while self._desks:
            await self._ended.wait()

    async def _connection(self, stream: ByteStream) -> None:
        async with stream, self._room:
            reply = ReplyStream(stream)
            desk = DaemonContext(self._office, reply)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(reply.send)
                    await self._answered(stream, desk, reply)
            finally:
                self._desks.discard(desk)
                self._ended.set()
                self._ended = anyio.Event()

    async def _answered(self, stream: ByteStream, desk: DaemonContext, reply: ReplyStream) -> None:
        try:
            await self._request(stream, desk, reply)
        except Problem as problem:
            _refuse(reply, problem)
        except Exception as error:
            # What a verb trips over is told and logged; the mirrors are kept all the same.
            self._office.chronicle.fault("fault in a request", error)
            _refuse(reply, Problem(say.BROKEN(why=_kind(error))))

    async def _request(self, stream: ByteStream, desk: DaemonContext, reply: ReplyStream) -> None:
        received = BufferedByteReceiveStream(stream)
        try:
            with anyio.fail_after(PATIENCE):
                line = await received.receive_until(b"\n", LONGEST_REQUEST)
            verb, asked = _read(line)
            if verb == "status":
                reply.end(live=self._office.live())
                return
            errand = from_json(verb, asked)
        except (TimeoutError, anyio.IncompleteRead, anyio.BrokenResourceError):
            reply.hang_up()
            return
        except (ValueError, anyio.DelimiterNotFound) as error:
            raise Problem(say.NOT_UNDERSTOOD(why=str(error))) from None
        await self._carry_out(errand, stream, desk, reply)

    async def _carry_out(
        self, errand: Command, stream: ByteStream, desk: DaemonContext, reply: ReplyStream
    ) -> None:
        self._desks.add(desk)
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, stream, desk, reply)
            code = await self._run(errand, desk)
            group.cancel_scope.cancel()
        question = desk.question
        reply.end(exit=code, question=[question.text, question.digest] if question else None)

    async def _run(self, errand: Command, desk: DaemonContext) -> int:
        try:
            if not isinstance(errand, Reload):
                await self._office.refresh()
            async with self._office.busy:
                if self._office.stopping:
                    raise Problem(say.STOPPING())
                if desk.stopper.stopped:  # gone while it waited for its turn
                    return Exit.FAULT
                return await errand.run(desk)
        except Problem as problem:
            desk.warn(f"kbsync: {problem}")
            return problem.exit


async def _watch(stream: ByteStream, desk: DaemonContext, reply: ReplyStream) -> None:
    """Stop what was asked for when the one who asked goes away, as calmly as a signal would."""
    try:
        while True:
            await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        reply.hang_up()
        desk.stopper.stop()


def _read(line: bytes) -> tuple[str, object]:
    request = json.loads(line)
    if not isinstance(request, dict) or not isinstance(request.get("verb"), str):
        raise ValueError("a request names its verb")
    return request["verb"], request.get("asked", {})


def _kind(error: BaseException) -> str:
    """Return what kind of fault it is; its words may be anything."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


def _refuse(reply: ReplyStream, problem: Problem) -> None:
    reply.add("err", f"kbsync: {problem}\n")
    reply.end(exit=int(problem.exit))
