"""Hands a command to the daemon: one line of JSON a connection, answered by lines of JSON."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, field, replace

from kbsync.commands.base import Command, Confirmation
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.messages.advice import INVOCATION
from kbsync.service.socket_path import Place, found

LONGEST_REQUEST = 64 << 20
LONGEST_LINE = 16 << 20
# Bytes that are received at once.
PIECE = 1 << 16
# Seconds without a word from the daemon until it is asked whether it is there at all.
SILENT = 60.0
# Seconds; a daemon that is alive takes a request and sends its state at once.
PATIENCE = 5.0

Show = Callable[[str, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request ended.

    Args:
        exit: the exit code.
        question: what a person has to agree to before it is done.
        file: the content of the file the command was to write; None when there is none.
    """

    exit: int
    question: Confirmation | None = None
    file: str | None = None


@dataclass(slots=True)
class _Received:
    """The parts of an answer that came so far."""

    file: list[str] = field(default_factory=list)
    answer: Answer | None = None


def hand_over(settings: Place, command: Command, show: Show) -> Answer | None:
    """Have the daemon carry `command` out; None when no daemon listens.

    Args:
        settings: say where it listens.
        command: what is wanted.
        show: called with every piece of text as it comes, and whether it is for standard error.

    Raises:
        Problem: the request is too long, or the daemon ended before it had answered.
    """
    with _connected(settings) as connection:
        if connection is None:
            return None
        # It takes 0.09 s to load, which `status`, the health check, need not pay.
        from kbsync.commands.codec import to_json  # noqa: PLC0415

        _send(connection, to_json(command))
        # A pass may take hours; a daemon that dies closes the connection.
        connection.settimeout(SILENT)
        return _answer(
            _lines(connection, command.bound, lambda: _unresponsive(settings, show)), show
        )


def live(settings: Place) -> dict[str, object] | None:
    """Return the state of the daemon and its mirrors; None when no daemon answers."""
    with _connected(settings) as connection:
        if connection is None:
            return None
        try:
            invocation = asdict(INVOCATION.get())
            _send(connection, json.dumps({"verb": "status", "invocation": invocation}))
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline(LONGEST_LINE))
        except (OSError, ValueError, Problem):
            return None
    state = answer.get("live") if isinstance(answer, dict) else None
    return state if isinstance(state, dict) else None


@contextmanager
def _connected(settings: Place) -> Iterator[socket.socket | None]:
    address = found(settings)
    if address is None:
        yield None
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(address)
        except OSError:  # its daemon is dead, or belongs to another user
            yield None
            return
        yield connection


def _send(connection: socket.socket, line: str) -> None:
    raw = line.encode("ascii") + b"\n"
    if len(raw) > LONGEST_REQUEST:
        raise Problem(say.TOO_LONG(mebibytes=LONGEST_REQUEST >> 20))
    try:
        connection.sendall(raw)
    except OSError:
        raise Problem(say.HUNG_UP()) from None


def _lines(
    connection: socket.socket, bound: float | None, silent: Callable[[], bool]
) -> Iterator[bytes]:
    """Yield the lines of an answer as they come.

    Args:
        connection: to the daemon.
        bound: seconds the request may take; None for any number.
        silent: called when the daemon said nothing for a while; whether it is no use to wait.

    Raises:
        Problem: the daemon ended, or its time is over and it does not answer.
    """
    ends_at = math.inf if bound is None else time.monotonic() + bound + SILENT
    begun = b""
    while True:
        try:
            piece = connection.recv(PIECE)
        except TimeoutError:
            if silent() and time.monotonic() > ends_at:
                raise Problem(say.UNRESPONSIVE()) from None
            continue
        if not piece or len(begun) > LONGEST_LINE:
            raise Problem(say.HUNG_UP())
        *whole, begun = (begun + piece).split(b"\n")
        yield from whole


def _unresponsive(settings: Place, show: Show) -> bool:
    """Return whether the daemon answers no request at all, which is said."""
    if live(settings) is not None:
        return False
    why = say.UNRESPONSIVE()
    show(f"kbsync: waiting: {why}\n  next: {why.next}\n", True)
    return True


def _answer(lines: Iterator[bytes], show: Show) -> Answer:
    received = _Received()
    try:
        while received.answer is None:
            _receive(json.loads(next(lines)), received, show)
    except (OSError, ValueError):
        raise Problem(say.HUNG_UP()) from None
    return replace(received.answer, file="".join(received.file) if received.file else None)


def _receive(piece: dict[str, object], received: _Received, show: Show) -> None:
    match piece:
        case {"out": str(text)}:
            show(text, False)
        case {"err": str(text)}:
            show(text, True)
        case {"file": str(text)}:
            received.file.append(text)
        case {"exit": int(code), "question": [str(text), str(digest)]}:
            received.answer = Answer(exit=code, question=Confirmation(text, digest))
        case {"exit": int(code)}:
            received.answer = Answer(exit=code)
        case _:
            raise ValueError("no line of an answer")
