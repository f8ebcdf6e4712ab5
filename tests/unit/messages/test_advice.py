"""A value in a command is one word of a shell, whatever it is made of."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kbsync.messages import Message, shell, verb
from kbsync.messages.advice import Invocation, invoked, quoted

NAMES = (
    "plain.md",
    "two  blanks",
    "it's",
    '"quoted"',
    "$(touch made)",
    "`touch made`",
    "a;touch made&",
    "a\ntouch made\n",
    "~$draft.docx",
    "=ls",
    "*",
    "!!",
    "#",
    "",
    "back\\slash\\012",
    "\x1b]0;title\x07it's!",
    "\u202etxt.exe",
    "na\udcefve",
    "ünï",
    "-rf",
    "'; touch made; '\x1b",
)
RETRY = Message("KB-X001", "{path}", "again: " + verb("retry --mirror {mirror} -- {path}"))
ALL = Message("KB-X002", "{paths}", verb("retry -- {paths}"))


def words_of(command: str, folder: Path, program: str = "bash") -> list[str]:
    """Return what a shell makes of `printf COMMAND`, and see that it did nothing else."""
    line = os.fsencode(rf"printf '%s\0' {command}")
    ran = subprocess.run([program, "-c", line], cwd=folder, capture_output=True, check=True)
    assert (ran.stderr, list(folder.iterdir())) == (b"", [])
    return os.fsdecode(ran.stdout).split("\0")[:-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_reads_a_name_as_it_is(name: str, tmp_path: Path) -> None:
    word = quoted(name)
    assert word.isprintable()
    assert words_of(word, tmp_path) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_without_dollar_quotes_reads_one_word_and_runs_nothing(
    name: str, tmp_path: Path
) -> None:
    assert len(words_of(quoted(name), tmp_path, "/bin/sh")) == 1


def test_dashes_are_printed_where_a_name_begins_with_one() -> None:
    assert RETRY(mirror="docs", path="a.md").next == "again: kbsync retry --mirror docs a.md"
    assert RETRY(mirror="docs", path="--all").commands == ("kbsync retry --mirror docs -- --all",)
    assert RETRY(mirror="docs", path="-a b").commands == ("kbsync retry --mirror docs -- '-a b'",)


def test_several_names_are_several_words() -> None:
    notice = ALL(paths=["a b", "c"])
    assert (notice.text, notice.next) == ("a b, c", "kbsync retry 'a b' c")


def test_commands_begin_as_this_one_did() -> None:
    with invoked(Invocation("/opt/it", "my kbsync.yaml")):
        assert ALL(paths=["a"]).next == "/opt/it -c 'my kbsync.yaml' retry a"
        own = Message("KB-X003", "", verb("-c {file} validate"))
        assert own(file="x").next == "/opt/it -c x validate"
        other = Message("KB-X004", "", shell("mv -- {file} {file}.old"))
        assert other(file="a b").commands == ("mv 'a b' 'a b.old'",)
    assert ALL(paths=["a"]).next == "kbsync retry a"


def test_words_around_a_command_are_escaped_and_it_is_not_among_them() -> None:
    message = Message("KB-X005", "", "see {path}, then: " + verb("plan") + " && " + verb("apply"))
    notice = message(path="\x1b[2J")
    assert notice.next == r"see \x1b[2J, then: kbsync plan && kbsync apply"
    assert notice.commands == ("kbsync plan", "kbsync apply")
    assert notice.hint == r"see \x1b[2J"
    assert Message("KB-X006", "")().commands == ()
