"""A folder mirrored to an embedded server with faults, with a clock in a hurry."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from kbsync import embedded
from kbsync.app.build import opened, settings_of
from kbsync.engine.execute.results import Report
from kbsync.engine.ports import Clock
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit

SPEED = 300.0
# Real seconds from one look at the clock to the next that count at most.
LEAP = 0.25
CONFIG = """
version: 1
server: {{url: embedded, embedded: {{data: ./server.db}}}}
ledger: ./state/ledger.db
mirrors:
  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, max_indexing: {most}}}
"""


class Hurried:
    """The ledger's clock, in a hurry; while this process gets no processor it stands, as the server
    in it does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen, self._at = time.monotonic(), clock.now()

    def now(self) -> float:
        seen, self._seen = self._seen, time.monotonic()
        self._at += min(self._seen - seen, LEAP) * SPEED
        return self._at

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds / SPEED)


class Mirrored:
    """A folder, and the server it is mirrored to.

    Args:
        place: where both are.
        quirks: of the server.
        most: documents in flight.
    """

    def __init__(
        self, place: Path, monkeypatch: pytest.MonkeyPatch, *quirks: str, most: int
    ) -> None:
        self.place, self.docs = place, place / "docs"
        self.docs.mkdir()
        (place / "kbsync.yaml").write_text(CONFIG.format(most=most))
        faults = ("overlapping-uploads", *quirks)
        app = partial(embedded.embedded_app, quirks=faults, indexing_delay=0.04)
        monkeypatch.setattr(embedded, "embedded_app", app)

    def write(self, count: int, words: str) -> None:
        for n in range(count):
            (self.docs / f"{n:02}.md").write_text(f"page {n} {words}")

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Reconciler]:
        async with opened(settings_of(self.place / "kbsync.yaml")) as open_:
            [engine] = open_.engines
            clock = Hurried(engine.clock)
            yield Reconciler(engine.mirror, engine.ledger, engine._remote, clock)

    async def apply(self) -> Exit:
        report, _ = await self.applied()
        return report.exit

    async def applied(self) -> tuple[Report, Counter[str]]:
        """Apply once; return the report, and how often each write was sent."""
        calls: Counter[str] = Counter()
        async with self.engine() as engine:
            remote = engine._remote._remote  # type: ignore[attr-defined]
            for name in ("create", "update"):
                setattr(remote, name, _counting(getattr(remote, name), name, calls))
            report = await engine.apply(await engine.plan(), observe=lambda event: None)
        return report, calls

    def held(self) -> list[str]:
        """Every chunk of every document that is completed there."""
        with closing(sqlite3.connect(self.place / "server.db")) as db:
            found = db.execute(
                "SELECT segment.content FROM segment JOIN document ON document.id = document"
                " WHERE document.status = 'completed'"
            )
            return sorted(content for (content,) in found)

    def exact(self) -> bool:
        return self.held() == sorted(each.read_text() for each in self.docs.iterdir())


def _counting(call: Callable[..., Any], name: str, calls: Counter[str]) -> Callable[..., Any]:
    async def counted(*words: Any, **more: Any) -> Any:
        calls[name] += 1
        return await call(*words, **more)

    return counted
