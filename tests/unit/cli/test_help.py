"""Every verb's help has examples, and each of them is a line that kbsync understands."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kbsync.cli import VERBS, cli

BEFORE_THE_VERB = re.compile(r"^ +kbsync ")


def leaves(
    group: click.Group, parent: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every verb with the words that lead to it."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        context = click.Context(command, parent=parent, info_name=name)
        if isinstance(command, click.Group):
            for words, leaf, below in leaves(command, context):
                yield f"{name} {words}", leaf, below
        else:
            yield name, command, context


LEAVES = {
    words: (command, context)
    for words, command, context in leaves(cli, click.Context(cli, info_name="kbsync"))
}


def examples(context: click.Context) -> list[str]:
    """Return what stands under Examples in a help, as it is typed."""
    _, _, behind = context.get_help().partition("\nExamples:\n")
    return [line.strip() for line in behind.splitlines() if line.strip()]


def parsed(line: str) -> str:
    """Parse what was typed as the shell and kbsync do, run nothing; return the verb's words."""
    line = re.sub(r'^eval "\$\((.*)\)"', r"\1", line)
    typed = re.split(r" [<>] ", line)[0]
    program, *words = shlex.split(typed, comments=True)
    assert program == "kbsync"
    context = cli.make_context("kbsync", words)
    names, command = [], context.command
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest:
            assert context.params or "--help" in words
            return ""
        name, command, behind = command.resolve_command(context, rest)
        assert name
        assert command
        names.append(name)
        context = command.make_context(name, behind, parent=context)
    return " ".join(names)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that has the files which examples name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guide.md").write_text("# A guide\n")
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="utf-8"))  # noqa: SIM115


@pytest.mark.parametrize("words", LEAVES)
def test_a_help_has_examples_that_parse(words: str) -> None:
    _, context = LEAVES[words]
    lines = examples(context)
    assert lines
    for line in lines:
        assert parsed(line) == words, line


def test_the_whole_help_names_verbs_that_are_there() -> None:
    for line in examples(click.Context(cli, info_name="kbsync")):
        typed = line.split("#")[0].split()
        assert typed[0] == "kbsync"
        assert typed[1] in VERBS


@pytest.mark.parametrize("words", LEAVES)
def test_the_configuration_may_be_named_behind_the_verb(words: str) -> None:
    command, _ = LEAVES[words]
    assert "--config" in [name for each in command.params for name in each.opts]


def test_what_the_environment_can_say_is_in_the_help() -> None:
    shown = click.Context(cli, info_name="kbsync").get_help()
    for name in ("KBSYNC_CONFIG", "KBSYNC_LOG_LEVEL", "KBSYNC_LOG_FORMAT"):
        assert name in shown
