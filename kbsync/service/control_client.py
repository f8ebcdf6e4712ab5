"""Asks a daemon: one request a connection, as a line of JSON, answered by lines of JSON."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.service.socket_path import found

if TYPE_CHECKING:
    from kbsync.commands.base import Command, Confirmation
    from kbsync.config import Settings

LONGEST_REQUEST = 64 << 20
LONGEST_LINE = 16 << 20
# A daemon that is alive takes a request at once, and tells its state at once.
PATIENCE = 5.0

Told = Callable[[str, bool], None]


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
class _Heard:
    """What came so far."""

    kept: list[str] = field(default_factory=list)
    answer: Answer | None = None


def hand_over(settings: Settings, errand: Command, told: Told) -> Answer | None:
    """Have the daemon carry `errand` out; None when no daemon listens.

    Args:
        settings: tell where it listens.
        errand: what is wanted.
        told: given every piece of text as it comes, and whether it is for standard error.

    Raises:
        Problem: the request is too long, or the daemon ended before it had answered.
    """
    with _connected(settings) as connection:
        if connection is None:
            return None
        from kbsync.commands.codec import to_json  # noqa: PLC0415

        _send(connection, to_json(errand))
        connection.settimeout(None)
        with connection.makefile("rb") as lines:
            return _heard(lines, told)


def live(settings: Settings) -> dict[str, object] | None:
    """Return what the daemon tells of itself and its mirrors; None when no daemon answers."""
    with _connected(settings) as connection:
        if connection is None:
            return None
        try:
            _send(connection, json.dumps({"verb": "status", "asked": {}}))
            with connection.makefile("rb") as lines:
                told = json.loads(lines.readline(LONGEST_LINE))
        except (OSError, ValueError, Problem):
            return None
    state = told.get("live") if isinstance(told, dict) else None
    return state if isinstance(state, dict) else None


@contextmanager
def _connected(settings: Settings) -> Iterator[socket.socket | None]:
    address = found(settings)
    if address is None:
        yield None
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(address)
        except OSError:  # nobody listens any more, or it is not ours to ask
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


def _heard(lines: BinaryIO, told: Told) -> Answer:
    heard = _Heard()
    try:
        while heard.answer is None:
            _hear(json.loads(lines.readline(LONGEST_LINE)), heard, told)
    except (OSError, ValueError):
        raise Problem(say.HUNG_UP()) from None
    return replace(heard.answer, file="".join(heard.kept) if heard.kept else None)


def _hear(piece: dict[str, object], heard: _Heard, told: Told) -> None:
    match piece:
        case {"out": str(text)}:
            told(text, False)
        case {"err": str(text)}:
            told(text, True)
        case {"file": str(text)}:
            heard.kept.append(text)
        case {"exit": int(code), "question": [str(text), str(digest)]}:
            from kbsync.commands.base import Confirmation  # noqa: PLC0415

            heard.answer = Answer(exit=code, question=Confirmation(text, digest))
        case {"exit": int(code)}:
            heard.answer = Answer(exit=code)
        case _:
            raise ValueError("a daemon says no such thing")
