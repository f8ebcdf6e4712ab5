"""Output that goes away costs output: neither the work, nor an intent for what was never sent."""

from pathlib import Path

import pytest
from output_gone import Draw, Site, played
from typing_commands import served


@pytest.mark.timeout(240)
def test_output_that_goes_away(tmp_path: Path) -> None:
    draws = (
        Draw("apply", "deserted", "full", "", 30),
        Draw("apply", "slow", "closed", "ascii", 0),
        Draw("run", "closed", "deserted", "latin-1", 700),
    )
    with served(tmp_path) as url:
        site = Site(tmp_path, url)
        for draw in draws:
            played(site, draw, f"{draw.output}s")
