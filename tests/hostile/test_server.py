"""A server whose replies are wrong in the middle of a pass: nothing is lost, nothing is removed.

Between the command and a real server stands a door that changes what the server says. Afterwards
the server is honest again, and the folder is mirrored as if nothing had been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisting import Twist, Twisting, everywhere, honest, twisting
from typing_commands import KEY, Terminal, served

pytestmark = pytest.mark.timeout(300)

STRANGER = "99999999-9999-4999-8999-999999999999"
NAMES = ("edited.md", "kept.md", "removed.md")


def always(value: object) -> Callable[[object], object]:
    return lambda found: value


def on(part: str, twist: Twist) -> Twist:
    """Twist only replies to calls whose path has `part`."""
    return lambda method, path, said: twist(method, path, said) if part in path else said


def bytes_of(content: bytes) -> Twist:
    return lambda method, path, said: content


def swapped(method: str, path: str, said: object) -> object:
    """Give each document of a page the id of the next one."""
    if isinstance(said, dict) and isinstance(rows := said.get("data"), list) and rows:
        ids = [row.get("id") for row in rows]
        turned = [{**row, "id": ids[n - 1]} for n, row in enumerate(rows)]
        return {**said, "data": turned}
    return said


TWISTS: dict[str, Twist] = {
    "ids climb": everywhere("id", always("../../datasets")),
    "ids are words of routes": everywhere("id", always("metadata")),
    "ids are a stranger's": on("/documents", everywhere("id", always(STRANGER))),
    "ids are each other's": on("/documents?", swapped),
    "names are one": everywhere("name", always("kept.md")),
    "totals are small": everywhere("total", always(0)),
    "pages are empty": everywhere("data", always([])),
    "marks are gone": everywhere("doc_metadata", always(None)),
    "mark values climb": everywhere("value", always("../../etc/passwd")),
    "states are unknown": everywhere("display_status", always("\x1b[31mgone")),
    "documents are disabled": everywhere("enabled", always(0)),
    "uploads have no document": everywhere("document", always(None)),
    "batches climb": everywhere("batch", always("../../../documents/x")),
    "everything is deep": bytes_of(b"[" * 100_000),
}

# What a document is of, its mark says: here another one of ours goes, and no stranger's.
MIXED = "ids are each other's"


class Scene:
    """A folder that was mirrored, then changed in each way; and the door it speaks through."""

    def __init__(self, folder: Path, door: Twisting, base: str) -> None:
        self.folder = folder
        self.door = door
        self.base = base
        self.terminal = Terminal(folder)
        (folder / "docs").mkdir()
        for name in NAMES:
            (folder / "docs" / name).write_text(f"# {name}\n\nWith words.\n")
        (folder / "kbsync.yaml").write_text(
            f'version: 1\nserver: {{url: "{door.url}", api_key: "${{DIFY_API_KEY}}", '
            "timeout: 4s}\nledger: ./state/ledger.db\nmirrors: [{name: docs, source: ./docs, "
            f"knowledge_base: {base}, settle: 0s, ambiguity_window: 5s}}]\n"
        )
        self.terminal.type("apply")
        (folder / "docs" / "edited.md").write_text("# Edited\n\nWith other words.\n")
        (folder / "docs" / "added.md").write_text("# Added\n\nWith more words.\n")
        (folder / "docs" / "removed.md").unlink()
        door.asked.clear()

    def removals(self) -> list[str]:
        return [path for method, path in self.door.asked if method == "DELETE"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.mark.parametrize("name", TWISTS)
@pytest.mark.seconds(10)
def test_wrong_replies_in_a_pass_harm_nothing(server: str, tmp_path: Path, name: str) -> None:
    with twisting(server) as door:
        scene = Scene(tmp_path, door, name.replace(" ", "-"))
        rows = scene.terminal.read("docs", "list", scene.base)["rows"]
        may_go = {row["id"] for row in rows if row["name"] == "removed.md" or name == MIXED}
        door.asked.clear()
        door.twist = TWISTS[name]
        code, out, err = scene.terminal.run("apply")
        assert code in (0, 1, 3, 4, 5), (code, out, err)
        assert "Traceback" not in out + err
        assert code == 0 or "next: " in out + err
        assert KEY not in out + err
        assert (out + err).replace("\n", "").isprintable()
        assert len(scene.removals()) <= 1
        assert {path.rpartition("/")[2] for path in scene.removals()} <= may_go
        assert not [path for _, path in door.asked if "metadata/metadata" in path or ".." in path]
        door.twist = honest
        converge(scene)
        rows = scene.terminal.read("docs", "list", scene.base)["rows"]
        assert sorted(row["name"] for row in rows) == ["added.md", "edited.md", "kept.md"]


def converge(scene: Scene) -> None:
    """Apply until nothing waits any more for what may still be under way."""
    end = time.monotonic() + 60
    while (ran := scene.terminal.run("apply"))[0] != 0:
        assert time.monotonic() < end, ran
        scene.terminal.run("retry", "--all")
