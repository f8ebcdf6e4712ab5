"""Listens for requests of verbs: one a connection, a line of JSON, answered in lines of JSON."""

from __future__ import annotations

import json
from typing import Any

import anyio
from anyio.abc import ByteStream, Listener, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from kbsync.commands.base import Command
from kbsync.commands.codec import from_json
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.messages.advice import INVOCATION, Invocation
from kbsync.service.admin import Admin
from kbsync.service.control_client import LONGEST_REQUEST
from kbsync.service.daemon_context import DaemonContext, ReplyStream

# Seconds a verb has to send its request; more connections than these wait in the system's queue.
PATIENCE = 30.0
MOST_AT_ONCE = 32


class ControlSocket:
    """Answers requests until it is cancelled.

    Args:
        admin: what the daemon can be asked to do.
    """

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._limit = anyio.Semaphore(MOST_AT_ONCE)

    async def serve(self, listener: Listener[SocketStream]) -> None:
        """Answer every request that comes to `listener`."""
        await listener.serve(self._connection)

    async def _connection(self, stream: ByteStream) -> None:
        async with stream, self._limit:
            reply = ReplyStream(stream)
            context = DaemonContext(self._admin, reply)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(reply.send)
                    await self._answered(stream, context, reply)
            finally:
                self._admin.requests.end(context)

    async def _answered(
        self, stream: ByteStream, context: DaemonContext, reply: ReplyStream
    ) -> None:
        try:
            await self._request(stream, context, reply)
        except Problem as problem:
            _refuse(reply, problem)
        except Exception as error:
            # A bug in a command ends that command alone.
            self._admin.log.fault("fault in a request", error)
            _refuse(reply, Problem(say.BROKEN(why=_kind_of(error))))

    async def _request(
        self, stream: ByteStream, context: DaemonContext, reply: ReplyStream
    ) -> None:
        received = BufferedByteReceiveStream(stream)
        try:
            with anyio.fail_after(PATIENCE):
                line = await received.receive_until(b"\n", LONGEST_REQUEST)
            request = _read(line)
            verb, asked = request["verb"], request.get("asked", {})
            # What is printed is pasted where the verb was typed.
            INVOCATION.set(_invocation(request))
            if verb == "status":
                reply.end(live=self._admin.live())
                return
            command = from_json(verb, asked)
        except (TimeoutError, anyio.IncompleteRead, anyio.BrokenResourceError):
            reply.hang_up()
            return
        except (ValueError, anyio.DelimiterNotFound) as error:
            raise Problem(say.NOT_UNDERSTOOD(why=str(error))) from None
        await self._carry_out(command, stream, context, reply)

    async def _carry_out(
        self, command: Command, stream: ByteStream, context: DaemonContext, reply: ReplyStream
    ) -> None:
        self._admin.requests.begin(context)
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, stream, context, reply)
            code = await self._admin.requests.carry_out(command, context)
            group.cancel_scope.cancel()
        question = context.question
        reply.end(exit=code, question=[question.text, question.digest] if question else None)


async def _watch(stream: ByteStream, context: DaemonContext, reply: ReplyStream) -> None:
    """Stop the command when the verb that asked goes away, as the first signal would."""
    try:
        while True:
            await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        reply.hang_up()
        context.stopper.stop()


def _read(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(request, dict) or not isinstance(request.get("verb"), str):
        raise ValueError("a request names its verb")
    return request


def _invocation(request: dict[str, Any]) -> Invocation:
    """Return how the verb was invoked that asks."""
    match request.get("invocation"):
        case {"program": str(program), "config": str() | None as config, "verb": [*verb]}:
            return Invocation(program, config, tuple(map(str, verb)))
    return INVOCATION.get()


def _kind_of(error: BaseException) -> str:
    """Return the fault's class alone: its text may hold anything, a key too."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


def _refuse(reply: ReplyStream, problem: Problem) -> None:
    reply.add("err", f"kbsync: {problem}\n")
    reply.end(exit=int(problem.exit))
