"""The units: sound to systemd, as closed as they are said to be, and of one piece."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
SERVICES = ("kbsync.service", "kbsync@.service", "kbsync-apply.service")
# What `systemd-analyze security` may say at most, in tenths; lower is more closed.
EXPOSURE = 10

analyze = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(analyze is None, reason="needs the package systemd")


def said(*words: str) -> str:
    """What systemd-analyze says, on both streams."""
    done = subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


@needs_systemd
def test_verify_says_nothing(tmp_path: Path) -> None:
    command = tmp_path / "opt/kbsync/bin/kbsync"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    shutil.copytree(UNITS, tmp_path / "etc/systemd/system")
    shutil.copytree("/lib/systemd/system", tmp_path / "lib/systemd/system", symlinks=True)
    units = ["kbsync.service", "kbsync@blog.service", "kbsync-apply.service", "kbsync-apply.timer"]
    assert said("verify", f"--root={tmp_path}", *units) == ""


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_exposure_stays_as_low_as_the_page_says(name: str) -> None:
    text = said("security", "--offline=true", "--no-pager", str(UNITS / name))
    found = re.search(r"exposure level for \S+: (\d+)\.(\d)", text)
    assert found, text
    assert int(found[1] + found[2]) <= EXPOSURE, text


def settings_of(name: str) -> dict[str, list[str]]:
    """The lines of a unit's [Service], by key."""
    text = (UNITS / name).read_text("utf-8").partition("[Service]")[2].partition("[Install]")[0]
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", SERVICES[1:])
def test_the_units_are_closed_alike(name: str) -> None:
    first, other = settings_of(SERVICES[0]), settings_of(name)
    closing = [key for key in first if re.match("Protect|Private|Restrict|System|IPAddress", key)]
    assert len(closing) > 15
    assert {key: other.get(key) for key in closing} == {key: first[key] for key in closing}


def test_a_reload_waits_for_the_answer() -> None:
    for name in SERVICES[:2]:
        (command,) = settings_of(name)["ExecReload"]
        assert command.endswith(" reload")


def test_the_timer_makes_up_for_what_it_missed() -> None:
    timer = RawConfigParser()
    timer.read(UNITS / "kbsync-apply.timer")
    assert timer["Timer"]["Persistent"] == "yes"
