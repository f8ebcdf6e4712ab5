"""Every fault alone and all of them mixed: never a double, never a wrong delete, exact at last."""

from __future__ import annotations

from itertools import chain, cycle
from pathlib import Path

import pytest

from .faults import BRISK, Verb
from .site import NO_MERGE, serving
from .storms import mixed, one_alone, throttled
from .together import Story, together

pytestmark = pytest.mark.timeout(600)
OTHERS = (Verb.UPDATE, Verb.DELETE, Verb.READ, Verb.MARK)
# Every fault once, every other time of an upload; `--faults` pairs all.
PAIRS = list(zip(BRISK, cycle(chain(*((Verb.CREATE, verb) for verb in OTHERS))), strict=False))


def _mixed(seed: int, *quirks: str) -> Story:
    def story(place: Path) -> list[str]:
        with serving(place, *quirks) as server:
            return mixed(place / "here", server.url, seed)

    return story


@pytest.mark.seconds(50)
def test_each_fault_alone(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        stories = {f"{f} of {v}": one_alone(server.url, f, v) for f, v in PAIRS}
        stories["throttled"] = lambda place: throttled(place, server.url)
        assert not together(tmp_path, stories)


@pytest.mark.seconds(35)
def test_all_faults_mixed(tmp_path: Path) -> None:
    assert not together(tmp_path, {"merging": _mixed(1), "doubling": _mixed(2, *NO_MERGE)})
