"""The disk under the ledger is full while uploads are in flight."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .together import Story, together

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]
ROOT = Path(__file__).parents[2]


def _story(seed: int) -> Story:
    def story(place: Path) -> list[str]:
        command = [*UNSHARE, sys.executable, "-m", "tests.crash.full_disk", str(place), str(seed)]
        ran = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=380, check=False
        )
        return [ran.stderr[-6000:]] if ran.returncode else []

    return story


@pytest.mark.timeout(400)
@pytest.mark.seconds(20)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.once_a_change)])
def test_a_disk_that_is_full_at_any_moment(tmp_path: Path, seed: int) -> None:
    if not shutil.which("unshare"):
        pytest.skip("no unshare on this machine: apt-get install util-linux (Debian package)")
    allowed = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    tried = subprocess.run(allowed, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no user namespaces with mounts here: {tried.stderr.strip()}")

    assert not together(tmp_path, {"full": _story(seed)})
