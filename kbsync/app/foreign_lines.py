"""What libraries and Python itself would print becomes lines of the daemon's log.

A program reads that log line by line: a warning, a traceback or a print among them is no JSON.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import TracebackType

import structlog


def take() -> None:
    """Take warnings, records of loggers, exceptions that end a thread, and what is printed."""
    logging.captureWarnings(True)
    logging.getLogger().addHandler(_Records(logging.WARNING))
    sys.excepthook = _ended
    threading.excepthook = lambda end: _fault("fault in a thread", end.exc_value)
    sys.unraisablehook = lambda end: _fault("fault while tidying up", end.exc_value)
    sys.stdout = _Printed()


class _Records(logging.Handler):
    """Logs what a library logs."""

    def emit(self, record: logging.LogRecord) -> None:
        words = {"library": record.name, "says": record.getMessage()}
        structlog.get_logger().log(record.levelno, "library", exc_info=record.exc_info, **words)


class _Printed(io.TextIOBase):
    """Logs what is printed, once a line of it is whole."""

    def __init__(self) -> None:
        self._line = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are whole by now."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            structlog.get_logger().warning("printed", says=line)
        return len(text)


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _fault("fault", error)


def _fault(event: str, error: BaseException | None) -> None:
    structlog.get_logger().error(event, exc_info=error)
