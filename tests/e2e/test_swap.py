"""`update_strategy: swap`: what others wrote goes over to the document that replaces another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_commands import Terminal, by_hand, served

CONFIGURATION = (
    "version: 1\n"
    'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
    "ledger: ./ledger.db\n"
    "mirrors:\n"
    "  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, update_strategy: swap"
    "{more}}}\n"
)


class Swapped:
    """A mirror of one file, and its base by hand."""

    def __init__(self, folder: Path, url: str, http: httpx.Client) -> None:
        self.file, self.terminal = folder / "docs" / "a.md", Terminal(folder)
        self._file, self._url, self._http = folder / "kbsync.yaml", url, http
        self.file.parent.mkdir()
        self.file.write_text("topaz of old")

    def apply(self, more: str = "") -> str:
        self._file.write_text(CONFIGURATION.format(url=self._url, more=more))
        return self.terminal.type("apply")

    def call(self, method: str, path: str, **body: Any) -> Any:
        base = self._http.get("datasets").json()["data"][0]["id"]
        reply = self._http.request(method, f"datasets/{base}/{path}", json=body or None)
        assert reply.is_success, reply.text
        return reply.json()

    def document(self) -> dict[str, Any]:
        (row,) = self.call("GET", "documents")["data"]
        return dict(row)

    def values(self) -> dict[str, object]:
        found = self.document()["doc_metadata"]
        own = {each["name"]: each["value"] for each in found if each["id"] != "built-in"}
        own = {name: value for name, value in own.items() if value is not None}
        return {name: value for name, value in own.items() if not name.startswith("kbsync_")}

    def title(self) -> None:
        """Give the document a title by hand."""
        field = self.call("POST", "metadata", type="string", name="title")["id"]
        value = {"id": field, "name": "title", "value": "by hand"}
        one = {"document_id": self.document()["id"], "metadata_list": [value]}
        self.call("POST", "documents/metadata", operation_data=[{**one, "partial_update": True}])


@pytest.fixture
def swapped(tmp_path: Path) -> Iterator[Swapped]:
    with served(tmp_path) as url, by_hand(url) as http:
        yield Swapped(tmp_path, url, http)


def test_values_by_hand_go_over_and_declared_ones_that_were_taken_away_do_not(
    swapped: Swapped,
) -> None:
    swapped.apply(", metadata: {team: docs, kind: page}")
    swapped.title()
    old = swapped.document()["id"]
    assert swapped.values() == {"team": "docs", "kind": "page", "title": "by hand"}
    swapped.file.write_text("zircon of now")
    swapped.apply(", metadata: {team: docs}")
    assert swapped.document()["id"] != old
    assert swapped.values() == {"team": "docs", "title": "by hand"}
    assert "zircon" in swapped.terminal.type("search", "zircon")
    assert "topaz" not in swapped.terminal.type("search", "topaz", exit=(0, 1))
    assert swapped.terminal.type("plan")


def test_a_rule_swaps_some_files_alone(swapped: Swapped) -> None:
    swapped.apply(", rules: [{match: /a.md, update_strategy: in_place}]")
    old = swapped.document()["id"]
    swapped.file.write_text("zircon of now")
    swapped.apply(", rules: [{match: /a.md, update_strategy: in_place}]")
    assert swapped.document()["id"] == old
