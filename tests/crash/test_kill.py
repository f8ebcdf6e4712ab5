"""`kill -9` is a supported way to stop: real processes, a real server, a real disk."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .killing import Figures, first_mirror


@pytest.mark.timeout(400)
def test_a_first_mirror_is_killed_again_and_again(tmp_path: Path) -> None:
    def story(seed: int) -> Figures:
        place = tmp_path / str(seed)
        place.mkdir()
        return first_mirror(place, kills=6, documents=60, seed=seed, rate=0.04)

    with ThreadPoolExecutor() as pool:
        for figures in pool.map(story, (0, 1)):
            assert figures.sound, "\n".join([*figures.lines(), *figures.wrong])
            assert figures.kills == 6
