"""Stories that mostly wait are played side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Story = Callable[[Path], list[str]]


def together(place: Path, stories: Mapping[str, Story]) -> list[str]:
    """Play all stories at once, each in a folder of its own.

    Args:
        place: where the folders are made.
        stories: by their names; each returns what went wrong, or raises.

    Returns:
        What went wrong, each line with its story's name.
    """
    with ThreadPoolExecutor(len(stories)) as pool:
        played = {}
        for number, (name, story) in enumerate(stories.items()):
            folder = place / str(number)
            folder.mkdir()
            played[name] = pool.submit(story, folder)
    return [f"{name}: {line}" for name, each in played.items() for line in each.result()]
