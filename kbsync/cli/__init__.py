"""The command: one file per verb; parses, calls `app`, prints, exits. No logic."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from kbsync import __version__
from kbsync.messages import Exit, Notice, Problem

VERBS = {
    "init": "write a configuration to start from",
    "validate": "check the configuration, the sources and the server",
    "plan": "show what would be done",
    "apply": "make the knowledge bases mirror their folders, once",
    "run": "keep the knowledge bases mirroring their folders",
    "status": "what is where",
    "history": "what was done",
    "search": "ask the knowledge base",
    "explain": "why one file is in its state",
    "retry": "try again what failed or was refused",
    "pause": "have the daemon leave mirrors alone",
    "resume": "have the daemon go on with mirrors",
    "reload": "have the daemon read its configuration anew",
    "doctor": "diagnose server, ledger and machine",
    "mirror": "rename, forget or destroy what the ledger knows of a mirror",
    "adopt": "take documents over that kbsync did not make",
    "ledger": "check, back up or copy the ledger",
    "serve": "run the embedded knowledge base as a server of its own",
    "schema": "print the JSON Schema of the configuration",
    "demo": "mirror a folder into the embedded knowledge base, search it, mirror again",
    "kb": "knowledge bases by hand",
    "docs": "documents by hand",
    "chunks": "chunks by hand",
}


@dataclass(frozen=True, slots=True)
class CliContext:
    """What every verb is told: where the configuration is, and what to log."""

    config: Path
    log_level: str | None = None


class Verbs(click.Group):
    """Loads a verb's file when the verb is used, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order a person meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb's command: `command` of the file named like it."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"kbsync.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - the table names our own files
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of verbs without loading one."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kbsync")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=Path("kbsync.yaml"),
    envvar="KBSYNC_CONFIG",
    show_default=True,
    help="The configuration file.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning"]),
    envvar="KBSYNC_LOG_LEVEL",
    help="What is logged to stderr.  [default: info for run, warning otherwise]",
)
@click.pass_context
def cli(ctx: click.Context, config: Path, log_level: str | None) -> None:
    """Keep a folder and a knowledge base the same."""
    ctx.obj = CliContext(config, log_level)


def warn(notices: Iterable[Notice]) -> None:
    """Print warnings to standard error, each with what to do about it."""
    for notice in notices:
        click.echo(f"kbsync: warning: {notice}", err=True)
        if notice.next:
            click.echo(f"  next: {notice.next}", err=True)


def main() -> None:
    """Run the command and end the process with its exit code."""
    sys.exit(obey(sys.argv[1:]))


def obey(arguments: list[str]) -> int:
    """Run the command with `arguments` and return its exit code (docs/design.md section 7)."""
    try:
        result = cli.main(arguments, prog_name="kbsync", standalone_mode=False)
    except Problem as problem:
        click.echo(f"kbsync: {problem}", err=True)
        return problem.exit
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("kbsync: stopped; what was begun is in the ledger", err=True)
        return 130
    except BrokenPipeError:
        return Exit.FAULT
    return int(result) if isinstance(result, int) else Exit.OK
