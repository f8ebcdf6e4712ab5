"""What `doctor` says of indexing: measured at what is under way, or by what was indexed last."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from kbsync.cli.doctor import indexing
from kbsync.messages import Exit
from kbsync.model import Progress, Readiness

pytestmark = pytest.mark.anyio
BINDING: Any = SimpleNamespace(mirror="docs", base_id="b", server="https://server")
WAITING = Progress(readiness=Readiness.WAITING, completed=0, total=0)
BEGUN = Progress(readiness=Readiness.INDEXING, completed=1, total=9)
ENDED = Progress(readiness=Readiness.AVAILABLE, completed=9, total=9)


async def said(
    monkeypatch: pytest.MonkeyPatch,
    *looks: Progress | None,
    sent: float = 0.0,
    spans: Sequence[tuple[float, float]] = (),
) -> tuple[str, Exit] | None:
    """Return code and exit of what is said when looks show a document so, the last one for ever."""
    seen = list(looks)

    async def look(*_: object) -> list[Progress | None]:
        return [seen.pop(0) if len(seen) > 1 else seen[0]]

    entry = SimpleNamespace(progress_at=None, sent_at=time.time() - sent, batch="1")
    ledger: Any = SimpleNamespace(
        entries=lambda mirror, states: [entry] if looks else [],
        indexing_spans=lambda mirror, limit: spans,
    )
    monkeypatch.setattr(indexing, "_seen", look)
    monkeypatch.setattr(indexing, "EVERY", 0.001)
    monkeypatch.setattr(indexing, "LONGEST", 0.02)
    api: Any = None
    monkeypatch.setattr(indexing, "DifyRemote", lambda api: None)
    found = await indexing.indexing(api, ledger, BINDING)
    return None if found is None else (found.code, found.message.exit)


async def test_what_moves_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await said(monkeypatch, WAITING, WAITING, BEGUN) == ("KB-D188", Exit.OK)
    assert await said(monkeypatch, ENDED, sent=900) == ("KB-D188", Exit.OK)


async def test_what_stood_for_a_minute_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await said(monkeypatch, WAITING, sent=90) == ("KB-D189", Exit.REFUSED)
    assert await said(monkeypatch, BEGUN, sent=90) == ("KB-D189", Exit.REFUSED)
    assert await said(monkeypatch, WAITING, sent=30) == ("KB-D190", Exit.OK)


async def test_where_nothing_is_under_way_the_journal_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await said(monkeypatch, spans=[(5.0, 7.0), (1.0, 2.0)]) == ("KB-D191", Exit.OK)
    assert await said(monkeypatch) is None
