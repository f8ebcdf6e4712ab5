"""Limits that are reached and mounts that change, each in a user namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from confined import STORIES

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]
# May this user make a namespace, lower its limits and mount in it?
ALLOWED = "test -w /proc/sys/user/max_inotify_watches && mount -t tmpfs none /mnt"


@pytest.fixture(scope="module")
def namespace() -> list[str]:
    """How to begin a command in a user and mount namespace of its own."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare on this machine: apt-get install util-linux (Debian package)")
    tried = subprocess.run([*UNSHARE, "sh", "-c", ALLOWED], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"no user namespaces with mounts here: {tried.stderr.decode().strip()}")
    return UNSHARE


@pytest.mark.parametrize("story", STORIES)
def test_in_a_namespace(namespace: list[str], root: Path, story: str) -> None:
    program = Path(__file__).with_name("confined.py")
    command = [*namespace, sys.executable, str(program), story, str(root)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert ran.returncode == 0, ran.stderr
