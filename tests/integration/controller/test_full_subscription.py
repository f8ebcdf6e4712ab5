"""A server that takes no more documents, whichever they are: one tries it for all of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from lost_and_full import Mirrored

from kbsync.engine.workers.pool import AHEAD
from kbsync.messages import Exit
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_a_full_subscription_holds_all_creates_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Mirrored(tmp_path, monkeypatch, "document-limit=20", most=20)
    it.write(60, "of many")
    report, calls = await it.applied()
    assert report.exit is Exit.INCOMPLETE
    assert (report.done["create"], report.withheld, len(report.stopped)) == (20, 40, 0)
    # What was under way when the first was refused.
    assert calls["create"] <= 20 + 4 + AHEAD
    assert report.notice is not None
    assert report.notice.message is say.HELD_CREATES

    # Without room the next pass tries one; updates go on.
    (it.docs / "00.md").write_text("edited meanwhile")
    report, calls = await it.applied()
    assert (report.done, calls["create"], report.withheld) == ({"update": 1}, 1, 40)
    async with it.engine() as engine:
        held = engine.ledger.held_creates("docs")
        assert held is not None
        assert held.reason[0] == remote_say.QUOTA.code
        assert list(engine.ledger.refused("docs")) == []

    # Deletions of ours make room, which is used at once.
    for n in range(10):
        (it.docs / f"{n:02}.md").unlink()
    report, calls = await it.applied()
    assert report.done == Counter(delete=10, create=10)
    assert report.withheld == 30
    # Deletions end one by one: what is under way beside one that finds room may find none.
    assert calls["create"] <= 10 + 15
