"""A knowledge base leaves one server as a folder, and becomes one on another server again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from test_adopt import downloads
from test_mirror import Requests, configure
from typing_commands import Terminal, by_hand, served

from kbsync.messages import command as command_say
from kbsync.messages import export as say

# Many documents on two servers, on whatever machine this is.
pytestmark = pytest.mark.timeout(600)

ALL = 120  # more than a page of a listing
TEXTS = 40
FOLDERS = 60
TAGGED = 30
DISABLED = 10
RULE = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}
DUE = 1_767_225_600


def content(number: int, ending: str = "Schlußwort, adé.\n") -> str:
    """A text of a few chunks, with a word of its own in each; most have letters beyond ASCII."""
    words = (f"word{number:03d}x{line} on the lamp's {line}th line. " * 3 for line in range(12))
    return f"# Lamp {number}\n\n" + "\n\n".join(words) + f"\n\n{ending}"


def name_of(number: int) -> str:
    if number < TEXTS:
        return f"note {number}"
    if number < TEXTS + FOLDERS:
        return f"part{number % 7}\u2215shelf {number % 3}\u2215page{number}.md"
    return f"Page {number}.md"


class Author:
    """A person who fills a knowledge base by hand, and reads what is in it."""

    def __init__(self, url: str, base: str = "") -> None:
        self.api: httpx.Client = by_hand(url)
        self.base = base or str(
            self.send("POST", "/datasets", json={"name": "Docs", "indexing_technique": "economy"})[
                "id"
            ]
        )

    def close(self) -> None:
        self.api.close()

    def send(self, method: str, path: str, **words: Any) -> Any:
        reply = self.api.request(method, path, **words)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def of_base(self, method: str, path: str, **words: Any) -> Any:
        return self.send(method, f"/datasets/{self.base}{path}", **words)

    def upload(self, name: str, text: bytes, **rule: object) -> str:
        words = {"data": json.dumps({**RULE, **rule})}
        files = {"file": (name, text, "text/markdown")}
        made = self.of_base("POST", "/document/create-by-file", data=words, files=files)
        return str(made["document"]["id"])

    def write(self, name: str, text: str) -> str:
        words = {**RULE, "name": name, "text": text}
        return str(self.of_base("POST", "/document/create-by-text", json=words)["document"]["id"])

    def documents(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self._rows("/documents")}

    def settled(self) -> dict[str, dict[str, Any]]:
        while True:
            found = self.documents()
            if all(row["indexing_status"] in ("completed", "error") for row in found.values()):
                return found
            time.sleep(0.2)

    def chunks(self, document: str) -> list[str]:
        return [row["content"] for row in self._rows(f"/documents/{document}/segments")]

    def _rows(self, path: str) -> Iterator[dict[str, Any]]:
        number, more = 1, True
        while more:
            page = self.of_base("GET", path, params={"page": number, "limit": 100})
            yield from page["data"]
            number, more = number + 1, number * 100 < page["total"]

    def tag(self, ids: list[str]) -> None:
        types = {"team": "string", "pages": "number", "due": "time"}
        fields = {
            name: self.of_base("POST", "/metadata", json={"name": name, "type": kind})["id"]
            for name, kind in types.items()
        }
        values = {"team": "lamps", "pages": 12, "due": DUE}
        listed = [{"id": fields[name], "name": name, "value": values[name]} for name in types]
        rows = [{"document_id": each, "metadata_list": listed} for each in ids]
        self.of_base("POST", "/documents/metadata", json={"operation_data": rows})


def filled(author: Author) -> dict[str, dict[str, Any]]:
    """Fill the base; return its documents by name."""
    for number in range(ALL):
        if number < TEXTS:
            author.write(name_of(number), content(number))
        else:
            author.upload(name_of(number), content(number).encode())
    made = author.settled()
    ids = [made[name_of(number)]["id"] for number in range(ALL)]
    author.tag(ids[TEXTS - 5 : TEXTS - 5 + TAGGED])
    author.of_base("PATCH", "/documents/status/disable", json={"document_ids": ids[-DISABLED:]})
    return author.documents()


def path_of(number: int) -> str:
    name = name_of(number).replace("\u2215", "/")
    return f"{name}.txt" if number < TEXTS else name


def metadata_of(folder: Path, number: int) -> Mapping[str, Any] | None:
    file = folder / f"{path_of(number)}.kbsync.yaml"
    found: Mapping[str, Any] | None = yaml.safe_load(file.read_text()) if file.exists() else None
    return found


@pytest.mark.seconds(30)
def test_a_whole_base_goes_from_one_server_to_another(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    log = one / "requests.jsonl"
    terminal = Terminal(one)
    with ExitStack() as opened:
        source_url = opened.enter_context(served(one, "--request-log", str(log)))
        author = opened.enter_context(closing(Author(source_url)))
        made = filled(author)
        configure(one, source_url)

        printed = terminal.type("export", "Docs", "library")
        assert f"Docs: {ALL} in library" in printed
        assert downloads(log) == ALL
        folder = one / "library"
        for number in range(ALL):
            assert (folder / path_of(number)).read_text() == content(number), number
        kept = [path for path in folder.rglob("*") if path.suffix in (".md", ".txt")]
        assert len(kept) == ALL
        tagged = metadata_of(folder, TEXTS)
        assert tagged is not None
        assert tagged["metadata"]["team"] == "lamps"
        assert tagged["metadata"]["pages"] == 12
        assert tagged["metadata"]["due"].timestamp() == DUE
        assert metadata_of(folder, ALL - 1) == {"enabled": False}
        assert metadata_of(folder, 0) is None

        # A run again goes on: nothing is downloaded twice.
        again = terminal.read("export", "Docs", "library")
        assert again["counts"]["written"] == 0
        assert downloads(log) == ALL
        assert again["counts"]["documents"] == ALL

        # Not 1.16, where one document after the other is indexed.
        target_url = opened.enter_context(served(two, "--dify", "1.10"))
        config = again["configuration"]["file"]
        terminal.type("-c", config, "apply", env={"DIFY_URL": target_url})
        with closing(by_hand(target_url)) as api:
            base = api.get("/datasets").json()["data"][0]
        assert (base["name"], base["indexing_technique"]) == ("Docs", "economy")
        reader = opened.enter_context(closing(Author(target_url, base["id"])))
        copies = reader.documents()
        expected = {name if "." in name else f"{name}.txt": row for name, row in made.items()}
        assert copies.keys() == expected.keys()
        for name, row in expected.items():
            assert reader.chunks(copies[name]["id"]) == author.chunks(row["id"]), name
            assert values_of(copies[name]) == values_of(row), name
            assert copies[name]["enabled"] == row["enabled"], name


def values_of(row: dict[str, Any]) -> dict[str, object]:
    """The values of a document that people gave it, by field."""
    found = {each["name"]: each["value"] for each in row["doc_metadata"] or ()}
    own = {each["name"] for each in row["doc_metadata"] or () if each["id"] == "built-in"}
    return {k: v for k, v in found.items() if k not in own and not k.startswith("kbsync_")}


@pytest.mark.seconds(20)
def test_on_its_own_server_documents_are_taken_over_as_they_are(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url, closing(Author(url)) as author:
        for number in range(12):
            plain = content(number, "The end.\n")
            author.write(f"note {number}", plain)
            author.upload(f"a\u2215b{number}\u2215Page {number}.md", plain.encode())
        author.upload("Report: 1?.md", content(99).encode())
        author.settled()
        configure(tmp_path, url)
        found = terminal.read("export", "Docs", "library")
        assert (found["counts"]["original"], found["counts"]["left"]) == (25, 0)
        requests.writes()

        config, there = found["configuration"]["file"], {"DIFY_URL": url}
        take = ("adopt", "--map", found["map"], "--trust", "content", "--yes")
        printed = terminal.type("-c", config, *take, env=there)
        assert "25 adopted; 25 without an upload" in printed
        terminal.type("-c", config, "apply", env=there)
        assert not requests.changes()
        assert json.loads(terminal.type("-c", config, "plan", "--json", env=there))["counts"] == {}


def test_no_name_leads_out_of_the_folder_and_no_file_of_others_is_written_over(
    tmp_path: Path,
) -> None:
    names = [
        *("../../up.md", "/etc/passwd", "..", ".", ".hidden", ".kbsyncignore", "a/../../b.md"),
        *("..\u2215..\u2215up.md", "%2E%2E\u2215x.md", "a\nb\u202e.md", "CON", "a.md", "A.md"),
        *("a.md/b.md", "x" * 199, "\u6f22" * 190 + ".md", "a.md.kbsync.yaml", "a/./b//c.md", " "),
    ]
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url, closing(Author(url)) as author:
        for number, name in enumerate(names):
            author.write(name, content(number, "The end.\n"))
        for number in range(2):
            author.upload("twin.md", content(100 + number).encode(), duplicate=False)
        author.settled()
        configure(tmp_path, url)
        others = set(tmp_path.rglob("*"))
        folder = tmp_path / "deep" / "library"
        (folder / "elsewhere").mkdir(parents=True)
        found = terminal.read("export", "Docs", "deep/library")
        assert found["counts"]["left"] == 0
        made = {path for path in tmp_path.rglob("*") if path.is_file()} - others
        beside = {path for path in made if not path.is_relative_to(folder)}
        assert [path.name for path in beside if path.suffix != ".jsonl"] == ["kbsync.yaml"]
        texts = {path.read_text() for path in made if path.suffix in (".md", ".txt")}
        assert len(texts) == len(names) + 2
        assert not [path for path in folder.rglob(".*") if path.name != ".kbsync-export"]

        # What a person changed, or put there, is left as it is, and named.
        (folder / "twin.md").write_text("mine")
        (folder / "CON.txt").unlink()
        (folder / "CON.txt").symlink_to("/etc/hostname")
        author.upload("new.md", b"# New\n\nA new word.\n")
        (folder / "new.md").write_text("of another hand")
        author.settled()
        again = json.loads(terminal.type("export", "Docs", "deep/library", "--json", exit=3))
        left = {each["path"]: each["code"] for each in again["left"]}
        assert left == {
            "twin.md": say.FILE_DIFFERS.code,
            "new.md": say.FILE_DIFFERS.code,
            "CON.txt": say.FILE_UNWRITABLE.code,
        }
        assert (folder / "new.md").read_text() == "of another hand"


def test_on_its_own_server_a_mirror_of_the_folder_deletes_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    for number in range(4):
        (tmp_path / "docs" / f"page{number}.md").write_text(content(number))
    with served(tmp_path) as url:
        configure(tmp_path, url, ", prefix: handbook/")
        terminal.type("apply")
        found = terminal.read("export", "Docs", "library")
        assert sorted(path.name for path in (tmp_path / "library" / "handbook").iterdir()) == [
            f"page{number}.md" for number in range(4)
        ]
        # Its documents carry marks of a mirror called docs, whose files are not in this folder.
        config, there = found["configuration"]["file"], {"DIFY_URL": url}
        plan = terminal.type("-c", config, "plan", "--json", env=there, exit=(0, 2, 3))
        counts = json.loads(plan)["counts"]
        assert counts["conflict"] == 4
        assert counts.keys() <= {"conflict", "set_base"}


def test_an_export_that_takes_too_long_goes_on_when_it_is_typed_again(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url, closing(Author(url)) as author:
        for number in range(30):
            author.upload(f"page{number}.md", content(number).encode())
        author.settled()
        configure(tmp_path, url)
        over = command_say.EXPORT_TIME_OVER.code
        assert over in terminal.type("export", "Docs", "library", "--wait", "0.05s", exit=6)
        assert "30 the uploaded bytes" in terminal.type("export", "Docs", "library")
        assert "0 written now" in terminal.type("export", author.base, "library")
        (tmp_path / "library" / "part").mkdir()
        above = terminal.read("export", "Docs", "library/part/..")
        assert above["configuration"]["file"] == str(tmp_path / "kbsync-library.yaml")
        assert above["counts"]["written"] == 0
        unknown = terminal.type("export", "Docs", "x", "--server", "nowhere", exit=64)
        assert command_say.NO_SUCH_SERVER.code in unknown
