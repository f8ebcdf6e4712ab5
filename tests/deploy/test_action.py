"""The GitHub action, its steps run one by one as a runner does: no runner and no container here.

What is not tried: the runner itself, `uses:` and the interface in a browser.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packages.built import ROOT, copied

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
CONFIGURATION = """\
version: 1
server: {url: embedded}
ledger: ./ledger.db
mirrors: [{name: docs, source: ./docs, knowledge_base: Docs}]
"""

pytestmark = pytest.mark.timeout(400)


@dataclass
class Job:
    """A job of a workflow, in a checkout.

    Args:
        checkout: the folder that it works in.
        temporary: what the runner calls RUNNER_TEMP.
        action: where the runner put the action's own files.
    """

    checkout: Path
    temporary: Path
    action: Path
    summary: str = ""
    printed: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    def uses(self, **given: str) -> int:
        """Run the action's steps with `given` as its inputs; a runner installs it once."""
        words = {name: each["default"] for name, each in ACTION["inputs"].items()} | given
        install, run = ACTION["runs"]["steps"]
        if not (self.temporary / "kbsync").exists():
            assert self._step(install, words) == 0, self.printed
        return self._step(run, words)

    def _step(self, step: dict[str, Any], words: dict[str, str]) -> int:
        files = {
            name: self.temporary / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("")
        known = {f"inputs.{name}": text for name, text in words.items()}
        known["github.action_path"] = str(self.action)
        declared = {name: _filled(value, known) for name, value in step.get("env", {}).items()}
        runner = {name: str(file) for name, file in files.items()}
        kept = {
            n: v for n, v in os.environ.items() if n.startswith("PIP_") or n in ("PATH", "HOME")
        }
        kept["PIP_COMPILE"] = "0"  # most of what is installed is never loaded
        assert step["shell"] == "bash"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env=kept | runner | {"RUNNER_TEMP": str(self.temporary)} | declared,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.printed = done.stdout + done.stderr
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text()
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        self.outputs = dict(line.split("=", 1) for line in lines)
        return done.returncode


def _filled(value: str, known: dict[str, str]) -> str:
    """Return a value with each `${{ … }}` replaced; one that is not known here is a fault."""
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], value)


INSTALLED = pytest.param("as it installs", marks=pytest.mark.once_a_change)


@pytest.fixture(scope="module", params=["as it is here", INSTALLED])
def runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a runner with the action: what the first job installs, the next ones find.

    An installation takes longer than all that is asked here; most runs of the tests stand their
    own environment in its place.
    """
    folder = tmp_path_factory.mktemp("runner")
    if request.param == "as it is here":
        (folder / "kbsync").symlink_to(sys.prefix)
    else:
        shutil.rmtree(copied(folder / "action") / "tests")
    return folder


@pytest.fixture
def job(tmp_path: Path, runner: Path) -> Job:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fox.md").write_text("A fox sleeps under the barn.\n")
    (tmp_path / "kbsync.yaml").write_text(CONFIGURATION)
    return Job(tmp_path, runner, runner / "action")


def _uses(job: Job, **given: str) -> int:
    return job.uses(extras="embedded", python=sys.executable, **given)


def test_a_plan_is_shown_and_then_carried_out(job: Job) -> None:
    assert _uses(job, **{"plan-file": "plan.json"}) == 0, job.printed
    assert "fox.md" in unescape(job.summary)
    assert job.outputs == {"exit-code": "2", "changes": "true"}

    assert _uses(job, command="apply", **{"plan-file": "plan.json"}) == 0, job.printed

    assert _uses(job) == 0, job.printed
    assert job.outputs == {"exit-code": "0", "changes": "false"}


def test_a_plan_that_the_world_moved_on_from_is_refused(job: Job) -> None:
    assert _uses(job, **{"plan-file": "plan.json"}) == 0, job.printed
    (job.checkout / "docs" / "fox.md").write_text("A badger.\n")
    assert _uses(job, command="apply", **{"plan-file": "plan.json"}) != 0
    assert "KB-" in job.printed


def test_a_configuration_that_is_wrong_fails_the_step(job: Job) -> None:
    (job.checkout / "kbsync.yaml").write_text("version: 1\n")
    assert _uses(job) == 64
    assert "KB-C" in job.printed
    assert job.outputs["changes"] == "false"


def test_another_command_is_refused(job: Job) -> None:
    assert _uses(job, command="destroy") == 64


def test_no_input_is_part_of_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
