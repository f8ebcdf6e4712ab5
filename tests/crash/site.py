"""A folder, a server and a proxy between: everything a story of crashes happens in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import warm
from typing_commands import COMMAND, KEY, SECONDS, Terminal, environment

PATIENCE = 2.0  # seconds a client waits for an answer
WINDOW = 5.0  # the ambiguity window: longer than any fault of the proxy takes
# An old server that makes two documents of two creates: only looking first helps there.
NO_MERGE = ("--quirk", "no-merge", "--quirk", "version=0.15.3")
Row = dict[str, Any]
NEXT = "  next: "  # a fault that says what to type begins its second line so


class Server:
    """`kbsync serve` on one port and one file for its whole life.

    Args:
        folder: where its file, its request log and its errors go.
        words: more of the command line.
    """

    def __init__(self, folder: Path, *words: str) -> None:
        self._folder = folder
        self._words = words
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start it, at the second time where it was."""
        port = self.url.removesuffix("/v1").rpartition(":")[2] or "0"
        data, log = self._folder / "base.db", self._folder / "requests.jsonl"
        words = ["--port", port, "--data", str(data), "--request-log", str(log), *self._words]
        reading, writing = os.pipe()
        self._output = open(reading, encoding="utf-8")  # noqa: SIM115 - open as long as it runs
        with open(writing, "wb") as stdout, (self._folder / "serve.err").open("ab") as errors:
            self._process = warm.start(
                ["serve", *words],
                env=environment(KBSYNC_SERVE_KEY=KEY),
                stdout=stdout,
                stderr=errors,
            )
        url = self._output.readline().strip()
        assert url.startswith("http://127.0.0.1:"), (self._folder / "serve.err").read_text()
        assert self.url in ("", url)
        self.url = url

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal; return how it ended."""
        self._process.send_signal(number)
        self._output.close()
        return self._process.wait(SECONDS)


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Server]:
    server = Server(folder, *words)
    try:
        yield server
    finally:
        server.end()


class Base:
    """The knowledge base as a stranger sees it: over the API, without kbsync.

    Args:
        url: the server's own, not the proxy's.
        name: of the base; it is made when it is missing.
    """

    def __init__(self, url: str, name: str = "Docs") -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=SECONDS, trust_env=False)
        shape = {"name": name, "indexing_technique": "economy"}
        self._path = f"/datasets/{self._json('POST', '/datasets', json=shape)['id']}"

    def close(self) -> None:
        self._http.close()

    def _json(self, method: str, path: str, **more: Any) -> Any:
        reply = self._http.request(method, path, **more)
        assert reply.is_success, (method, path, reply.text)
        return reply.json()

    def add(self, name: str, text: str) -> None:
        """Make a document by hand."""
        rule = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}
        body = {"name": name, "text": text, **rule}
        self._json("POST", f"{self._path}/document/create-by-text", json=body)

    def rows(self) -> list[Row]:
        """All rows of the listing; read again when documents came or went between two pages."""
        end = time.monotonic() + SECONDS
        while (rows := self._read()) is None:
            assert time.monotonic() < end, "the listing does not come to rest"
        return rows

    def _read(self) -> list[Row] | None:
        rows: list[Row] = []
        while True:
            params = {"page": len(rows) // 100 + 1, "limit": 100}
            page = self._json("GET", f"{self._path}/documents", params=params)
            rows += page["data"]
            if len(rows) >= page["total"] or not page["data"]:
                whole = len(rows) == page["total"] == len({row["id"] for row in rows})
                return rows if whole else None

    def delete(self, row: Row) -> None:
        """Delete a document by hand."""
        reply = self._http.delete(f"{self._path}/documents/{row['id']}")
        assert reply.is_success, (row, reply.text)

    def name_of(self, document_id: str) -> str | None:
        """The name of a document, None when it is not there."""
        reply = self._http.get(f"{self._path}/documents/{document_id}")
        return str(reply.json()["name"]) if reply.is_success else None

    def text(self, row: Row) -> str:
        """What a search could find of a document; nothing when it went since it was listed."""
        reply = self._http.get(f"{self._path}/documents/{row['id']}/segments")
        assert reply.is_success or reply.status_code == 404, (row, reply.text)
        return "\n".join(str(chunk["content"]) for chunk in reply.json().get("data", []))


class Folder:
    """The source, its configuration and the commands typed beside it."""

    def __init__(
        self,
        place: Path,
        url: str,
        base: str = "Docs",
        *,
        patience: float = PATIENCE,
        window: float = WINDOW,
        more: str = "",
    ) -> None:
        self.place = place
        self.docs = place / "docs"
        self.docs.mkdir(parents=True)
        self.terminal = Terminal(place)
        (place / "kbsync.yaml").write_text(
            "version: 1\n"
            f'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: {patience}s}}\n'
            "ledger: ./state/ledger.db\n"
            f"mirrors:\n  - {{name: docs, source: ./docs, knowledge_base: {base}, settle: 0s, "
            f"ambiguity_window: {window}s{more}}}\n"
        )

    def write(self, number: int, words: str = "first") -> None:
        """Write, or write over, one page of its own content."""
        page = self.docs / f"part{number % 7}" / f"page{number}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(f"# Page {number}\n\nLens {number * 7919} has its {words} words.\n")

    def name(self, number: int) -> str:
        """The name its document ought to have."""
        return f"part{number % 7}\u2215page{number}.md"

    def remove(self, number: int) -> None:
        (self.docs / f"part{number % 7}" / f"page{number}.md").unlink()

    def pages(self) -> dict[str, str]:
        """What the base ought to have: document name → the line its chunks contain."""
        found = {}
        for page in self.docs.rglob("*.md"):
            name = str(page.relative_to(self.docs)).replace("/", "\u2215")
            found[name] = page.read_text().splitlines()[-1]
        return found

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the installed script."""
        with (self.place / "typed.log").open("ab") as log:
            return subprocess.Popen(
                [str(COMMAND), *words], cwd=self.place, env=environment(), stdout=log, stderr=log
            )

    def log(self) -> str:
        """What the started commands said."""
        log = self.place / "typed.log"
        return log.read_text() if log.exists() else ""

    def plan(self) -> dict[str, Any]:
        """Return what `kbsync plan` prints."""
        code, stdout, stderr = self.terminal.run("plan", "--json")
        assert code in (0, 2, 3), (code, stdout, stderr)
        found: dict[str, Any] = json.loads(stdout)
        return found

    def counts(self) -> dict[str, int]:
        """What a plan would do."""
        found: dict[str, int] = self.plan()["counts"]
        return found


def differences(folder: Folder, base: Base, foreign: list[Row] | None = None) -> list[str]:
    """Return what is not as it ought to be; nothing when folder and base are the same.

    Args:
        foreign: rows that were made by hand; no other document may bear their names.
    """
    rows, before = base.rows(), {row["id"]: row for row in foreign or []}
    theirs = [row for row in rows if row["id"] in before]
    wrong = [f"touched: {row['name']}" for row in theirs if row != before[row["id"]]]
    wrong += [f"gone: {before[each]['name']}" for each in before.keys() - {r["id"] for r in theirs}]
    taken = {row["name"] for row in theirs}
    ours = [row for row in rows if row["id"] not in before]
    wanted = {name: line for name, line in folder.pages().items() if name not in taken}
    found = Counter(row["name"] for row in ours)
    wrong += [f"{times} times: {name}" for name, times in found.items() if times > 1]
    wrong += [f"not there: {name}" for name in wanted.keys() - found.keys()]
    wrong += [f"too much: {name}" for name in found.keys() - wanted.keys()]
    wrong += [
        f"{row['display_status']}, other words: {row['name']}"
        for row in ours
        if row["name"] in wanted and wanted[row["name"]] not in base.text(row)
    ]
    return wrong
