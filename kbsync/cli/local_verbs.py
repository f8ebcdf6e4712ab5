"""The verbs that are done where they are typed, never by a daemon: what each takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import click

from kbsync.cli.command_line import LocalVerb, Sentence, local_verb
from kbsync.commands.mirror_verbs import EmptyTrash
from kbsync.commands.options import Time, VerbGroup, argument, flag, option

JSON = "Print one JSON object."
OFFLINE = "Ask no server."
KEY_VARIABLE = "KBSYNC_SERVE_KEY"


@local_verb
class Init(LocalVerb):
    """Write a configuration file."""

    help: ClassVar[str] = (
        "Write a commented configuration to PATH (by default the file that -c names), and beside "
        "it the JSON Schema by which editors complete and check it. At a terminal, without an "
        "option, it asks; the key is never written. An existing file is never written over."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync init",
        "kbsync init --source ./handbook --knowledge-base Handbook",
        "kbsync init --url https://api.dify.ai/v1 team.yaml",
    )
    work: ClassVar[str] = "kbsync.cli.init:init"
    path: Path | None = argument(None, type=click.Path(path_type=Path))
    url: str = option("embedded", "--url", show_default=True, help="The server's address.")
    source: str = option("./docs", "--source", show_default=True, help="The folder to mirror.")
    knowledge_base: str = option(
        "Docs", "--knowledge-base", show_default=True, help="The knowledge base to fill."
    )
    name: str = option("", "--name", help="The mirror's name; by default made of the base's.")


@local_verb
class Validate(LocalVerb):
    """Check configuration, folders and servers."""

    help: ClassVar[str] = (
        "Check the configuration, the folders and the servers; change nothing. "
        "Exit code: 0 sound, 64 something to correct in the file or on this machine, "
        "5 a server, its key or a knowledge base."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync validate",
        "kbsync validate --offline",
        "kbsync validate --json",
    )
    work: ClassVar[str] = "kbsync.cli.validate:validate"
    offline: bool = flag("--offline", help=OFFLINE)
    as_json: bool = flag("--json", help=JSON)


@local_verb
class Run(LocalVerb):
    """Run the daemon."""

    help: ClassVar[str] = (
        "Watch the folders and keep their knowledge bases the same: an edit is there seconds "
        "after it is saved. Other verbs hand their requests over while it runs. SIGTERM and Ctrl-C "
        "bring what is in flight to its end, a second one ends at once; SIGHUP reads the "
        "configuration anew. Exit code: 0 ended by a signal, 64 wrong usage or configuration, "
        "1 the ledger is in use (with --standby it is waited for)."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync run",
        "kbsync --log-format json run",
        "kbsync run --standby",
        "kbsync run --role watch --role schedule",
    )
    work: ClassVar[str] = "kbsync.cli.run:run"
    standby: bool = flag(
        "--standby",
        help="Wait while another process holds the ledger, and take over within seconds when it "
        "ends: for two replicas of which one works.",
    )
    role: tuple[str, ...] = option(
        (),
        "--role",
        multiple=True,
        type=click.Choice(["all", "watch", "work", "schedule"]),
        help="What this process does in a cluster over a ledger on PostgreSQL: watch the folders, "
        "work on shards, or schedule; may be repeated. Default: all, one process and no cluster.",
    )


@local_verb
class Status(LocalVerb):
    """Show mirrors and documents by state, and what the daemon does."""

    help: ClassVar[str] = (
        "Show every mirror and its documents by state, as the ledger knows them, and what the "
        "daemon does, if one runs. Exit code: 0 well, 3 documents failed, are stale or unmet, 4 a "
        "mirror is halted or held back, 5 its server cannot be reached."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync status",
        "kbsync status --failed",
        "kbsync status --watch",
        "kbsync status --running --json",
    )
    work: ClassVar[str] = "kbsync.cli.status:status"
    failed: bool = flag(
        "--failed", help="Name each document that failed, was refused, is stale or unmet."
    )
    foreign: bool = flag("--foreign", help="Name each document that kbsync did not make.")
    running: bool = flag(
        "--running",
        help="Show the daemon alone, as a health check: exit code 0, 4 or 5 as above, 1 when none "
        "answers.",
    )
    watch: bool = flag("--watch", help="Show it anew every two seconds, until Ctrl-C.")
    as_json: bool = flag("--json", help=JSON)


@local_verb
class ShowHistory(LocalVerb):
    """Show the journal."""

    help: ClassVar[str] = (
        "Show the journal, newest first: every remote change that was made or tried."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync history",
        "kbsync history guide.md --limit 5",
        "kbsync history --mirror docs --json",
    )
    work: ClassVar[str] = "kbsync.cli.history:history"
    path: str | None = argument(None)
    mirror: str | None = option(None, "--mirror", help="Only this mirror.")
    limit: int = option(50, "--limit", show_default=True, type=click.IntRange(1, 100_000))
    before: int | None = option(
        None, "--before", type=int, help="Only lines with a smaller number."
    )
    as_json: bool = flag("--json", help=JSON)


@local_verb
class SearchBases(LocalVerb):
    """Search knowledge bases."""

    help: ClassVar[str] = (
        "Search the knowledge base of MIRROR, or of every mirror, and show the best chunks. "
        "Several words need no quotes; the first is a mirror's name where it is one."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync search foxes",
        "kbsync search two words",
        'kbsync search docs "how do I log in" --top 3',
        "kbsync search foxes --filter lang=en --json",
    )
    work: ClassVar[str] = "kbsync.cli.search:search"
    # A sentence may begin with a dash.
    click_settings: ClassVar[dict[str, Any]] = {
        "cls": Sentence,
        "context_settings": {"ignore_unknown_options": True, "help_option_names": ["--help"]},
    }
    words: tuple[str, ...] = argument(nargs=-1, metavar="[MIRROR] QUERY...")
    top: int = option(5, "--top", type=click.IntRange(1, 100), show_default=True, help="Chunks.")
    filters: tuple[str, ...] = option(
        (),
        "--filter",
        multiple=True,
        metavar="NAME=VALUE",
        help="Only documents with this metadata; may be repeated.",
    )
    as_json: bool = flag("--json", help=JSON)


@local_verb
class Verify(LocalVerb):
    """Compare what is stored with what is on disk."""

    help: ClassVar[str] = (
        "Download the file behind every synced document of MIRRORS (all when none are named), and "
        "say document by document where it is not what would be sent for its file now; name the "
        "documents that no mirror made, too. With --search nothing is downloaded: each document is "
        "searched for by its own words. Changes nothing; each download and each search counts in "
        "the server's rate limit. Exit code: 0 everything is the same (or found), 3 something "
        "differs (or is not found)."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync verify",
        "kbsync verify docs --sample 20",
        "kbsync verify --search",
    )
    work: ClassVar[str] = "kbsync.cli.verify:verify"
    mirrors: tuple[str, ...] = argument((), nargs=-1)
    sample: int | None = option(
        None,
        "--sample",
        type=click.IntRange(1),
        metavar="N",
        help="Only N documents, drawn at random from all of them.",
    )
    seed: int | None = option(
        None,
        "--seed",
        type=click.IntRange(0),
        metavar="NUMBER",
        help="Draw what was drawn with this number before.",
    )
    search: bool = flag("--search", help="See whether searches find each document instead.")
    ignore_foreign: bool = flag("--ignore-foreign", help="Leave out documents no mirror made.")
    as_json: bool = flag("--json", help=JSON)


@local_verb
class ExportBase(LocalVerb):
    """Write a knowledge base to a folder."""

    help: ClassVar[str] = (
        "Write every document of KNOWLEDGE_BASE (its name or id) to FOLDER, whoever made it: the "
        "bytes that were uploaded where the server gives them out (Dify 1.13.1 or newer), "
        "otherwise the text of its chunks, which is not the original; metadata beside it in "
        "FILE.kbsync.yaml; and beside the folder a configuration that mirrors it into a new "
        "knowledge base. Changes nothing at the server; each download counts in its rate limit. "
        "Nothing in the folder is written over that an export did not write. Typed again it goes "
        "on, and downloads what changed. Exit code: 0 everything is there, 3 some documents are "
        "not, and why is said, 6 the time of --wait is over."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync export Docs ./library",
        "kbsync export Docs ./library --chunks --wait 30m",
    )
    work: ClassVar[str] = "kbsync.cli.export:export"
    base: str = argument(metavar="KNOWLEDGE_BASE")
    folder: Path = argument(type=click.Path(file_okay=False, path_type=Path))
    server: str | None = option(None, "--server", help="Which server, when there are several.")
    chunks: bool = flag(
        "--chunks",
        help="Write the chunks of each document to FILE.kbsync.chunks.jsonl, too: keywords, "
        "answers, child chunks, and which are switched off. A mirror does not need them.",
    )
    wait: float | None = option(
        None,
        "--wait",
        type=Time(),
        metavar="TIME",
        help="Take this long at most, such as 10m.",
    )
    as_json: bool = flag("--json", help=JSON)


@local_verb
class Doctor(LocalVerb):
    """Diagnose everything a pass depends on."""

    help: ClassVar[str] = (
        "Look at everything a pass leans on, and say what is wrong and what to type: the file, "
        "the sources and what they are stored on, the ledger, every server and its knowledge "
        "bases, and whether a search finds what is there. Changes nothing. "
        "Exit code: 0 sound, 64 the file or this machine, 5 a server, 1 anything else."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync doctor",
        "kbsync doctor --offline --json",
    )
    work: ClassVar[str] = "kbsync.cli.doctor:doctor"
    offline: bool = flag("--offline", help=OFFLINE)
    as_json: bool = flag("--json", help=JSON)


@local_verb
class ListTrash(LocalVerb):
    """Show what is in the trash."""

    help: ClassVar[str] = (
        "Show the documents in the trash, as the ledger knows them: path, since when, until when, "
        "and whether searches find it."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync trash list",
        "kbsync trash list --mirror docs --json",
    )
    work: ClassVar[str] = "kbsync.cli.trash:list_trash"
    mirror: str | None = option(None, "--mirror", help="Only this mirror.")
    as_json: bool = flag("--json", help=JSON)


@local_verb
class RestoreFromTrash(LocalVerb):
    """Bring files back whose documents are in the trash."""

    help: ClassVar[str] = (
        "Write the files of PATHS, or of folders, back into the source, as the server keeps what "
        "was sent (Dify 1.13.1 or newer); never over a file. The next apply, or the daemon, takes "
        "their documents out of the trash without an upload. A file that you put back yourself "
        "does the same. Exit code: 0 all are back, 3 some are not."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync trash restore guide.md",
        "kbsync trash restore --mirror docs handbook",
    )
    work: ClassVar[str] = "kbsync.cli.trash:restore"
    paths: tuple[str, ...] = argument(nargs=-1)
    mirror: str | None = option(None, "--mirror", help="Only this mirror.")
    as_json: bool = flag("--json", help=JSON)


TRASH = VerbGroup(
    "Undo deletions (on_delete: disable or keep): list, restore, empty the trash.",
    {"list": ListTrash, "restore": RestoreFromTrash, "empty": EmptyTrash},
)


@local_verb
class Serve(LocalVerb):
    """Serve the embedded knowledge base."""

    help: ClassVar[str] = (
        "Serve the embedded knowledge base under /v1, as a Dify server does. "
        "The first line on standard output is the URL; SIGTERM and Ctrl-C end it. "
        f"The key is better given in a file or in {KEY_VARIABLE}: others can see a command line."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync serve --port 8765",
        "kbsync serve --port 0 --data ./trial.db",
        "kbsync serve --dify 1.1 --indexing-delay 2",
    )
    work: ClassVar[str] = "kbsync.cli.serve:run_server"
    host: str = option("127.0.0.1", "--host", show_default=True, help="Address to listen on.")
    port: int = option(
        8765,
        "--port",
        type=click.IntRange(0, 65535),
        show_default=True,
        help="TCP port; 0 takes a free one.",
    )
    data: Path = option(
        Path("knowledge.db"),
        "--data",
        type=click.Path(dir_okay=False, path_type=Path),
        show_default=True,
        help="File that holds everything; made when missing.",
    )
    api_key: str | None = option(
        None, "--api-key", metavar="KEY", help="The key clients have to send."
    )
    api_key_file: Path | None = option(
        None,
        "--api-key-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File that holds the key.",
    )
    dify: str = option(
        "1.16",
        "--dify",
        metavar="VERSION",
        show_default=True,
        help="The version to play: page (the oldest calls alone), 0.6, 0.15, 1.1, 1.3, 1.5, 1.10, "
        "1.12 or 1.16.",
    )
    quirks: tuple[str, ...] = option(
        (),
        "--quirk",
        multiple=True,
        metavar="NAME[=VALUE]",
        help="Imitate a fault of real servers; may be repeated.",
    )
    list_quirks: bool = flag("--list-quirks", help="Print the quirks and stop.")
    request_log: Path | None = option(
        None,
        "--request-log",
        type=click.Path(dir_okay=False, path_type=Path),
        help="File to append one JSON line per request to.",
    )
    indexing_delay: float = option(
        0.0,
        "--indexing-delay",
        type=click.FloatRange(0, 3600),
        metavar="SECONDS",
        help="Least time a document takes.",
    )
    workers: int = option(
        2,
        "--workers",
        type=click.IntRange(1, 64),
        show_default=True,
        help="Documents indexed at once.",
    )
    allow_remote: bool = flag("--allow-remote", help="Also listen where other machines reach it.")


@local_verb
class Completion(LocalVerb):
    """Print a script for a shell."""

    help: ClassVar[str] = (
        "Print the script that has SHELL complete verbs, options and names of mirrors when Tab is "
        "pressed."
    )
    examples: ClassVar[tuple[str, ...]] = (
        'eval "$(kbsync completion bash)"                    # now; or in ~/.bashrc',
        'eval "$(kbsync completion zsh)"                     # now; or in ~/.zshrc',
        "kbsync completion fish > ~/.config/fish/completions/kbsync.fish",
    )
    work: ClassVar[str] = "kbsync.cli.completion:completion"
    shell: str = argument(type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")


@local_verb
class Schema(LocalVerb):
    """Print the JSON Schema of the configuration, or an example of it."""

    help: ClassVar[str] = (
        "Print the JSON Schema of kbsync.yaml, for editors and linters; or, for people, a "
        "kbsync.yaml that shows every key with its default and what it is for."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync schema --example",
        "kbsync schema > kbsync.schema.json",
    )
    work: ClassVar[str] = "kbsync.cli.schema:schema"
    example: bool = flag("--example", help="Print every key as it is written in the file.")


@local_verb
class Demo(LocalVerb):
    """Show a whole round on the embedded knowledge base."""

    help: ClassVar[str] = (
        "Show a whole round with real files and the embedded knowledge base: apply, search, "
        "edit, apply, search, and nothing left to do. No server and no key is needed."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync demo",
        "kbsync demo --dir ./demo",
    )
    work: ClassVar[str] = "kbsync.cli.demo:demo"
    folder: Path | None = option(
        None,
        "--dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Empty or new folder to work in; it is kept. By default a temporary one.",
    )
    keep: bool = flag("--keep", help="Keep the temporary folder.")
