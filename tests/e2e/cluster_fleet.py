"""Processes of a cluster, as they are typed, over one folder, one ledger and one server."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import warm
from typing_commands import KEY, by_hand, environment

SECONDS = 60.0


class Fleet:
    """Processes over one folder, one ledger and one server.

    Args:
        folder: theirs.
        url: the server's.
        ledger: its address.
        more: of the configuration, whole lines.
    """

    def __init__(self, folder: Path, url: str, ledger: str, more: str = "") -> None:
        self.folder, self._url = folder, url
        self.docs = folder / "docs"
        self.docs.mkdir()
        self.config = folder / "kbsync.yaml"
        self.config.write_text(
            f"version: 1\nledger: {ledger}\nserver: {{url: '{url}', api_key: {KEY}}}\n"
            f"mirrors:\n  - name: docs\n    source: {self.docs}\n    settle: 0.2s\n"
            "    delete_grace: 1s\n    knowledge_base: {name: Docs}\n" + more
        )
        self.config.chmod(0o600)
        self._started: list[warm.Running] = []

    def start(self, *roles: str) -> warm.Running:
        log = self.folder / f"process-{len(self._started)}.log"
        words = ["-c", str(self.config), "run"]
        words += [word for role in roles for word in ("--role", role)]
        with log.open("wb") as stderr:
            env = environment()
            running = warm.start(words, folder=self.folder, env=env, stdout=stderr, stderr=stderr)
        self._started.append(running)
        return running

    def write(self, path: str, text: str) -> None:
        file = self.docs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def documents(self) -> list[str]:
        """The texts of all documents at the server, in order."""
        found = []
        with by_hand(self._url) as http:
            for base in http.get("/datasets?limit=100").json()["data"]:
                documents = f"/datasets/{base['id']}/documents"
                for each in http.get(f"{documents}?limit=100").json()["data"]:
                    chunks = http.get(f"{documents}/{each['id']}/segments").json().get("data", [])
                    found.append("".join(chunk["content"] for chunk in chunks))
        return sorted(found)

    def exact(self) -> bool:
        """Whether the server holds each file once, with its text."""
        files = (each for each in self.docs.rglob("*") if each.is_file())
        return self.documents() == sorted(each.read_text() for each in files)

    def said(self, number: int, event: str) -> list[dict[str, Any]]:
        """What the process that was started as the `number`th has logged of an event."""
        whole = (self.folder / f"process-{number}.log").read_text().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def logs(self) -> str:
        return "\n".join(each.read_text() for each in sorted(self.folder.glob("process-*.log")))

    def end(self) -> None:
        for each in self._started:
            if each.poll() is None:
                each.send_signal(signal.SIGCONT)
                each.kill()
                each.wait()


def within(seconds: float, condition: Callable[[], object], told: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(0.2)
