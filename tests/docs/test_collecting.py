"""The order of a run: nothing is lost, and every worker begins with its share of what is long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from collecting import dealt


class Item:
    """What is asked of a collected test."""

    def __init__(self, folder: str, seconds: float) -> None:
        self.path = Path(folder, "test_it.py")
        self._mark = pytest.mark.seconds(seconds).mark if seconds else None

    def get_closest_marker(self, name: str) -> Any:
        return self._mark


@pytest.mark.parametrize("workers", [1, 2, 3, 6])
def test_the_long_ones_of_a_folder_begin_a_part_and_none_is_lost(workers: int) -> None:
    short = [Item(f"short{number % 4}", 0) for number in range(50)]
    crash = [Item("crash", 20), Item("crash", 50)]
    sim = [Item("sim", 8) for _ in range(9)]
    items: list[Any] = [*short[:20], *crash, *short[20:], *sim]
    order = dealt(items, workers)
    assert sorted(map(id, order)) == sorted(map(id, items))
    assert [each for each in order if each in short] == short
    begins = [sum((len(items) + n) // workers for n in range(worker)) for worker in range(workers)]
    beginnings = [order[at : at + 12] for at in begins]
    assert any(crash[::-1] == [each for each in few if each in crash] for few in beginnings)
    assert any(sim == [each for each in few if each in sim] for few in beginnings)
