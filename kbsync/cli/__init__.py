"""The command: the table of verbs, and how a process that runs one ends."""

from __future__ import annotations

import gc
import os
import pkgutil
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from kbsync import __version__
from kbsync.cli import output, streams, utf8
from kbsync.cli.command_line import (
    LOG_FORMATS,
    LOG_LEVELS,
    CliContext,
    TypedGroup,
    command_of,
)
from kbsync.messages import Exit, Problem
from kbsync.messages.advice import INVOCATION, Invocation, quoted
from kbsync.messages.machine_limits import limit_behind

# Parts of libraries that no verb uses, though what uses them is loaded: the command line of httpx,
# which brings rich, and the other event loop of httpcore. To Python, None is a missing module.
UNUSED = ("httpx._main", "trio")

# Python's own bounds make a start search all that was loaded for cycles, again and again. So many
# new objects are more than a start makes.
COLLECT_AFTER = (300_000, 10, 10)

LOCAL = "kbsync.cli.local_verbs"
WRITING = "kbsync.commands.writing_verbs"
MIRRORS = "kbsync.commands.mirror_verbs"
BY_HAND = "kbsync.cli.api"


class Verb(NamedTuple):
    """A verb in the list of `kbsync --help`, and the "module:name" of its declaration."""

    summary: str
    declared: str


VERBS = {
    "init": Verb("write a configuration to start from", f"{LOCAL}:Init"),
    "validate": Verb("check the configuration, the sources and the server", f"{LOCAL}:Validate"),
    "plan": Verb("show what would be done", f"{WRITING}:PlanCommand"),
    "apply": Verb("make the knowledge bases mirror their folders, once", f"{WRITING}:Apply"),
    "run": Verb("keep the knowledge bases mirroring their folders", f"{LOCAL}:Run"),
    "status": Verb("what is where", f"{LOCAL}:Status"),
    "history": Verb("what was done", f"{LOCAL}:ShowHistory"),
    "search": Verb("ask the knowledge base", f"{LOCAL}:SearchBases"),
    "verify": Verb("compare what is stored with what is on disk", f"{LOCAL}:Verify"),
    "explain": Verb("why one file is in its state", f"{WRITING}:Explain"),
    "retry": Verb("try again what failed or was refused", f"{WRITING}:Retry"),
    "pause": Verb("have the daemon leave mirrors alone", f"{MIRRORS}:Pause"),
    "resume": Verb("have the daemon go on with mirrors", f"{MIRRORS}:Resume"),
    "reload": Verb("have the daemon read its configuration anew", f"{MIRRORS}:Reload"),
    "doctor": Verb("diagnose server, ledger and machine", f"{LOCAL}:Doctor"),
    "mirror": Verb(
        "rename, forget or destroy what the ledger knows of a mirror", f"{MIRRORS}:MIRROR"
    ),
    "adopt": Verb("take documents over that kbsync did not make", f"{MIRRORS}:AdoptDocuments"),
    "export": Verb(
        "write a knowledge base to a folder that can be mirrored", f"{LOCAL}:ExportBase"
    ),
    "trash": Verb("what was deleted: list it, bring it back, empty it", f"{LOCAL}:TRASH"),
    "ledger": Verb("check, back up or copy the ledger", "kbsync.cli.ledger_verbs:LEDGER"),
    "serve": Verb("run the embedded knowledge base as a server of its own", f"{LOCAL}:Serve"),
    "completion": Verb("print a script that completes verbs in a shell", f"{LOCAL}:Completion"),
    "schema": Verb("print the JSON Schema of the configuration", f"{LOCAL}:Schema"),
    "demo": Verb(
        "mirror a folder into the embedded knowledge base, search it, mirror again",
        f"{LOCAL}:Demo",
    ),
    "kb": Verb("knowledge bases by hand", f"{BY_HAND}.knowledge_bases:GROUP"),
    "docs": Verb("documents by hand", f"{BY_HAND}.documents:GROUP"),
    "chunks": Verb("chunks by hand", f"{BY_HAND}.chunks:GROUP"),
}


EXAMPLES = (
    "kbsync init                     # write kbsync.yaml, and say what to type next",
    "kbsync plan                     # what would be done",
    "kbsync apply                    # do it",
    "kbsync run                      # keep on doing it, as files change",
    "kbsync plan --help              # each verb has its own",
)

# A key or a password on the command line is not printed again.
_OF_A_SECRET = re.compile(r"--api-key(=|$)|.*://[^/]*@")


class Verbs(TypedGroup):
    """Loads a verb's declaration when the verb is named, and what it does when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order a person meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb's command; None when there is no such verb."""
        verb = VERBS.get(cmd_name)
        return verb and command_of(cmd_name, pkgutil.resolve_name(verb.declared))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, and keep what was typed for messages that say to type it again."""
        words = (args[0], "--help") if any(map(_OF_A_SECRET.match, args)) else tuple(args)
        INVOCATION.set(replace(INVOCATION.get(), verb=words))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of verbs without loading one."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what to begin with."""
        with formatter.section("Examples"):
            for line in EXAMPLES:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kbsync")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    envvar="KBSYNC_CONFIG",
    show_envvar=True,
    show_default="kbsync.yaml here, in ~/.config/kbsync, or in /etc/kbsync",
    help="The configuration file.",
)
@click.option(
    "--log-level",
    type=LOG_LEVELS,
    envvar="KBSYNC_LOG_LEVEL",
    show_envvar=True,
    help="What is logged to stderr.  [default: info for run, warning otherwise]",
)
@click.option(
    "--log-format",
    type=LOG_FORMATS,
    default="auto",
    envvar="KBSYNC_LOG_FORMAT",
    show_envvar=True,
    show_default=True,
    help="For people or for programs; auto: text on a terminal, JSON lines elsewhere.",
)
@click.pass_context
def cli(ctx: click.Context, config: Path | None, log_level: str | None, log_format: str) -> None:
    """Keep a folder and a knowledge base the same."""
    INVOCATION.set(replace(INVOCATION.get(), config=None if config is None else str(config)))
    ctx.obj = CliContext(config, log_level, log_format)
    if output.forced_colour():
        ctx.color = True  # or what is printed would be stripped of them
    if log_level is not None or log_format != "auto":
        # It takes time to load, which a verb that logs nothing need not pay.
        pkgutil.resolve_name("kbsync.app.logs:configure")(log_level, log_format)


_NO_MEMORY = (
    b"kbsync: the system has no more memory for this process [KB-M177]\n"
    b"  next: give it more (ulimit -v, MemoryMax= of the service, or the container's limit)\n"
)


def main() -> None:
    """Run the command and end the process with its exit code."""
    gc.set_threshold(*COLLECT_AFTER)
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    # pydantic would read the metadata of every package that is installed, and hand what is declared
    # to any plugin it finds.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    INVOCATION.set(Invocation(_program()))
    streams.install()
    try:
        code = _run()
    # Where memory ends, an error may come from anywhere, from the end of `obey` itself too.
    except Exception as fault:
        code = _ended(fault)
    finally:
        taken = streams.finish()
        # What is left is given back with the process: to search it for cycles takes long.
        gc.freeze()
    # What was done is done, but what a script was to read of it is not there.
    sys.exit(code if code or taken else Exit.FAULT)


def _ended(fault: Exception) -> int:
    """End a verb as `_unsaid`, with words of before where there is no memory to make any."""
    try:
        return _unsaid(fault)
    except MemoryError:
        os.write(streams.ERROR, _NO_MEMORY)
        return Exit.FAULT


def _run() -> int:
    try:
        utf8.insist()
    except Problem as problem:
        click.echo(f"kbsync: {problem}", err=True)
        return problem.exit
    return obey(sys.argv[1:])


def _program() -> str:
    """Return what has to be typed for this very program."""
    if given := os.environ.get("KBSYNC_COMMAND"):
        return given
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        return f"{quoted(sys.executable)} -m kbsync"
    found = shutil.which(script.name)
    same = found is not None and Path(found).resolve() == script.resolve()
    return quoted(script.name if same else str(script.absolute()))


def obey(arguments: list[str]) -> int:
    """Run the command with `arguments` and return its exit code (docs/design.md section 7)."""
    try:
        # Not standalone: exit codes and errors are ours (docs/design.md section 7).
        result = cli.main(arguments, prog_name="kbsync", standalone_mode=False)
    except Problem as problem:
        click.echo(f"kbsync: {problem}", err=True)
        return problem.exit
    except click.ClickException as error:
        return _misused(error)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kbsync: stopped; what was begun is in the ledger", err=True)
        # As shells report it: 128 and the number of SIGINT.
        return 130
    # A limit of this process may end a verb anywhere, and with any error.
    except (BaseExceptionGroup, Exception) as fault:
        return _unsaid(fault)
    return int(result) if isinstance(result, int) else Exit.OK


def _misused(error: click.ClickException) -> int:
    meant = None
    if isinstance(error, click.NoSuchOption):
        from kbsync.cli.wrong_words import option_meant  # noqa: PLC0415 - most words are right

        meant = option_meant(error)
    if meant is None:
        error.show()
    else:
        click.echo(f"kbsync: {Problem(meant)}", err=True)
    return Exit.USAGE


def _unsaid(fault: BaseException) -> int:
    """End a verb that cannot say what it was to say; quietly, where its reader had enough.

    A limit of this process may end one anywhere, as where it imports what it needs.
    """
    while isinstance(fault, BaseExceptionGroup) and len(fault.exceptions) == 1:
        fault = fault.exceptions[0]
    if limit := limit_behind(fault):
        click.echo(f"kbsync: {Problem(limit)}", err=True)
        return limit.message.exit
    if not isinstance(fault, streams.OutputLost):
        raise fault
    if fault.why is not None:
        click.echo(f"kbsync: {Problem(fault.why)}", err=True)
    return Exit.FAULT
