"""Logging: structlog, for people on a terminal and as JSON lines otherwise, always on stderr."""

from __future__ import annotations

import logging
import sys

import structlog

from kbsync.messages import printable

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def configure(level: str) -> None:
    """Set up structlog.

    Args:
        level: ``debug``, ``info`` or ``warning``; quieter lines are dropped.
    """
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if terminal:
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _safe,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _safe(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """File names and server replies are hostile to terminals."""
    return {key: printable(v) if isinstance(v, str) else v for key, v in event.items()}
