"""While documents are updated by swap every search finds the old or the new text."""

from __future__ import annotations

from pathlib import Path

import pytest

from .swapping import swapped


@pytest.mark.timeout(400)
@pytest.mark.seconds(30)
def test_a_search_finds_old_or_new_at_every_moment(tmp_path: Path) -> None:
    found = swapped(tmp_path, documents=20, kills=2, seed=1, rate=0.04)
    assert found.sound, "\n".join(found.lines())
    assert found.kills
    assert found.searches > 100
