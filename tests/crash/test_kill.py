"""`kill -9` is a supported way to stop: real processes, a real server, a real disk."""

from pathlib import Path

import pytest

from .killing import first_mirror
from .together import Story, together

KILLS, DOCUMENTS = 4, 24


def _killed(seed: int) -> Story:
    def story(place: Path) -> list[str]:
        mirrored = first_mirror(place, kills=KILLS, documents=DOCUMENTS, seed=seed, rate=0.04)
        assert mirrored.kills == KILLS
        return [] if mirrored.sound else [*mirrored.lines(), *mirrored.wrong]

    return story


@pytest.mark.timeout(400)
@pytest.mark.seconds(25)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.once_a_change)])
def test_a_first_mirror_is_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    assert not together(tmp_path, {"mirrored": _killed(seed)})
