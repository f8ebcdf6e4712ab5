"""A mirrored folder, a server that counts, and a person who works at the server by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from ledgers import Ledger
from test_mirror import CREATE, DELETE, FILES, UPDATE, Requests, configure, write_files
from typing_commands import Terminal, by_hand, served

RELEASE = re.compile(r"kbsync apply (--release [0-9a-f]{12})")


@dataclass
class Story:
    """Everything a story needs. `folder` holds the configuration, `docs` is the source."""

    folder: Path
    terminal: Terminal
    requests: Requests
    api: httpx.Client
    url: str
    ledger: Ledger

    @property
    def docs(self) -> Path:
        return self.folder / "docs"

    def page(self, number: int) -> Path:
        return self.docs / f"part{number % 5}" / f"page{number}.md"

    def base(self) -> str:
        return str(self._get("/datasets")["data"][0]["id"])

    def documents(self) -> dict[str, str]:
        """Ids of all documents by name."""
        rows = self._get(f"/datasets/{self.base()}/documents", limit=100)["data"]
        return {row["name"]: row["id"] for row in rows}

    def delete(self, *paths: str) -> None:
        """Somebody deletes at the server; it is not counted."""
        for path in paths:
            self.api.delete(path).raise_for_status()
        self.requests.writes()

    def writes(self) -> dict[str, int]:
        """Uploads and deletions the server counted since the last look."""
        counted = self.requests.writes()
        names = {"create": CREATE, "update": UPDATE, "delete": DELETE}
        return {name: counted[call] for name, call in names.items() if counted[call]}

    def configure(self, more: str = "") -> None:
        configure(self.folder, self.url, more, ledger=self.ledger.address)

    def _get(self, path: str, **words: object) -> Any:
        return self.api.get(path, params=words).raise_for_status().json()  # type: ignore[arg-type]


@contextmanager
def mirrored(folder: Path, ledger: Ledger) -> Iterator[Story]:
    """Mirror FILES files; nothing is counted yet."""
    log = folder / "requests.jsonl"
    terminal, requests = Terminal(folder), Requests(log)
    write_files(folder / "docs")
    with (
        served(folder, "--request-log", str(log)) as url,
        by_hand(url) as api,
    ):
        story = Story(folder, terminal, requests, api, url, ledger)
        story.configure()
        terminal.type("apply")
        assert story.writes() == {"create": FILES}
        yield story


def printed_release(printed: str) -> list[str]:
    """The words of the command that was printed, behind `kbsync apply`."""
    found = RELEASE.search(printed)
    assert found is not None, printed
    return found[1].split()
