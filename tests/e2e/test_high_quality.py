"""A hierarchical high-quality base, mirrored, searched, and cut anew by one changed rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from guarded_story import printed_release
from test_mirror import CREATE, UPDATE, Requests, sentence, write_files
from typing_commands import Terminal, by_hand, served

pytestmark = pytest.mark.timeout(300)
FILES = 12
LAMP = """# Lamp room

The lamp room opens at nine, weather permitting.
Keepers polish the brass lens each morning.

Visitors climb 214 stairs of iron.
"""
CONFIGURATION = """
version: 1
server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}
ledger: ./ledger.db
mirrors:
  - name: docs
    source: ./docs
    knowledge_base: Docs
    settle: 0s
    guard: {{reembeddings: {{least: 5, share: 0.1}}}}
    chunking:
      mode: hierarchical
      parent_mode: {parents}
      chunk_overlap: 0
      subchunks: {{separator: "\\n", max_tokens: 200}}
      indexing_technique: high_quality
      embedding_model: {model}
      embedding_provider: kbsync
      retrieval: {{search_method: hybrid_search, top_k: 4, score_threshold: 0.2}}
"""


def configure(folder: Path, url: str, **changes: str) -> None:
    words = {"model": "hashed-words", "parents": "paragraph"} | changes
    (folder / "kbsync.yaml").write_text(CONFIGURATION.format(url=url, **words))


def children(url: str) -> list[str]:
    """The child chunks of the lamp room, as the server shows them."""
    with by_hand(url) as api:
        base = api.get("/datasets").json()["data"][0]["id"]
        listed = api.get(f"/datasets/{base}/documents", params={"keyword": "lamp"}).json()["data"]
        segments = f"/datasets/{base}/documents/{listed[0]['id']}/segments"
        rows = api.get(segments).json()["data"]
        assert {row["status"] for row in rows} == {"completed"}
        return [child["content"] for row in rows for child in row["child_chunks"]]


def answers(terminal: Terminal, query: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = terminal.read("search", query)["results"]
    return results


def test_a_hierarchical_base_from_its_first_apply_to_a_changed_rule(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    write_files(tmp_path / "docs", files=FILES - 1)
    (tmp_path / "docs/lamp.md").write_text(LAMP)
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url)
        terminal.type("apply")
        assert requests.writes()[CREATE] == FILES
        shown = terminal.read("kb", "get", "Docs")
        assert (shown["technique"], shown["form"]) == ("high_quality", "hierarchical_model")
        assert shown["retrieval"]["search_method"] == "hybrid_search"
        assert children(url) == [
            "Lamp room",
            "The lamp room opens at nine, weather permitting.",
            "Keepers polish the brass lens each morning.",
            "Visitors climb 214 stairs of iron.",
        ]

        best = answers(terminal, "polishing of brass lenses")[0]
        assert best["path"] == "lamp.md"
        assert "Keepers polish" in best["content"], "the whole paragraph"
        assert best["score"] > 0.2
        assert answers(terminal, sentence(7))[0]["path"] == "part2/page7.md"

        terminal.type("apply")
        assert not requests.writes()

        configure(tmp_path, url, parents="full-doc")
        plan = json.loads(terminal.type("plan", "--json", exit=4).partition("\n")[0])
        assert plan["counts"] == {"update": FILES}
        assert {action["cause"] for action in plan["actions"]} == {"settings"}
        printed = terminal.type("apply", exit=4)
        assert f"{FILES} uploads of files that did not change" in printed
        assert not requests.writes()

        terminal.type("apply", *printed_release(printed))
        calls = requests.writes()
        assert (calls[UPDATE], calls[CREATE]) == (FILES, 0)
        assert len(children(url)) == 4, "the same, of one parent"
        best = answers(terminal, "polishing of brass lenses")[0]
        assert best["content"].endswith("Visitors climb 214 stairs of iron."), "the whole document"

        terminal.type("apply")
        assert not requests.writes()
        assert "nothing to do" in terminal.type("plan")


def test_a_model_that_the_server_has_not(tmp_path: Path) -> None:
    write_files(tmp_path / "docs", files=1)
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url, model="other-words")
        printed = terminal.type("apply", exit=5)
        assert "KB-R018" in printed
        assert "other-words" in printed
        assert "kbsync kb models" in printed
        assert "hashed-words" in terminal.type("kb", "models")
        configure(tmp_path, url)
        terminal.type("apply")
        assert answers(terminal, sentence(0))[0]["score"] > 0.9
    with served(tmp_path, "--quirk", "no-models") as url:
        configure(tmp_path, url)
        printed = terminal.type("search", "lighthouse", exit=(1, 3, 5))
        assert "Provider kbsync does not exist" in printed
