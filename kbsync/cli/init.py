"""`kbsync init`: write a configuration to start from."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Init
from kbsync.config.loading import load
from kbsync.config.template import starter
from kbsync.messages import Notice, Problem, printable
from kbsync.messages import command as say


def init(verb: Init, context: CliContext) -> None:
    """Write the file and say what to type next."""
    target = verb.path or context.config
    if target.is_dir():
        target /= "kbsync.yaml"
    text = starter(
        source=verb.source, knowledge_base=verb.knowledge_base, url=verb.url, name=verb.name
    )
    _check(text, target)
    _write(text, target)
    click.echo(f"wrote {printable(str(target))}")
    for number, step in enumerate(_steps(target, verb.url, verb.source), 1):
        click.echo(f"  {number}. {printable(step)}")


def _check(text: str, target: Path) -> None:
    """Load the text from a place of its own first: a wrong option leaves no file behind."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "kbsync.yaml"
        trial.write_text(text, encoding="utf-8", errors="surrogateescape")
        try:
            load(trial, {"DIFY_API_KEY": "not-yet-known"})
        except Problem as problem:
            raise Problem(*(_about(each, target) for each in problem.notices)) from None


def _about(notice: Notice, target: Path) -> Notice:
    message = replace(notice.message, next="correct the option; see: kbsync init --help")
    return replace(notice, message=message, words={**notice.words, "file": printable(str(target))})


def _write(text: str, target: Path) -> None:
    try:
        # Made only if it is not there, in one step: nothing is written over.
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        config = shlex.quote(str(target))
        raise Problem(say.FILE_EXISTS(path=target, config=config)) from None
    except OSError as error:
        raise Problem(say.CANNOT_WRITE(path=target, why=error.strerror)) from None


def _steps(target: Path, url: str, source: str) -> Iterator[str]:
    kbsync = "kbsync"
    if target != Path("kbsync.yaml"):
        kbsync += f" -c {shlex.quote(str(target))}"
    folder = target.parent / source
    if not folder.is_dir():
        yield f"mkdir -p {shlex.quote(str(folder))}    (and put your documents there)"
    if url != "embedded":
        yield "export DIFY_API_KEY=…    (the knowledge API key of your server)"
    yield f"{kbsync} validate"
    yield f"{kbsync} plan"
    yield f"{kbsync} apply"
