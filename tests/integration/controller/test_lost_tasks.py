"""A server that loses its queue, or its worker, while it is mirrored to: exact without a hand.

The embedded server doubles the chunks of what is sent again while its task is still there. A minute
of the engine passes in a fifth of a second.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lost_and_full import Mirrored

from kbsync.messages import Exit

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.mark.seconds(20)
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


@pytest.mark.seconds(15)
async def test_a_worker_killed_with_documents_in_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Mirrored(tmp_path, monkeypatch, "killed-worker=12", most=20)
    it.write(12, "of a few")
    exits = [await it.apply() for _ in range(3)]
    assert exits[-1] is Exit.OK
    assert it.exact()
