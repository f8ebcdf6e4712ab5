"""One server of one version, one folder, and the command that mirrors it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import warm
from typing_commands import Terminal, environment

from tests.crash.site import serving

PATIENCE = 120.0
NOTHING_TO_DO, CHANGES, HELD = 0, 2, 3
CONFIGURATION = """\
version: 1
server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: 4s}}
ledger: ./state/ledger.db
mirrors:
  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s,
     delete_grace: 1s, ambiguity_window: 5s}}
"""
# The calls of Dify's page "Maintaining Knowledge Base via API"; an id is written {}.
FOURTEEN = {
    ("POST", "/datasets/{}/document/create_by_text"),
    ("POST", "/datasets/{}/document/create_by_file"),
    ("POST", "/datasets"),
    ("GET", "/datasets"),
    ("DELETE", "/datasets/{}"),
    ("POST", "/datasets/{}/documents/{}/update_by_text"),
    ("POST", "/datasets/{}/documents/{}/update_by_file"),
    ("GET", "/datasets/{}/documents/{}/indexing-status"),
    ("DELETE", "/datasets/{}/documents/{}"),
    ("GET", "/datasets/{}/documents"),
    ("POST", "/datasets/{}/documents/{}/segments"),
    ("GET", "/datasets/{}/documents/{}/segments"),
    ("DELETE", "/datasets/{}/documents/{}/segments/{}"),
    ("POST", "/datasets/{}/documents/{}/segments/{}"),
}
_AN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{20}")


class Mirrored:
    """A folder of documents and the server they are mirrored to.

    Args:
        place: an empty folder.
        url: the server's.
    """

    def __init__(self, place: Path, url: str) -> None:
        self.place, self.docs = place, place / "docs"
        self.docs.mkdir()
        (place / "kbsync.yaml").write_text(CONFIGURATION.format(url=url))
        self._read = 0

    # -- the folder ----------------------------------------------------------------------------

    def write(self, path: str, text: str) -> None:
        file = self.docs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def files(self) -> dict[str, bytes]:
        """The files of the folder, by the name their documents bear."""
        found = (each for each in self.docs.rglob("*") if each.is_file())
        return {str(f.relative_to(self.docs)).replace("/", "∕"): f.read_bytes() for f in found}

    # -- the command ---------------------------------------------------------------------------

    def start(self, *words: str) -> warm.Running:
        with (self.place / "started.log").open("wb") as log:
            return warm.start(words, folder=self.place, env=environment(), stdout=log, stderr=log)

    def type(self, *words: str, exits: Sequence[int] = (0,)) -> str:
        return Terminal(self.place).type(*words, exit=tuple(exits))

    def killed_amid(self, *words: str, documents: int) -> None:
        """Begin a command and kill it once the server has so many documents."""
        process = self.start(*words)
        deadline = time.monotonic() + PATIENCE
        while len(self.stored()) < documents and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        process.wait(PATIENCE)

    def plan(self) -> dict[str, int]:
        counts: dict[str, int] = json.loads(
            self.type("plan", "--json", exits=(NOTHING_TO_DO, CHANGES, HELD))
        )["counts"]
        return counts

    def lose_ledger(self) -> None:
        shutil.rmtree(self.place / "state")

    # -- the server ----------------------------------------------------------------------------

    def stored(self) -> list[tuple[str, bytes]]:
        """The documents of the server, each with its name and the bytes it was made of.

        A document whose file was renamed keeps its name until its next upload; its mark tells.
        """
        query = (
            "SELECT document.name, metadata, upload.content FROM document "
            "JOIN upload ON upload.id = document.upload ORDER BY document.name"
        )
        with closing(sqlite3.connect(f"file:{self.place}/base.db?mode=ro", uri=True)) as store:
            rows = list(store.execute(query))
        return [(_path(name, metadata), bytes(content)) for name, metadata, content in rows]

    def unfinished(self) -> int:
        query = "SELECT count(*) FROM document WHERE status != 'completed'"
        with closing(sqlite3.connect(f"file:{self.place}/base.db?mode=ro", uri=True)) as store:
            return int(store.execute(query).fetchone()[0])

    def differences(self) -> list[str]:
        """What is not the same on both sides: names, contents, documents too many."""
        stored, files = self.stored(), self.files()
        names = Counter(name for name, _ in stored)
        wrong = [f"{name} {count} times" for name, count in names.items() if count > 1]
        wrong += [f"{name} is missing" for name in files.keys() - names.keys()]
        wrong += [f"{name} is too many" for name in names.keys() - files.keys()]
        wrong += [f"{name} differs" for name, content in stored if files.get(name) != content]
        return wrong

    def requests(self) -> Counter[tuple[str, str]]:
        """The requests since the last look, by method and path without ids."""
        lines = (self.place / "requests.jsonl").read_text().splitlines()
        new, self._read = lines[self._read :], len(lines)
        return Counter(map(_call, map(json.loads, new)))


def writes(requests: Counter[tuple[str, str]]) -> int:
    return sum(count for (method, _), count in requests.items() if method != "GET")


def outside(requests: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """The calls that the page does not know."""
    return sorted(call for call in requests if call not in FOURTEEN)


def _path(name: str, metadata: str | None) -> str:
    marked = json.loads(metadata or "{}").get("kbsync_path")
    return str(marked).replace("/", "∕") if marked else name


def _call(line: dict[str, str]) -> tuple[str, str]:
    path = line["path"].removeprefix("/v1").partition("?")[0]
    return line["method"], _AN_ID.sub("{}", path)


@contextmanager
def mirrored(place: Path, profile: str, *words: str) -> Iterator[Mirrored]:
    """Run a server of that version on a free port."""
    with serving(place, "--dify", profile, *words) as server:
        yield Mirrored(place, server.url)
