"""Logging: structlog, for people on a terminal and as JSON lines otherwise, always on stderr."""

from __future__ import annotations

import logging
import sys

import structlog

from kbsync.engine.execute.results import Event
from kbsync.messages import Notice, Problem, printable
from kbsync.messages import daemon as say

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def configure(level: str | None, *, default: str = "warning") -> None:
    """Set up structlog.

    Args:
        level: ``debug``, ``info`` or ``warning``; quieter lines are dropped.
        default: where no level is given.
    """
    terminal = sys.stderr.isatty()
    renderers: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    if terminal:
        renderers = [structlog.dev.ConsoleRenderer()]
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
