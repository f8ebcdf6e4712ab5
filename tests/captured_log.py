"""The lines of the log, as the events they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict


@contextmanager
def captured(log: list[EventDict]) -> Iterator[None]:
    """Have every log line put into `log`, whoever configures logging meanwhile."""

    def kept(logger: object, name: str, event: EventDict) -> EventDict:
        log.append({**event, "level": name})
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[kept], wrapper_class=structlog.BoundLogger)
    try:
        yield
    finally:
        structlog.configure(**before)
