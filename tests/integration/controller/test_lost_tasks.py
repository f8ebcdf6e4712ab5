"""A server that loses its queue, or its worker, while it is mirrored to: exact without a hand.

The embedded server doubles the chunks of what is sent again while its task is still there. A minute
of the engine passes in a fifth of a second.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import anyio
import pytest

from kbsync import embedded
from kbsync.app.build import opened, settings_of
from kbsync.engine.ports import Clock
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
SPEED = 300.0
CONFIG = """
version: 1
server: {{url: embedded, embedded: {{data: ./server.db}}}}
ledger: ./state/ledger.db
mirrors:
  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, max_indexing: {most}}}
"""


class Hurried:
    """The ledger's clock, in a hurry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began, self._at = time.monotonic(), clock.now()

    def now(self) -> float:
        return self._at + (time.monotonic() - self._began) * SPEED

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
        async with self.engine() as engine:
            report = await engine.apply(await engine.plan(), observe=lambda event: None)
            return report.exit

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


async def test_a_queue_lost_amid_fifty_uploads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Mirrored(tmp_path, monkeypatch, "lost-tasks=30", most=20)
    it.write(50, "of many")
    assert await it.apply() is Exit.OK
    assert it.exact()


async def test_a_queue_lost_amid_six_edits_with_one_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Mirrored(tmp_path, monkeypatch, "lost-tasks=9", most=1)
    it.write(6, "at first")
    assert await it.apply() is Exit.OK
    it.write(6, "edited")
    assert await it.apply() is Exit.OK
    assert it.exact()


async def test_a_worker_killed_with_documents_in_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Mirrored(tmp_path, monkeypatch, "killed-worker=12", most=20)
    it.write(12, "of a few")
    exits = [await it.apply() for _ in range(3)]
    assert exits[-1] is Exit.OK
    assert it.exact()
