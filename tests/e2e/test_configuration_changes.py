"""Every row of docs/configuration-changes.md: what a changed configuration plans, and what not.

What counts is what the server counted: a change that is not recognised costs uploads or documents.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ledgers import FILE, Ledger
from test_mirror import CREATE, DELETE, UPDATE, Requests
from typing_commands import Terminal, served

pytestmark = pytest.mark.timeout(300)

PAGE = Path(__file__).parents[2] / "docs" / "configuration-changes.md"
NAMES = ("a.md", "b.md", "guides/c.md", "guides/d.txt")


@dataclass
class Story:
    """A mirror that is in step, and its configuration, which the test then changes."""

    folder: Path
    url: str
    terminal: Terminal
    requests: Requests
    words: dict[str, str] = field(
        default_factory=lambda: {
            "name": "docs",
            "source": "./docs",
            "base": "Docs",
            "ledger": FILE,
            "more": "",
        }
    )

    def configure(self, **changes: str) -> None:
        self.words = {"url": self.url, **self.words, **changes}
        (self.folder / "kbsync.yaml").write_text(
            "version: 1\n"
            'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
            'ledger: "{ledger}"\n'
            "mirrors:\n"
            "  - {{name: {name}, source: {source}, knowledge_base: {base}, settle: 0s{more}}}\n"
            "".format(**self.words)
        )

    def write(self, folder: str = "docs", words: str = "the keeper of lens") -> None:
        for number, name in enumerate(NAMES):
            place = self.folder / folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"# Page {number}\n\nHere {words} {number * 7919} rests.\n")

    def plan(self, exit: int | tuple[int, ...] = (0, 2, 3)) -> dict[str, int]:
        printed = self.terminal.type("plan", "--json", exit=exit).partition("\n")[0]
        counts: dict[str, int] = json.loads(printed)["counts"]
        return counts

    def writes(self) -> Counter[tuple[str, str]]:
        """What was sent since the last look; marks on documents are no uploads."""
        found = self.requests.writes()
        return Counter({call: found[call] for call in (CREATE, UPDATE, DELETE) if found[call]})

    def base_id(self, name: str = "Docs") -> str:
        rows = self.terminal.read("kb", "list")["rows"]
        return next(str(row["id"]) for row in rows if row["name"] == name)

    def documents(self, base: str = "Docs") -> int:
        return int(self.terminal.read("docs", "list", base)["total"])


@pytest.fixture
def story(tmp_path: Path, ledger: Ledger) -> Iterator[Story]:
    log = tmp_path / "requests.jsonl"
    with served(tmp_path, "--request-log", str(log)) as url:
        found = Story(tmp_path, url, Terminal(tmp_path), Requests(log))
        found.write()
        found.configure(ledger=ledger.address)
        found.terminal.type("apply")
        assert found.writes() == {CREATE: len(NAMES)}
        yield found


def warned(story: Story) -> str:
    """The codes and next steps `status` warns with, which `plan` and `apply` print as well."""
    shown = json.loads(story.terminal.type("status", "--json", exit=(0, 3)).partition("\n")[0])
    return "\n".join(f"{warning['code']} {warning['next']}" for warning in shown["warnings"])


def test_a_mirror_taken_out_of_the_file(story: Story) -> None:
    (story.folder / "other").mkdir()
    story.configure(name="other", source="./other", base="Other")
    assert story.plan(exit=0) == {}
    assert re.search(r"KB-V063 .*: kbsync mirror destroy docs\b", warned(story))
    story.terminal.type("apply")
    assert not story.writes()
    assert story.documents() == len(NAMES)
    story.terminal.type("mirror", "destroy", "docs", exit=64)
    printed = story.terminal.type("mirror", "destroy", "docs", "--yes")
    assert f"{len(NAMES)} deleted from Docs, which stays" in printed
    assert story.writes() == {DELETE: len(NAMES)}
    assert story.documents() == 0
    assert warned(story) == ""


def test_a_mirror_with_another_name(story: Story) -> None:
    story.configure(name="handbook")
    counts = story.plan()
    assert not {"create", "update", "delete"} & counts.keys()
    assert re.search(r"KB-V064 .*: kbsync mirror rename docs handbook$", warned(story), re.M)
    story.terminal.type("apply", exit=3)
    assert not story.writes()
    assert "KB-L070" in story.terminal.type("mirror", "rename", "unknown", "handbook", exit=64)
    assert "KB-V060" in story.terminal.type("mirror", "rename", "docs", "No name", exit=64)
    story.terminal.type("mirror", "rename", "docs", "handbook")
    assert not {"create", "update", "delete", "conflict"} & story.plan().keys()
    story.terminal.type("apply")
    assert not story.writes()
    assert story.plan(exit=0) == {}
    assert warned(story) == ""


def test_the_same_files_in_another_folder(story: Story) -> None:
    shutil.move(story.folder / "docs", story.folder / "papers")
    for name in NAMES:
        (story.folder / "papers" / name).touch()
    story.configure(source="./papers")
    assert "KB-V065" in warned(story)
    assert story.plan(exit=0) == {}
    story.terminal.type("apply")
    assert not story.writes()
    assert warned(story) == ""


def test_another_tree_in_the_place_of_the_source(story: Story) -> None:
    (story.folder / "strange").mkdir()
    for number in range(3):
        (story.folder / "strange" / f"x{number}.md").write_text(f"Strange comet {number}.\n")
    story.configure(source="./strange")
    assert "KB-V065" in warned(story)
    story.terminal.type("apply", exit=4)
    assert story.writes()[DELETE] == 0


def test_another_knowledge_base(story: Story) -> None:
    story.terminal.type("kb", "create", "Others")
    story.configure(base="Others")
    refused = story.terminal.type("plan", exit=5)
    assert "KB-E027" in refused
    assert "kbsync mirror forget docs" in refused
    story.configure(base=f"{{id: {story.base_id('Others')}}}")
    assert "KB-E027" in story.terminal.type("apply", exit=5)
    assert "KB-E027" in story.terminal.type("validate", exit=5)
    story.configure(base=f"{{id: {story.base_id()}}}")
    assert story.plan(exit=0) == {}
    story.configure(base="Others")
    story.terminal.type("mirror", "forget", "docs")
    assert not story.writes()
    assert story.documents() == len(NAMES)
    assert story.plan() == {"create": len(NAMES)}


def test_a_knowledge_base_that_is_renamed(story: Story) -> None:
    story.terminal.type("kb", "update", "Docs", "--name", "Handbook")
    assert story.plan(exit=0) == {}
    story.configure(base="Handbook")
    assert story.plan(exit=0) == {}
    story.terminal.type("apply")
    story.terminal.type("kb", "create", "Docs")
    assert story.plan(exit=0) == {}
    story.configure(base="Docs")
    assert "KB-E027" in story.terminal.type("plan", exit=5)
    assert not story.writes()


def test_a_knowledge_base_that_is_deleted_and_made_again(story: Story) -> None:
    story.terminal.type("kb", "delete", "Docs", "--yes")
    assert "KB-E018" in story.terminal.type("plan", exit=5)
    assert "KB-E018" in story.terminal.type("apply", exit=5)
    story.terminal.type("kb", "create", "Docs")
    for verb in ("plan", "apply", "validate"):
        refused = story.terminal.type(verb, exit=5)
        assert "KB-E060" in refused
        assert "kbsync mirror forget docs" in refused
    assert "KB-E018" in story.terminal.type("mirror", "destroy", "docs", "--yes", exit=5)
    assert not story.writes()
    assert story.terminal.read("status")["mirrors"][0]["documents"]["synced"] == len(NAMES)
    story.terminal.type("mirror", "forget", "docs")
    story.terminal.type("apply")
    assert story.writes() == {CREATE: len(NAMES)}


def test_a_name_that_another_knowledge_base_bears_now(story: Story) -> None:
    story.terminal.type("kb", "update", "Docs", "--name", "Away")
    story.terminal.type("kb", "create", "Docs")
    assert "KB-E019" in story.terminal.type("apply", exit=5)
    assert not story.writes()


def test_a_key_of_another_workspace(tmp_path: Path) -> None:
    """At the same address another workspace answers: there the base is not to be seen."""
    story = Story(tmp_path, "", Terminal(tmp_path), Requests(tmp_path / "requests.jsonl"))
    story.write()
    with served(tmp_path) as url:
        story.configure(url=url)
        story.terminal.type("apply")
    (tmp_path / "workspace").mkdir()
    log = ("--request-log", str(tmp_path / "requests.jsonl"))
    port = str(urlsplit(url).port)
    with served(tmp_path / "workspace", "--port", port, *log) as again:
        assert again == url
        assert "KB-E018" in story.terminal.type("plan", exit=5)
        assert "KB-E018" in story.terminal.type("apply", exit=5)
        story.terminal.type("kb", "create", "Docs")
        story.requests.writes()
        assert "KB-E060" in story.terminal.type("apply", exit=5)
        assert not story.requests.writes()
    with served(tmp_path, "--port", port):
        assert story.plan(exit=0) == {}


def test_filters_that_leave_out_more(story: Story) -> None:
    story.configure(more=', exclude: ["guides/"]')
    assert story.plan() == {"hold": 2}
    printed = story.terminal.type("apply", exit=3)
    assert printed.count("KB-E003") == 2
    assert "kbsync apply --prune-excluded" in printed
    assert not story.writes()
    story.configure(more="")
    assert story.plan(exit=0) == {}


def test_extensions_and_sizes_that_leave_out_more(story: Story) -> None:
    story.configure(more=", extensions: [md], max_file_size: 1MB")
    assert story.plan() == {"hold": 1}
    story.terminal.type("apply", exit=3)
    assert not story.writes()


def test_another_chunking(story: Story) -> None:
    story.configure(more=", chunking: {mode: custom, max_tokens: 300}")
    plan = json.loads(story.terminal.type("plan", "--json", exit=2).partition("\n")[0])
    assert plan["counts"] == {"update": len(NAMES)}
    assert {each["cause"] for each in plan["actions"]} == {"settings"}
    assert not story.writes()


def test_a_rule_for_some_files(story: Story) -> None:
    story.configure(more=f", rules: [{{match: /{NAMES[0]}, language: German}}]")
    plan = json.loads(story.terminal.type("plan", "--json", exit=2).partition("\n")[0])
    assert [(each["path"], each["cause"]) for each in plan["actions"]] == [(NAMES[0], "settings")]
    story.configure(more=", rules: [{match: nothing.md, language: German}]")
    assert story.plan(exit=0) == {}
    assert not story.writes()


def test_other_metadata(story: Story) -> None:
    story.configure(more=", metadata: {team: docs}")
    assert story.plan(exit=2) == {"set_metadata": len(NAMES)}
    story.terminal.type("apply")
    assert not story.writes()
    story.configure(more=f", rules: [{{match: /{NAMES[0]}, metadata: {{team: web}}}}]")
    assert story.plan(exit=2) == {"set_metadata": len(NAMES)}
    story.terminal.type("apply")
    assert not story.writes()
    assert story.plan(exit=0) == {}


def test_front_matter_begins(story: Story) -> None:
    text = "---\ntitle: A\n---\ntext of the page\n"
    (story.folder / "docs" / NAMES[0]).write_text(text)
    time.sleep(0.3)  # a stat taken within a tick of the write does not speak for the content
    story.terminal.type("apply")
    story.writes()
    story.configure(more=", front_matter: [title]")
    plan = json.loads(story.terminal.type("plan", "--json", exit=2).partition("\n")[0])
    assert [(each["path"], each["cause"]) for each in plan["actions"]] == [(NAMES[0], "settings")]
    story.terminal.type("apply")
    story.writes()
    story.configure(more=", front_matter: []")
    assert story.plan(exit=2) == {"set_metadata": 1}


def test_documents_are_disabled(story: Story) -> None:
    story.configure(more=f", rules: [{{match: /{NAMES[0]}, enabled: false}}]")
    assert story.plan(exit=2) == {"switch": 1}
    story.terminal.type("apply")
    assert not story.writes()
    assert story.plan(exit=0) == {}
    story.configure(more="")
    assert story.plan(exit=2) == {"switch": 1}


def test_another_prefix(story: Story) -> None:
    story.configure(more=", prefix: handbook/")
    assert story.plan(exit=0) == {}
    (story.folder / "docs" / "new.md").write_text("# New\n\nFresh words.\n")
    assert story.plan() == {"create": 1}


def test_another_encoding(story: Story) -> None:
    (story.folder / "docs" / "staff.txt").write_bytes(
        "氏名,部署\n佐藤,経理部\n鈴木,総務部\n".encode("euc_jp")
    )
    assert story.plan() == {"hold": 1}
    story.configure(more=", encoding: gbk")
    assert story.plan() == {"create": 1}
    story.terminal.type("apply")
    assert story.plan(exit=0) == {}
    story.configure(more=", encoding: [euc_jp, auto]")
    assert story.plan() == {"update": 1}
    story.terminal.type("apply")
    assert story.plan(exit=0) == {}


def test_another_on_delete(story: Story) -> None:
    story.configure(more=", on_delete: disable")
    assert story.plan(exit=0) == {}
    (story.folder / "docs" / "a.md").unlink()
    story.terminal.type("apply")
    (story.folder / "docs" / "b.md").unlink()
    story.configure(more="")
    assert story.plan() == {"delete": 1}
    story.terminal.type("apply")
    assert story.documents() == len(NAMES) - 1
    assert story.writes() == {DELETE: 1}


def test_another_update_strategy(story: Story) -> None:
    story.configure(more=", update_strategy: swap")
    assert story.plan(exit=0) == {}
    (story.folder / "docs" / "a.md").write_text("# Anew\n\nOther words.\n")
    story.terminal.type("apply")
    assert story.documents() == len(NAMES)
    assert story.writes() == {CREATE: 1, DELETE: 1}


def test_prune_is_switched_off(story: Story) -> None:
    story.configure(more=", prune: false")
    assert story.plan(exit=0) == {}
    (story.folder / "docs" / "a.md").unlink()
    assert story.plan() == {"hold": 1}


def test_the_same_server_at_another_address(story: Story) -> None:
    story.configure(url=story.url.replace("127.0.0.1", "localhost"))
    assert "KB-V066" in warned(story)
    assert story.plan(exit=0) == {}
    story.terminal.type("apply")
    assert not story.writes()
    assert warned(story) == ""


def test_another_server(story: Story, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with served(tmp_path / "second") as url:
        story.configure(url=url)
        refused = story.terminal.type("apply", exit=5)
        assert "KB-E061" in refused
        assert "kbsync mirror forget docs" in refused
        assert "KB-E061" in story.terminal.type("validate", exit=5)
        assert story.terminal.read("kb", "list")["rows"] == []
        refused = story.terminal.type("mirror", "destroy", "docs", "--yes", exit=64)
        assert "KB-V062" in refused


def test_a_ledger_at_another_place(story: Story) -> None:
    story.configure(ledger="./elsewhere/ledger.db")
    counts = story.plan()
    assert not {"create", "update", "delete"} & counts.keys()
    assert sum(counts.values()) == len(NAMES)
    story.terminal.type("apply", exit=(0, 3))
    assert not story.writes()
    assert story.documents() == len(NAMES)


def test_the_page_names_every_test_of_this_file() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text("utf-8")))
    here = {name for name in globals() if name.startswith("test_")}
    assert named == here - {"test_the_page_names_every_test_of_this_file"}


TEAM = '{name: Docs, permission: all_team_members, description: "How we work", tags: [ours]}'
REEMBEDS = (
    ", chunking: {indexing_technique: high_quality, embedding_model: hashed-words, "
    "embedding_provider: kbsync}"
)


def test_settings_of_the_knowledge_base(story: Story) -> None:
    before = story.terminal.read("kb", "get", "Docs")
    story.configure(base=TEAM)
    assert story.plan(exit=2) == {"set_base": 3}
    story.terminal.type("apply")
    assert not story.writes()
    shown = story.terminal.read("kb", "get", "Docs")
    changed = {"permission": "all_team_members", "description": "How we work"}
    assert shown == {**before, **changed}
    assert story.plan(exit=0) == {}
    story.terminal.type("kb", "update", "Docs", "--permission", "only_me")
    assert story.plan(exit=2) == {"set_base": 1}
    story.terminal.type("apply")
    assert story.terminal.read("kb", "get", "Docs") == shown
    story.configure(base="Docs")
    assert story.plan(exit=0) == {}
    assert story.terminal.read("kb", "get", "Docs") == shown


def test_a_technique_that_would_embed_everything_again(story: Story) -> None:
    story.configure(more=REEMBEDS)
    printed = story.terminal.type("plan", exit=3)
    assert re.search(r"indexing_technique .*documents: 4.*KB-E221", printed)
    printed = story.terminal.type("apply", exit=3)
    (command,) = re.findall(r"kbsync kb update --technique .*", printed)
    assert story.terminal.read("kb", "get", "Docs")["technique"] == "economy"
    story.terminal.type(*shlex.split(command)[1:])
    story.terminal.type("apply")
    assert not story.writes()
    assert story.terminal.read("kb", "get", "Docs")["technique"] == "high_quality"
    assert story.plan(exit=0) == {}
    story.configure(more=", chunking: {indexing_technique: economy}")
    assert "KB-E222" in story.terminal.type("apply", exit=3)
    assert story.terminal.read("kb", "get", "Docs")["technique"] == "high_quality"
