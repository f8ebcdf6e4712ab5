"""Ignore files mean what they mean to git: git itself is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from declared import mirror_config
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kbsync.config.pattern_line import fault_of
from kbsync.source.folder import Folder

GIT = shutil.which("git")
pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed")

FOLDERS = st.sampled_from(["a", "b", "ab", "a.md", "[a]", "x y"])
FILES = st.sampled_from(
    ["a.md", "b.md", "ab.md", "-.md", "].md", "a-b.md", " .md", "!a.md", "#.md"]
)
PATHS = st.builds(
    lambda folders, name: "/".join([*folders, name]), st.lists(FOLDERS, max_size=3), FILES
)
PLAIN = ["a", "b", "ab", "a.md", "b.md", "x y", r"\a", r"\!a.md", r"\#.md", r"\[a]"]
STARS = ["*", "**", "***", "?", "*.md", "**.md", "a*", "*b*", "?.md", "?*", "a**b"]
BRACKETS = [
    "[ab]",
    "[!a]",
    "[^b].md",
    "[a-c].md",
    "[]-].md",
    r"[a\]].md",
    "[[:alpha:]].md",
    "[z-a].md",
]
BRACKETS += [
    "[",
    "[[:nope:]]*",
    "[!-]*",
    "a[!x]b*",
    "[[]*",
    "[[:]*",
    "[--a]*",
    "[a-c-z]*",
    "[/a]",
    "[!/a]*",
]
SEGMENTS = st.sampled_from([*PLAIN, *STARS, *BRACKETS])
LINES = st.builds(
    lambda negated, anchor, segments, folder, end: (
        negated + anchor + "/".join(segments) + folder + end
    ),
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
    st.sampled_from(["", "", " ", "\\ ", "\r"]),
) | st.sampled_from(["", "#a.md", "/", "!", " ", "\\"])
# A line that git takes in silence and that can match nothing blocks its folder here.
LINES = LINES.filter(lambda line: fault_of(line.removesuffix("\r")) is None)
IGNORES = st.dictionaries(
    st.lists(FOLDERS, max_size=2).map("/".join), st.lists(LINES, min_size=1, max_size=5), max_size=3
)


def write(root: Path, paths: set[str], ignores: dict[str, list[str]]) -> None:
    for path in sorted(paths):
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x")
        except OSError:
            continue  # A file stands where this one needs a folder, or the other way round.
    for place, lines in ignores.items():
        if (root / place).is_dir():
            (root / place / ".gitignore").write_text("\n".join(lines), newline="")


def asked_git(root: Path, git: Path) -> set[str]:
    clean = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(git)}
    listed = subprocess.run(
        [str(GIT), f"--git-dir={git}", "--work-tree=.", "ls-files", "-oz", "--exclude-standard"],
        cwd=root,
        env=clean,
        check=True,
        capture_output=True,
    )
    names = os.fsdecode(listed.stdout).split("\0")
    return {name for name in names if name and not name.endswith(".gitignore")}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("repository")
    subprocess.run([str(GIT), "init", "-q", "--bare", str(made)], check=True)
    return made


@settings(max_examples=150, deadline=None)
@example(paths={"b/a.md"}, ignores={"": ["[/[--a]*"]})
@example(paths={"b/a.md"}, ignores={"": ["***/b"]})
@given(paths=st.sets(PATHS, min_size=1, max_size=10), ignores=IGNORES)
def test_the_scan_takes_exactly_what_git_does_not_ignore(
    repository: Path, paths: set[str], ignores: dict[str, list[str]]
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        write(root, paths, ignores)
        source = Folder(mirror_config(root, hidden=True, max_file_size=9, extensions={"md"}))
        taken = {seen[0] for seen in source.scan() if isinstance(seen, tuple)}
        assert taken == asked_git(root, repository)
