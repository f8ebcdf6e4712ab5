"""The writing verbs that plan: what each takes on the command line, and sends to the daemon.

A field is an option, an argument, or filled in by the command's `prepare`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from kbsync.commands.base import Command
from kbsync.commands.options import Default, Time, argument, flag, option, options
from kbsync.lazy_dataclass import dataclass
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
        full: name every change and every skipped file.
        as_json: print one JSON object.
        as_markdown: print Markdown, for the summary of a CI job.
    """

    verb: ClassVar[str] = "plan"
    changes: ClassVar[bool] = False
    help: ClassVar[str] = (
        "Show what `apply` would do. WORDS are names of mirrors (all when none are named), or "
        "paths of files and folders within one mirror. Exit code: 0 nothing to do, 2 changes, "
        "3 nothing to change while something failed, is held, in conflict or stale, 4 the guard "
        "holds something back."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync plan",
        "kbsync plan docs",
        "kbsync plan ./docs/guides",
        "kbsync plan --full",
        "kbsync plan -o plan.json",
    )
    work: ClassVar[str] = "kbsync.commands.plan:plan"
    prepare: ClassVar[str] = "kbsync.commands.plan:prepared"
    save: ClassVar[str] = "kbsync.commands.plan:save"
    mirrors: tuple[str, ...] = argument((), nargs=-1, metavar="[WORDS]...")
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
    full: bool = flag(
        "-v", "--full", help="Name every change and every skipped file, however many there are."
    )
    as_json: bool = flag("--json", help=JSON)
    as_markdown: bool = flag("--markdown", help="Print Markdown, for the summary of a CI job.")

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
        full: name every skipped file.
        as_json: print one JSON object at the end.
        agreed: digest of the stale documents a person agreed to when asked before.
    """

    verb: ClassVar[str] = "apply"
    help: ClassVar[str] = (
        "Upload, update and delete until the knowledge bases mirror their folders. "
        "WORDS are names of mirrors (all when none are named), paths of files and folders within "
        "one mirror, or one file that `kbsync plan -o FILE` saved: then exactly that plan is "
        "carried out, or refused when the world moved on. Exit code: 0 converged, 3 some "
        "failed, in conflict, held or stale, 4 halted by the "
        "guard, 6 still indexing (with --no-wait, or when the time of --wait is over)."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync apply",
        "kbsync apply docs --wait 10m",
        "kbsync apply ./docs/guides",
        "kbsync apply plan.json",
        "kbsync apply --release 1f3a5c7e",
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
    full: bool = flag("-v", "--full", help="Name every skipped file.")
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
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync retry",
        "kbsync retry guides/big.pdf",
        "kbsync retry --mirror docs",
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
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync explain guide.md",
        "kbsync explain --mirror docs guides/intro.md",
    )
    work: ClassVar[str] = "kbsync.commands.explain:explain"
    prepare: ClassVar[str] = "kbsync.commands.explain:prepared"
    path: str = argument()
    # May be left out when typed; `prepare` finds it.
    mirror: str = option(
        "", "--mirror", default=None, help="Which mirror, when several have such a path."
    )
    as_json: bool = flag("--json", help=JSON)
