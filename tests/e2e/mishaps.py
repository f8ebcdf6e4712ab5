"""Mishaps: one thing that is wrong, and what each verb says of it. The form of every table of them.

The verbs are called in this process. What one says is written `EXIT CODE`: its exit code, and the
code of the first message that is an error, or else a warning; the exit code alone says that it
found nothing. `run` ends once it is ready: its mirrors are watched, or halted.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import structlog
from captured_log import captured
from structlog.typing import EventDict

from kbsync.app import build
from kbsync.cli import obey
from kbsync.messages import Problem
from kbsync.service import daemon
from kbsync.service.systemd import SystemdNotifier

VERBS = ("validate", "doctor", "plan", "apply", "run")
CODE = re.compile(r"\[(KB-[A-Z]\d{3})\]")
KEY = "dataset-of-a-mishap"
CONFIGURATION = """\
version: 1
server: {server}
ledger: {ledger}
mirrors:
  - {{name: docs, source: ./docs, knowledge_base: {base}, settle: 0s{more}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What is wrong, and what is said of it.

    Args:
        name: of the test.
        happens: makes it so in a place that works; what it enters is left at the end of the test.
        says: by verb `EXIT CODE`, for every verb.
        names: words that each sentence about it has: what has to be changed.
    """

    name: str
    happens: Callable[[Place, ExitStack], object]
    says: Mapping[str, str]
    names: tuple[str, ...] = ()

    def check(self, place: Place, stack: ExitStack) -> None:
        """Let it happen in `place`, and compare what the verbs say."""
        self.happens(place, stack)
        said = {verb: place.says(verb) for verb in VERBS}
        heard = "\n".join(f"--- {verb}\n{place.heard[verb]}" for verb in VERBS)
        assert said == dict(self.says), f"{said}\n{heard}"
        for verb, answer in said.items():
            if " " in answer:
                missing = [word for word in self.names if word not in place.heard[verb]]
                assert not missing, (missing, verb, heard)
                assert '"next": "' in place.heard[verb] or "next: " in place.heard[verb], heard
        assert "Traceback" not in heard


@dataclass
class Place:
    """A folder with a configuration and one document, in which all is well until a mishap.

    Args:
        heard: what each verb printed last, or logged.
    """

    folder: Path
    heard: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "docs").mkdir()
        (self.folder / "docs" / "page.md").write_text("# A page\n\nWith a few words on it.\n")
        self.configure()

    def configure(
        self,
        server: str = "{url: embedded}",
        ledger: str = "./state/ledger.db",
        base: str = "Docs",
        more: str = "",
    ) -> None:
        """Write the configuration; `more` is what a mirror has besides."""
        text = CONFIGURATION.format(server=server, ledger=ledger, base=base, more=more)
        self.file.write_text(text)
        self.file.chmod(0o600)

    @property
    def file(self) -> Path:
        """The configuration."""
        return self.folder / "kbsync.yaml"

    def says(self, verb: str) -> str:
        """Run a verb; return its exit code and the code of what it says is wrong."""
        if verb == "run":
            return self._run()
        words = [verb, "--json"] if verb in {"validate", "doctor"} else [verb]
        output, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(output), redirect_stderr(errors):
            exit = obey(["-c", str(self.file), *words])
        self.heard[verb] = output.getvalue() + errors.getvalue()
        if len(words) == 2:
            return _said(exit, _findings(output.getvalue()))
        return _said(exit, CODE.findall(errors.getvalue() + output.getvalue()))

    def _run(self) -> str:
        log: list[EventDict] = []
        with captured(log):
            exit = self._kept()
        self.heard["run"] = "\n".join(map(json.dumps, log)) + self.heard.get("run", "")
        wrong = [each for each in log if each["level"] in {"error", "warning"}]
        wrong.sort(key=lambda each: str(each["level"]))
        return _said(exit, [str(each["code"]) for each in wrong if "code" in each])

    def _kept(self) -> int:
        """Keep the mirror until it is watched or halted; return the exit code."""
        self.heard["run"] = ""
        try:
            settings = build.settings_of(self.file)
            return anyio.run(daemon.run, settings, _EndsWhenReady(), None, _never)
        except Problem as problem:
            self.heard["run"] = str(problem)
            structlog.get_logger().error("", code=problem.notice.code)
            return problem.exit


class _EndsWhenReady(SystemdNotifier):
    """A service manager that stops the daemon as soon as it works."""

    def __init__(self) -> None:
        super().__init__({})
        self._ended = False

    def ready(self) -> None:
        if not self._ended:
            self._ended = True
            os.kill(os.getpid(), signal.SIGTERM)


def _never(seconds: float, code: int) -> Callable[[], None]:
    return lambda: None


def _findings(printed: str) -> list[str]:
    whole = json.loads(printed)
    rows = whole.get("findings", whole.get("checks"))
    levels = [row["level"] for row in rows]
    worst = "error" if "error" in levels else "warning"
    return [row["code"] for row in rows if row["level"] == worst]


def _said(exit: int, codes: list[str]) -> str:
    return f"{int(exit)} {codes[0]}" if codes else str(int(exit))
