"""Every command of the catalogue, filled with hostile names, pasted into a shell."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from tempfile import TemporaryFile

import click
import pytest

from kbsync.cli import VERBS, cli
from kbsync.messages import Message, Notice, catalogue
from kbsync.messages.advice import Advice, Invocation, Program, ShellLine, invoked

HOSTILE = (
    "x $(touch made).md",
    "`touch made`.md",
    "it's   a note.md",
    "~$my $HOME plan (v2) & co.docx",
    "a\ntouch made\n",
    "'; touch made; '\x1b]0;owned\x07!!",
    '"; touch made; "|>made<(touch made)',
    "--all.md",
    "-x\u202emd.\u200f\udcff\udce9",
    "=touch {made,} * ? [a] # \\",
)
# Words that are no names, but chosen from a few.
CHOSEN = {
    **{"switch": "enable", "seconds": "30", "digest": "0123abcd", "variable": "DIFY_API_KEY"},
    **{"meant": "plan", "asking": "--help"},
}
# These fill as many words as they have values.
SEVERAL = {"files": (), "packages": (), "installer": ("python3", "-m", "pip", "install")}
TYPED = ("plan", "--target", "a b", "--", "-docs")
# What a message tells to run besides kbsync. Each notes its words instead of doing anything.
OTHERS = (
    *("chmod", "createdb", "df", "dmesg", "export", "fuser", "id", "ls", "mkdir", "mv", "psql"),
    *("openssl", "python3", "read", "rm", "sed", "sleep", "ss", "sudo", "sysctl", "timedatectl"),
)
NOTES = r"""
note() { printf '%s\0' "$@" >&3; printf '\2\0' >&3; }
command_not_found_handle() { note MADE "$@"; }
PATH=/nowhere
"""
PASTED = "for line; do eval \"$line\"; printf '\\1\\0' >&3; done"


def fields(message: Message) -> Iterator[str]:
    yield from (
        name for _, name, _, _ in Formatter().parse(f"{message.text}{message.advice}") if name
    )


def filled(message: Message, name: str) -> Notice:
    words: dict[str, object] = {each: CHOSEN.get(each, name) for each in fields(message)}
    several = {each: value for each, value in SEVERAL.items() if each in words}
    return message(**{**words, **{each: [*value, name, name] for each, value in several.items()}})


def lines(advice: Advice) -> list[ShellLine]:
    return [part for part in advice.parts if isinstance(part, ShellLine)]


def meant(line: ShellLine, notice: Notice, invocation: Invocation) -> list[list[str]]:
    """Return the words of each program the line is to run."""
    words: list[str] = []
    for word in line.template.split():
        value = notice.words.get(word[1:-1])
        words += value if isinstance(value, tuple) else [literal(word, notice)]
    if "--" in words and not any(each.startswith("-") for each in words[words.index("--") + 1 :]):
        words.remove("--")
    begin = [invocation.program, "-c", str(invocation.config)]
    if line.program is Program.KBSYNC:
        return [[*begin[: 1 if words[0] == "-c" else 3], *words]]
    if line.program is Program.AGAIN:
        return [[*begin, *TYPED[:3], *words, *TYPED[3:]]]
    parts = re.split(r" && ", "\0".join(words).replace("\0&&\0", " && "))
    return [part.split("\0") for part in parts]


def literal(word: str, notice: Notice) -> str:
    return word.format_map(notice.words) if "{" in word else word.strip("'")


def run(commands: list[str], folder: Path) -> list[list[list[str]]]:
    """Return which programs a shell runs for each command, with their words."""
    program = "".join(f'{each}() {{ note {each} "$@"; }}\n' for each in ("kbsync", *OTHERS))
    with TemporaryFile() as notes:
        words = ["bash", "-c", f"{NOTES}{program}exec 3>&0; {PASTED}", "bash", *commands]
        raw = [os.fsencode(each) for each in words]
        ran = subprocess.run(raw, stdin=notes, cwd=folder, capture_output=True, check=False)
        notes.seek(0)
        noted = os.fsdecode(notes.read())
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert not list(folder.iterdir())
    return [
        [each.split("\0")[:-1] for each in one.split("\x02\0")[:-1]]
        for one in noted.split("\x01\0")[:-1]
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_pasted_it_runs_what_it_names_and_nothing_else(name: str, tmp_path: Path) -> None:
    invocation = Invocation("kbsync", name, TYPED)
    expected, commands = [], list[str]()
    with invoked(invocation):
        for message in catalogue().values():
            notice = filled(message, name)
            expected += [meant(line, notice, invocation) for line in lines(message.advice)]
            commands += notice.commands
            assert notice.next.isprintable()
    done = run(commands, tmp_path)
    wrong = [(c, d, e) for c, d, e in zip(commands, done, expected, strict=True) if d != e]
    assert not wrong


@pytest.mark.parametrize("name", ["a.md", *HOSTILE[-3:]])
def test_the_verb_takes_the_words_it_is_given(name: str) -> None:
    wrong = {}
    for code, message in catalogue().items():
        notice = filled(message, name)
        for line in lines(message.advice):
            if line.program is Program.KBSYNC:
                [words] = meant(line, notice, Invocation("kbsync", "kbsync.yaml"))
                if fault := refusal(words[1:]):
                    wrong[code] = fault
    assert not wrong


def refusal(words: list[str]) -> str | None:
    """Return why the command line cannot be parsed, None when it can."""
    with invoked(Invocation()):
        return _fault(words)


def _fault(words: list[str]) -> str | None:
    try:
        context, command = cli.make_context("kbsync", list(words)), cli
        while isinstance(command, click.Group):
            name, found, rest = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            assert found is not None
            context, command = found.make_context(name, rest, parent=context), found
    except click.exceptions.Exit:
        return None
    except click.UsageError as error:
        return error.format_message()
    return None


def test_advice_ends_with_a_command() -> None:
    def fits(message: Message) -> bool:
        parts = message.advice.parts
        return not parts or isinstance(parts[-1], ShellLine)

    assert not [code for code, message in catalogue().items() if not fits(message)]


def test_no_command_stands_among_the_words_around_it() -> None:
    command = re.compile(rf"\bkbsync (?:-c|{'|'.join(VERBS)})\b|[:;`] ?(?:{'|'.join(OTHERS)}) ")
    # What a person would have to fill in.
    command = re.compile(rf"{command.pattern}|\b(?:BASE|DIGEST|FILE|FROM|ID|NAME|PATH|QUERY|TO)\b")
    found = {
        code: part
        for code, message in catalogue().items()
        for part in message.advice.parts
        if isinstance(part, str) and command.search(part)
    }
    assert not found
