"""The default list: every line leaves out what it names, wherever the walk meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from declared import mirror_config

from kbsync.messages.source import OWN_FILE
from kbsync.model import Excluded, Skipped
from kbsync.model.file_types import ACCEPTED
from kbsync.source.default_excludes import DEFAULT_EXCLUDES, DefaultExclude
from kbsync.source.folder import Folder

SPELT = {
    "[Tt]": "T",
    "[Dd]": "D",
    "[A-Z]": "L",
    "[a-p]": "p",
    "[0-9]": "1",
    "[!0-9]": "pdf",
    "[#]": "#",
}
WRITTEN = (
    *("Conflict of interest.md", "conflict.md", "part.md", "report.part.2.md", "a~b.md", "x#y.md"),
    *("Recycle bin.md", "snapshot.md", "thumbs.md", "download.md", "#1 plan.md", "~notes.md"),
)


def example(line: DefaultExclude, filling: str) -> str:
    name = line.pattern
    for pattern, letter in SPELT.items():
        name = name.replace(pattern, letter)
    return name.replace("*", filling).replace("?", "0")


def made(root: Path, name: str) -> str:
    if name.endswith("/"):
        (root / name).mkdir()
        (root / name / "inside.md").write_text("x")
    else:
        (root / name).write_text("x")
    return name


def left_out(source: Folder) -> list[str]:
    return [seen.key.path for seen in source.scan() if isinstance(seen, Excluded)]


def test_each_line_says_what_makes_such_files_and_where_that_can_be_read() -> None:
    assert all(all(line) for line in DEFAULT_EXCLUDES)
    patterns = [line.pattern for line in DEFAULT_EXCLUDES]
    assert len(set(patterns)) == len(patterns)


@pytest.mark.parametrize("filling", ["x", "a.md", "Plan 2.docx"])
def test_each_line_leaves_out_what_it_names(tmp_path: Path, filling: str) -> None:
    for line in DEFAULT_EXCLUDES:
        name = example(line, filling)
        if not (tmp_path / name).exists():
            made(tmp_path, name)
    source = Folder(mirror_config(tmp_path, hidden=True, extensions=ACCEPTED))
    here = sorted(path.name + "/" * path.is_dir() for path in tmp_path.iterdir())
    assert left_out(source) == here
    assert [seen for seen in source.scan() if not isinstance(seen, Excluded)] == []
    for name in here:
        state = source.look(name if name[-1] != "/" else name + "inside.md")
        assert isinstance(state, Excluded)
        assert state.why
    off = mirror_config(tmp_path, hidden=True, default_excludes=False, extensions=ACCEPTED)
    assert left_out(Folder(off)) == []


def test_what_a_person_wrote_is_taken(tmp_path: Path) -> None:
    for name in WRITTEN:
        made(tmp_path, name)
    taken = {seen[0] for seen in Folder(mirror_config(tmp_path)).scan() if isinstance(seen, tuple)}
    assert taken == set(WRITTEN)


@pytest.mark.parametrize(
    "declared",
    [
        {"include": ["*", "~$*"]},
        {"include": ["*.docx", "/sub/~$plan.docx"]},
        {"include": ["sub/**", "~$plan.docx"]},
        {"exclude": ["!~$*"]},
        {"default_excludes": False},
    ],
)
def test_a_person_takes_a_line_back(tmp_path: Path, declared: dict[str, object]) -> None:
    (tmp_path / "sub").mkdir()
    made(tmp_path / "sub", "~$plan.docx")
    assert isinstance(Folder(mirror_config(tmp_path)).look("sub/~$plan.docx"), Excluded)
    source = Folder(mirror_config(tmp_path, **declared))
    assert [seen[0] for seen in source.scan() if isinstance(seen, tuple)] == ["sub/~$plan.docx"]


def test_an_ignore_file_takes_a_line_back(tmp_path: Path) -> None:
    (tmp_path / ".kbsyncignore").write_text("![#]recycle/\n")
    made(tmp_path, "#recycle/")
    source = Folder(mirror_config(tmp_path))
    assert [seen[0] for seen in source.scan() if isinstance(seen, tuple)] == ["#recycle/inside.md"]


@pytest.mark.parametrize("include", [["*.docx"], ["*"], ["**/p*"], ["sub/"]])
def test_an_include_that_does_not_name_it_takes_nothing_back(
    tmp_path: Path, include: list[str]
) -> None:
    (tmp_path / "sub").mkdir()
    made(tmp_path / "sub", "~$plan.docx")
    source = Folder(mirror_config(tmp_path, include=include))
    assert not any(isinstance(seen, tuple) for seen in source.scan())


def test_a_folder_is_entered_for_what_an_include_names_in_it(tmp_path: Path) -> None:
    made(tmp_path, "@eaDir/")
    source = Folder(mirror_config(tmp_path, include=["@eaDir/inside.md"]))
    assert [seen[0] for seen in source.scan() if isinstance(seen, tuple)] == ["@eaDir/inside.md"]


def test_a_type_that_is_declared_is_wanted(tmp_path: Path) -> None:
    made(tmp_path, "x.tmp")
    made(tmp_path, "y.part")
    source = Folder(mirror_config(tmp_path, extensions=["tmp"]))
    assert [seen[0] for seen in source.scan() if isinstance(seen, tuple)] == ["x.tmp"]
    assert left_out(source) == ["y.part"]


def test_other_types_are_skipped_as_before(tmp_path: Path) -> None:
    made(tmp_path, "photo.jpeg")
    assert isinstance(next(Folder(mirror_config(tmp_path)).scan()), Skipped)


def test_files_of_kbsync_itself_are_skipped_by_whatever_name(tmp_path: Path) -> None:
    for name in ("ledger.md", "a.md"):
        made(tmp_path, name)
    (tmp_path / "linked.md").hardlink_to(tmp_path / "ledger.md")
    source = Folder(mirror_config(tmp_path), {tmp_path / "ledger.md": "its ledger"})
    skipped = {seen.key.path: seen.why.code for seen in source.scan() if isinstance(seen, Skipped)}
    assert skipped == dict.fromkeys(("ledger.md", "linked.md"), OWN_FILE.code)
    state = source.look("linked.md")
    assert isinstance(state, Skipped)
    assert state.why == OWN_FILE(what="its ledger")


def test_the_file_behind_the_output_is_skipped(tmp_path: Path) -> None:
    made(tmp_path, "a.md")
    script = (
        "import sys; from pathlib import Path; from kbsync.config import MirrorConfig\n"
        "from kbsync.source.folder import Folder\n"
        f"c = MirrorConfig(name='m', source={str(tmp_path)!r}, knowledge_base='Docs')\n"
        "print('a line', file=sys.stderr, flush=True)\n"
        "print([getattr(each, 'why', each[0] if isinstance(each, tuple) else each)"
        " for each in Folder(c).scan()])"
    )
    with (tmp_path / "log.txt").open("wb") as log:
        ran = subprocess.run([sys.executable, "-c", script], check=True, stderr=log, stdout=PIPE)
    assert b"'a.md'" in ran.stdout
    assert b"KB-S161" in ran.stdout
