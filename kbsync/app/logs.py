"""Logging: structlog, for people on a terminal and as JSON lines otherwise, always on stderr."""

from __future__ import annotations

import logging
import os
import sys

import structlog

from kbsync.engine.execute.results import Event
from kbsync.messages import Notice, Problem, printable
from kbsync.messages import daemon as say

# The logger of the module that sends requests.
REQUESTS = "kbsync.dify.http"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def configure(level: str | None, shape: str = "auto", *, default: str = "warning") -> None:
    """Set up structlog.

    Args:
        level: ``debug``, ``info`` or ``warning``; quieter lines are dropped. With ``debug`` each
            request to a server is a line.
        shape: ``text`` for people, ``json`` for programs, ``auto``: text on a terminal.
        default: where no level is given.
    """
    text = shape == "text" or (shape == "auto" and sys.stderr.isatty())
    renderers: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    if text:
        colors = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        renderers = [structlog.dev.ConsoleRenderer(colors=colors)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _safe,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level or default]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    if LEVELS[level or default] == logging.DEBUG:
        _requests()


class _Requests(logging.Handler):
    """Writes one line for each request to a server."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; what it holds was chosen where it is made, and no key is among it."""
        structlog.get_logger().debug("request", **vars(record)["request"])


def _requests() -> None:
    log = logging.getLogger(REQUESTS)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.handlers = [_Requests()]


def _safe(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """File names and server replies are hostile to terminals."""
    return {key: printable(v) if isinstance(v, str) else v for key, v in event.items()}


def note(event: Event, level: str = "info") -> None:
    """Write one line for one step of the engine.

    Args:
        event: the step.
        level: ``debug``, ``info`` or ``warning``.
    """
    line = getattr(structlog.get_logger(), level)
    line(
        event.action,
        mirror=event.key.mirror,
        path=event.key.path,
        cause=event.cause,
        outcome=event.outcome,
        document=event.document_id,
        ms=event.milliseconds,
        **words(event.why),
    )


def note_lost(lines: int) -> None:
    """Write that so many lines could not be written before."""
    structlog.get_logger().warning(
        "log lines lost", lines=lines, **words(say.LOG_LOST(lines=lines))
    )


def note_end(problem: Problem) -> None:
    """Write why the daemon cannot run, or not any more."""
    for notice in problem.notices:
        structlog.get_logger().error("cannot run", **words(notice))


def words(notice: Notice | None) -> dict[str, str]:
    """Return what a notice says, as a log line has it."""
    if notice is None:
        return {}
    return {"code": notice.code, "why": notice.text, "next": notice.next}
