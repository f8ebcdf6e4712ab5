"""Mirrors in every state that the status page shows: files, servers, and a daemon."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from front import JSON, Answer, Front, opened
from running_daemon import Daemon, keeping
from typing_commands import served

from kbsync.ledger.store import LedgerStore
from kbsync.model import Binding

TOKEN = "token-of-the-page-0123456789"
MARKUP = "<img src=x onerror=alert(1)>&amp;.md"
RIGHT_TO_LEFT = "price\u202etxt.md"
HEBREW = "מחירון 2026 (v2).md"
CONTROL = "tab\there\x07.md"
LONG = "l" * 252 + ".md"
NOT_UTF8 = b"caf\xe9.md"
GUIDES = {
    "guides/start/install.md": "# Install\n\nPut the lantern on a table before you light it.\n",
    "guides/start/first-light.md": "# First light\n\nTurn the brass wheel until the wick shows.\n",
    "guides/care/cleaning.md": "# Cleaning\n\nWipe the glass chimney with a dry cloth.\n",
    "guides/care/storing.md": "# Storing\n\nEmpty the tank before winter.\n",
    "reference/parts.md": "# Parts\n\nChimney, wick, burner, tank and brass wheel.\n",
}
POLICIES = [f"2024/{number:02}-rule.md" for number in range(1, 21)]
POLICIES += [f"2026/{number:02}-rule.md" for number in range(1, 11)]
ARCHIVED = 10_000
BASE = "00000000-0000-4000-8000-000000000001"


class PageFolder:
    """A running daemon with its page.

    Args:
        path: has kbsync.yaml and the sources.
        front: stands before the server of the mirrors.
    """

    def __init__(self, path: Path, front: Front) -> None:
        self.path, self.front = path, front
        self.daemon: Daemon
        self.url = ""

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def until_page(self, place: str, text: str) -> str:
        """Return a page once it says `text`."""
        found: list[str] = []

        def says() -> bool:
            found[:] = [httpx.get(self.url + place).text]
            return text in found[0]

        self.daemon.until(says)
        return found[0]

    def fill(self) -> None:
        """Write every source."""
        for name, text in GUIDES.items():
            self.write(f"handbook/{name}", text)
        for name in (MARKUP, RIGHT_TO_LEFT, HEBREW, CONTROL, LONG):
            self.write(f"handbook/names/{name}", f"# A name\n\nQuagga {len(name)}.\n")
        raw = os.fsencode(self.path / "handbook" / "names") + b"/" + NOT_UTF8
        with open(raw, "w") as file:
            file.write("# Not UTF-8\n")
        for number, name in enumerate(POLICIES):
            self.write(f"policies/{name}", f"# Rule {number}\n\nNobody lights lamp {number}.\n")

    def refuse(self, times: int) -> None:
        """Have the server refuse the next uploads."""
        left = [times]

        def behave(method: str, path: str) -> Answer | None:
            if method != "POST" or "create-by-file" not in path or not left[0]:
                return None
            left[0] -= 1
            words = b'{"code": "invalid_param", "message": "File type not allowed.", "status": 400}'
            return 400, JSON, words

        self.front.behaviour = behave

    def remove_policies(self) -> None:
        """Take more files away than the guard lets pass, all in one moment."""
        (self.path / "policies" / "2024").rename(self.path / "2024")


@contextmanager
def page_folder(path: Path, *, port: int = 0) -> Iterator[PageFolder]:
    """Run a server and a daemon with its page; nothing is in the sources yet.

    Args:
        path: an empty folder.
        port: of the page; 0 for any free one.
    """
    for name in ("handbook", "policies", "archive"):
        (path / name).mkdir()
    (path / "token").write_text(TOKEN)
    with (
        served(path, "--indexing-delay", "0.25", "--workers", "2") as server,
        opened(server) as front,
    ):
        (path / "kbsync.yaml").write_text(_configuration(front.url, port))
        fill_archive(path / "state" / "ledger.db", ARCHIVED)
        found = PageFolder(path, front)
        with keeping(path) as daemon:
            found.daemon = daemon
            found.url = daemon.until_said("web listens")[0]["url"]
            yield found


def _configuration(url: str, port: int) -> str:
    often = "settle: 100ms, delete_grace: 200ms, local_resync: 2s, remote_resync: 30s"
    mirrors = [
        f"{{name: {name}, server: {server}, source: ./{name}, knowledge_base: {name.title()}, "
        f"{often}, max_file_size: 10KB}}"
        for name, server in (("handbook", "here"), ("policies", "here"), ("archive", "away"))
    ]
    lines = "".join(f"  - {each}\n" for each in mirrors)
    return (
        "version: 1\n"
        f'servers:\n  here: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
        '  away: {url: "http://127.0.0.1:9/v1", api_key: "${DIFY_API_KEY}"}\n'
        "ledger: ./state/ledger.db\n"
        f'web: {{listen: "127.0.0.1:{port}", token_file: ./token, token_for: changes}}\n'
        f"mirrors:\n{lines}"
    )


_ROWS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
INSERT INTO entries (mirror, path, base_id, document_id, document_name, state, size, mtime_ns,
  inode, ctime_ns, content, settings, rev, word_count, failures, reason_code, reason_text,
  stale_code, stale_text, profile, sent_at, progress_at)
SELECT 'archive',
  printf('year-%04d/month-%02d/day-%02d/report-%06d.md', 1990 + i % 30, i % 12, i % 28, i), ?2,
  printf('%036d', i), printf('report-%06d.md', i), CASE WHEN i % 997 = 5 THEN 'failed' ELSE 'synced'
  END, 4000, i, i, i, printf('%064d', i), printf('%064d', 1), 'rev', 100, i % 997 = 5,
  CASE WHEN i % 997 = 5 THEN 'KB-E010' END, CASE WHEN i % 997 = 5 THEN 'indexing failed' END,
  CASE WHEN i % 1499 = 7 THEN 'KB-E030' END, CASE WHEN i % 1499 = 7 THEN 'it is empty now' END,
  printf('%064d', 2), 1.0, 2.0 FROM n
"""


def fill_archive(file: Path, documents: int) -> None:
    """Make a ledger with so many documents of the mirror `archive`."""
    file.parent.mkdir(exist_ok=True)
    with LedgerStore.open(file) as ledger:
        ledger.bind(
            Binding(
                mirror="archive",
                server="http://127.0.0.1:9/v1",
                base_id=BASE,
                base_name="Archive",
                source=str(file.parents[1] / "archive"),
                device=None,
            )
        )
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(_ROWS, (documents, BASE))
