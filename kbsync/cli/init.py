"""`kbsync init`: write a configuration to start from."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Init
from kbsync.cli.usual_places import HERE
from kbsync.config.declaration import json_schema
from kbsync.config.loading import load
from kbsync.config.template import SCHEMA, starter
from kbsync.messages import Notice, Problem, printable, shell, verb
from kbsync.messages import command as say
from kbsync.messages.advice import INVOCATION, invoked

USUAL = ("embedded", "./docs", "Docs", "")


def init(verb: Init, context: CliContext) -> None:
    """Write the file and say what to type next."""
    if _asks(verb):
        from kbsync.cli.init_questions import answered  # noqa: PLC0415 - it loads the client

        verb = answered(verb)
    target = verb.path or context.named or HERE
    if target.is_dir():
        target /= HERE
    text = starter(
        source=verb.source,
        knowledge_base=verb.knowledge_base,
        url=verb.url,
        name=verb.name,
        file=target.name,
    )
    _check(text, target)
    _write(text, target)
    click.echo(f"wrote {printable(str(target))}")
    _write_schema(target.with_name(SCHEMA))
    config = None if target == HERE else str(target)
    with invoked(replace(INVOCATION.get(), config=config)):
        for number, step in enumerate(_steps(target.parent / verb.source, verb.url), 1):
            click.echo(f"  {number}. {step}")


def _asks(verb: Init) -> bool:
    """Whether a person is there to answer, who named nothing."""
    usual = (verb.url, verb.source, verb.knowledge_base, verb.name) == USUAL
    return usual and sys.stdin.isatty() and sys.stdout.isatty()


def _write_schema(target: Path) -> None:
    """Write the schema for editors, which do without where it cannot be written."""
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(json.dumps(json_schema(), indent=2) + "\n")
    except OSError:
        return
    click.echo(f"wrote {printable(str(target))}, by which editors complete and check it")


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
    message = replace(notice.message, next="correct the option; see: " + verb("init --help"))
    return replace(notice, message=message, words={**notice.words, "file": str(target)})


def _write(text: str, target: Path) -> None:
    try:
        # Made only if it is not there, in one step: nothing is written over.
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Problem(say.FILE_EXISTS(path=target)) from None
    except OSError as error:
        raise Problem(
            say.CANNOT_WRITE(path=target, folder=target.parent, why=error.strerror)
        ) from None


def _steps(source: Path, url: str) -> Iterator[str]:
    if not source.is_dir():
        making = shell("mkdir -p -- {path}").line(path=str(source))
        yield f"{making}    (and put your documents there)"
    if url != "embedded" and not os.environ.get("DIFY_API_KEY"):
        asking = shell("read -rs DIFY_API_KEY && export DIFY_API_KEY").line()
        yield f"{asking}    (and type the knowledge API key of your server, which is not shown)"
    yield from (verb(each).line() for each in ("validate", "plan", "apply"))
