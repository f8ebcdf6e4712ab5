"""What the simulator found, each told by itself."""

from __future__ import annotations

import anyio
import pytest
from engine.fakes import stage
from engine.server import REFUSED
from engine.words import key_of

from kbsync.engine.drive import Drive

pytestmark = pytest.mark.anyio


async def test_without_waiting_a_pass_ends_though_a_document_is_done_as_the_workers_leave() -> None:
    on = stage({"a.md": b"first", "b.md": b"second"})
    on.server.indexing = 0.01
    on.server.faults["create"].extend([None, REFUSED])
    drive = Drive(on.world, listing=None, observe=on.events.append, workers=1)
    with anyio.fail_after(3600):
        report = await drive.run(map(key_of, ["a.md", "b.md"]), wait=False)
    assert on.states() == {"a.md": "synced"}
    assert report.indexing == report.waiting == 0
