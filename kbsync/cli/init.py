"""`kbsync init`: write a configuration to start from."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from kbsync.cli import CliContext
from kbsync.messages import Notice, Problem, printable
from kbsync.messages import command as say


@click.command(
    help="Write a commented configuration to PATH (by default the file that -c names). "
    "An existing file is never written over."
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--url", default="embedded", show_default=True, help="The server's address.")
@click.option("--source", default="./docs", show_default=True, help="The folder to mirror.")
@click.option(
    "--knowledge-base", default="Docs", show_default=True, help="The knowledge base to fill."
)
@click.option("--name", default="", help="The mirror's name; by default made of the base's.")
@click.pass_obj
def command(
    place: CliContext, path: Path | None, url: str, source: str, knowledge_base: str, name: str
) -> None:
    """Write the file and say what to type next."""
    from kbsync.config.template import starter  # noqa: PLC0415

    target = path or place.config
    if target.is_dir():
        target /= "kbsync.yaml"
    text = starter(source=source, knowledge_base=knowledge_base, url=url, name=name)
    _check(text, target)
    _write(text, target)
    click.echo(f"wrote {printable(str(target))}")
    for number, step in enumerate(_steps(target, url, source), 1):
        click.echo(f"  {number}. {printable(step)}")


def _check(text: str, target: Path) -> None:
    """Load the text from a place of its own first: a wrong option leaves no file behind."""
    from kbsync.config.loading import load  # noqa: PLC0415

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
