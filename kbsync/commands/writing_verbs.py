"""The writing verbs: what each takes on the command line, and what it sends to the daemon.

A field is an option, an argument, or filled in by the command's `prepare`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import click

from kbsync.commands.base import Command
from kbsync.commands.options import Default, Time, VerbGroup, argument, flag, option, options
from kbsync.model.prune import Prune

if TYPE_CHECKING:
    from kbsync.planning.saved_plan import SavedPlan

JSON = "Print one JSON object."
JSON_AT_THE_END = "Print one JSON object at the end."
NO_WAIT = "Do not wait until everything is indexed."
WITHIN = (
    "Take this long at most, such as 10m: then nothing more is begun, what is left is named, and "
    "the exit code is 6."
)


def no_wait() -> Default:
    """Return the option `--no-wait`, for verbs that upload."""
    return option(True, "--no-wait", is_flag=True, flag_value=False, help=NO_WAIT)


def wait_time() -> Default:
    """Return the option `--wait [TIME]`, for verbs that upload."""
    return option(
        None,
        "--wait",
        is_flag=False,
        flag_value="",
        type=Time(),
        metavar="[TIME]",
        help=f"Wait until everything is indexed, as is usual. {WITHIN}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How a plan is made.

    Args:
        refresh: list the knowledge bases first.
        prune_excluded: delete what the filters leave out now.
        prune_stale: delete documents of files that cannot be sent as they are.
        target: gitignore patterns of the paths to plan; none for all.
        checksum: read every file, whatever its size and times say.
    """

    refresh: bool = option(True, "--refresh/--no-refresh", help="List the knowledge bases first.")
    prune_excluded: bool = flag("--prune-excluded", help="Delete what the filters leave out now.")
    prune_stale: bool = flag(
        "--prune-stale",
        help="Delete documents that hold what a file held before it was emptied, grew too large or "
        "was refused; asks first.",
    )
    target: tuple[str, ...] = option(
        (),
        "--target",
        metavar="GLOB",
        multiple=True,
        help="Only paths this gitignore pattern matches, relative to the source; may be repeated.",
    )
    checksum: bool = flag(
        "--checksum", help="Read and compare every file, whatever its size and times say."
    )

    @property
    def prune(self) -> Prune:
        """Which documents to delete although their file is there."""
        return Prune(excluded=self.prune_excluded, stale=self.prune_stale)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCommand(Command):
    """Plan mirrors and show the plans as one.

    Args:
        mirrors: their names; empty for all.
        how: how to plan them.
        file: the file the plan is saved in, as it is shown; empty for none.
        within: seconds it may take; None for any number.
        as_json: print one JSON object.
    """

    verb: ClassVar[str] = "plan"
    changes: ClassVar[bool] = False
    help: ClassVar[str] = (
        "Show what `apply` would do. Exit code: 0 nothing to do, 2 changes, 3 nothing to change "
        "while something failed, is held, in conflict or stale, 4 the guard holds something back."
    )
    work: ClassVar[str] = "kbsync.commands.plan:plan"
    prepare: ClassVar[str] = "kbsync.commands.plan:prepared"
    save: ClassVar[str] = "kbsync.commands.plan:save"
    mirrors: tuple[str, ...] = argument((), nargs=-1)
    how: PlanOptions = options(PlanOptions)
    file: str = option(
        "",
        "-o",
        "--output",
        default=None,
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Save the plan; `kbsync apply FILE` carries out exactly this, or refuses.",
    )
    within: float | None = option(
        None,
        "--wait",
        type=Time(),
        metavar="TIME",
        help="Take this long at most, such as 10m; the exit code is 6 when that is over.",
    )
    as_json: bool = flag("--json", help=JSON)

    @property
    def bound(self) -> float | None:
        """Seconds it may take."""
        return self.within


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Command):
    """Plan mirrors, carry the plans out, and report.

    Args:
        mirrors: their names; empty for all.
        how: how to plan them.
        saved: carry out exactly this plan, which stands in `file`, or refuse.
        releases: digests of changes the guard held back and a person agrees to.
        wait: until everything is indexed.
        within: seconds it may take; None for any number.
        sure: do not ask before stale documents are deleted.
        as_json: print one JSON object at the end.
        agreed: digest of the stale documents a person agreed to when asked before.
    """

    verb: ClassVar[str] = "apply"
    help: ClassVar[str] = (
        "Upload, update and delete until the knowledge bases mirror their folders. "
        "WORDS are names of mirrors (all when none are named), or one file that `kbsync plan "
        "-o FILE` saved: then exactly that plan is carried out, or refused when the world moved "
        "on. Exit code: 0 converged, 3 some failed, in conflict, held or stale, 4 halted by the "
        "guard, 6 still indexing (with --no-wait, or when the time of --wait is over)."
    )
    declined: ClassVar[str] = "nothing was done"
    work: ClassVar[str] = "kbsync.commands.apply:apply"
    prepare: ClassVar[str] = "kbsync.commands.apply:prepared"
    mirrors: tuple[str, ...] = argument((), nargs=-1, metavar="[WORDS]...")
    how: PlanOptions = options(PlanOptions)
    # The plan itself is sent: the daemon may not reach the file.
    saved: SavedPlan | None = None
    file: str = ""
    releases: tuple[str, ...] = option(
        (),
        "--release",
        metavar="DIGEST",
        multiple=True,
        help="Agree to what the guard held back, by the digest it printed.",
    )
    wait: bool = no_wait()
    within: float | None = wait_time()
    sure: bool = flag("--yes", help="Do not ask before stale documents are deleted.")
    as_json: bool = flag("--json", help=JSON_AT_THE_END)
    agreed: str = ""

    @property
    def bound(self) -> float | None:
        """Seconds it may take."""
        return self.within

    def agreeing(self, digest: str) -> Apply:
        """Return the command of a person who agreed to the deletion of stale documents."""
        return replace(self, agreed=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Command):
    """Forget failures, refusals and what was sent, plan those files, and carry the plan out.

    Args:
        paths: paths and folders relative to the source; empty for all.
        mirror: only this one.
        wait: until everything is indexed.
        within: seconds it may take; None for any number.
        as_json: print one JSON object at the end.
    """

    verb: ClassVar[str] = "retry"
    help: ClassVar[str] = (
        "Forget the refusals and failures of PATHS (all of them when none are named) and try "
        "those files again. A document in sync is sent again where its own path is named, as after "
        "`kbsync verify`. Exit code as of apply."
    )
    work: ClassVar[str] = "kbsync.commands.retry:retry"
    paths: tuple[str, ...] = argument((), nargs=-1)
    mirror: str | None = option(None, "--mirror", help="Only this mirror.")
    wait: bool = no_wait()
    within: float | None = wait_time()
    as_json: bool = flag("--json", help=JSON_AT_THE_END)

    @property
    def bound(self) -> float | None:
        """Seconds it may take."""
        return self.within


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain(Command):
    """Show the decision for one file, and why.

    Args:
        path: relative to the source.
        mirror: the mirror that has the file.
        as_json: print one JSON object.
    """

    verb: ClassVar[str] = "explain"
    changes: ClassVar[bool] = False
    help: ClassVar[str] = "Show what is known of one file on all three sides, and what follows."
    work: ClassVar[str] = "kbsync.commands.explain:explain"
    prepare: ClassVar[str] = "kbsync.commands.explain:prepared"
    path: str = argument()
    # May be left out when typed; `prepare` finds it.
    mirror: str = option(
        "", "--mirror", default=None, help="Which mirror, when several have such a path."
    )
    as_json: bool = flag("--json", help=JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptDocuments(Command):
    """Offer documents that kbsync did not make, show them, ask, and take them over.

    Args:
        mirror: the mirror they are for; None for the only one.
        by: what file and document have in common.
        pairs: path and document id of each line of a map.
        trust: what proves that a document is made of its file.
        dry_run: only show.
        sure: do not ask.
        as_json: print one JSON object.
        agreed: digest of the offer a person agreed to when it was shown before.
    """

    verb: ClassVar[str] = "adopt"
    help: ClassVar[str] = (
        "Take documents that kbsync did not make over into MIRROR, each for the file it was made "
        "of, and show before what would be taken. Nothing is changed at the server; the next apply "
        "indexes anew what is not known to be the same. Exit code: 0 all that was meant is taken, "
        "2 there is something to take (with --dry-run), 3 some documents were left."
    )
    declined: ClassVar[str] = "nothing was adopted"
    work: ClassVar[str] = "kbsync.commands.adopt:adopt"
    prepare: ClassVar[str] = "kbsync.commands.adopt:prepared"
    mirror: str | None = argument(None)
    # Nothing is typed by default, as --map alone means `map`.
    by: Literal["name", "basename", "map"] = option(
        "name",
        "--by",
        default=None,
        type=click.Choice(["name", "basename", "map"]),
        help="What file and document have in common: the name kbsync would give (the default), the "
        "last part of the path, or a line of --map.",
    )
    # A file is typed, and read by `prepare`: the daemon may not reach it.
    pairs: tuple[tuple[str, str], ...] = option(
        (),
        "--map",
        default=None,
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file of path,document_id a line, or YAML of path: document_id.",
    )
    trust: Literal["content", "size", "none"] = option(
        "none",
        "--trust",
        type=click.Choice(["content", "size", "none"]),
        show_default=True,
        help="What proves that a document is made of its file: that its bytes are the same, for "
        "which they are downloaded once you agree (Dify 1.13.1 or newer); that they are as many; "
        "or nothing, so that it is indexed anew.",
    )
    dry_run: bool = flag("--dry-run", help="Only show what would be taken.")
    sure: bool = flag("--yes", help="Do not ask.")
    as_json: bool = flag("--json", help=JSON)
    agreed: str = ""

    def agreeing(self, digest: str) -> AdoptDocuments:
        """Return the command of a person who agreed to the offer."""
        return replace(self, agreed=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Command):
    """Have the daemon plan and show some mirrors, and write nothing for them; or write again.

    Args:
        mirrors: their names; empty for all.
        paused: whether they are to be.
    """

    verb: ClassVar[str] = "pause"
    asks_daemon: ClassVar[bool] = True
    help: ClassVar[str] = (
        "Have the daemon plan and show MIRRORS (all when none are named) and write nothing for "
        "them until `kbsync resume`, beyond a restart too. Verbs that are typed do what they "
        "always do."
    )
    work: ClassVar[str] = "kbsync.commands.control:pause"
    mirrors: tuple[str, ...] = argument((), nargs=-1)
    paused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Pause):
    """End a pause; on the socket it is `pause` with `paused` false."""

    help: ClassVar[str] = "End the pause of MIRRORS (all when none are named)."
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload(Command):
    """Have the daemon read its configuration again."""

    verb: ClassVar[str] = "reload"
    asks_daemon: ClassVar[bool] = True
    help: ClassVar[str] = (
        "Have the daemon read its configuration anew, and say whether it could. It does so by "
        "itself when the file changes, and at SIGHUP."
    )
    work: ClassVar[str] = "kbsync.commands.control:reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameMirror(Command):
    """Call mirror `old` of the ledger `new`."""

    verb: ClassVar[str] = "mirror rename"
    help: ClassVar[str] = (
        "Call mirror OLD of the ledger NEW: its documents stay as they are and are not sent "
        "again. Rename it in the configuration too."
    )
    work: ClassVar[str] = "kbsync.commands.mirror:rename"
    old: str = argument()
    new: str = argument()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetMirror(Command):
    """Forget all the ledger knows of a mirror."""

    verb: ClassVar[str] = "mirror forget"
    help: ClassVar[str] = (
        "Forget all the ledger knows of mirror NAME. Its documents stay in the knowledge base; "
        "those that carry our marks are taken over again by a later plan."
    )
    work: ClassVar[str] = "kbsync.commands.mirror:forget"
    name: str = argument()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyMirror(Command):
    """Ask, delete every document of a mirror, and forget the mirror.

    Args:
        name: the mirror's.
        sure: do not ask.
        agreed: digest of what a person agreed to when asked before.
    """

    verb: ClassVar[str] = "mirror destroy"
    help: ClassVar[str] = (
        "Delete every document of mirror NAME from its knowledge base, then forget the mirror. "
        "Other documents, the knowledge base and the files stay. "
        "Exit code: 0 all deleted, 3 some are left."
    )
    declined: ClassVar[str] = "nothing was deleted"
    work: ClassVar[str] = "kbsync.commands.mirror:destroy"
    name: str = argument()
    sure: bool = flag("--yes", help="Do not ask.")
    agreed: str = ""

    def agreeing(self, digest: str) -> DestroyMirror:
        """Return the command of a person who agreed to the deletion."""
        return replace(self, agreed=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyTrash(Command):
    """Ask, and delete what is in the trash.

    Args:
        paths: paths and folders relative to the source; empty for all.
        mirror: only this one.
        releases: digests of changes the guard held back and a person agrees to.
        sure: do not ask.
        as_json: print one JSON object at the end.
        agreed: digest of the documents a person agreed to when asked before.
    """

    verb: ClassVar[str] = "trash empty"
    help: ClassVar[str] = (
        "Delete the documents of PATHS that are in the trash (all of them when none are named) "
        "for good, whatever their time. Documents that were enabled, edited or archived at the "
        "server stay. Exit code: as of apply."
    )
    declined: ClassVar[str] = "nothing was deleted"
    work: ClassVar[str] = "kbsync.commands.trash:empty"
    paths: tuple[str, ...] = argument((), nargs=-1)
    mirror: str | None = option(None, "--mirror", help="Only this mirror.")
    releases: tuple[str, ...] = option(
        (),
        "--release",
        metavar="DIGEST",
        multiple=True,
        help="Agree to what the guard held back, by the digest it printed.",
    )
    sure: bool = flag("--yes", help="Do not ask.")
    as_json: bool = flag("--json", help=JSON_AT_THE_END)
    agreed: str = ""

    @property
    def wait(self) -> bool:
        """Whether to wait until everything is indexed: what is deleted needs no wait."""
        return True

    def agreeing(self, digest: str) -> EmptyTrash:
        """Return the command of a person who agreed to the deletion."""
        return replace(self, agreed=digest)


MIRROR = VerbGroup(
    "Rename, forget or destroy a mirror the ledger knows, in the file or not.",
    {"rename": RenameMirror, "forget": ForgetMirror, "destroy": DestroyMirror},
)

COMMANDS: tuple[type[Command], ...] = (
    PlanCommand,
    Apply,
    Retry,
    Explain,
    AdoptDocuments,
    Pause,
    Reload,
    RenameMirror,
    ForgetMirror,
    DestroyMirror,
    EmptyTrash,
)
