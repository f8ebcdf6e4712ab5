"""The writing verbs about documents of others, the trash, the daemon and whole mirrors.

What they take on the command line, and what they send to the daemon; see `writing_verbs`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import click

from kbsync.commands.base import Command
from kbsync.commands.options import VerbGroup, argument, flag, option
from kbsync.commands.writing_verbs import JSON, JSON_AT_THE_END
from kbsync.lazy_dataclass import dataclass


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
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync adopt --dry-run",
        "kbsync adopt docs --by basename --trust content",
        "kbsync adopt docs --map pairs.csv",
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
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync pause",
        "kbsync pause docs",
    )
    work: ClassVar[str] = "kbsync.commands.control:pause"
    mirrors: tuple[str, ...] = argument((), nargs=-1)
    paused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Pause):
    """End a pause; on the socket it is `pause` with `paused` false."""

    help: ClassVar[str] = "End the pause of MIRRORS (all when none are named)."
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync resume",
        "kbsync resume docs",
    )
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
    examples: ClassVar[tuple[str, ...]] = ("kbsync reload",)
    work: ClassVar[str] = "kbsync.commands.control:reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameMirror(Command):
    """Call mirror `old` of the ledger `new`."""

    verb: ClassVar[str] = "mirror rename"
    help: ClassVar[str] = (
        "Call mirror OLD of the ledger NEW: its documents stay as they are and are not sent "
        "again. Rename it in the configuration too."
    )
    examples: ClassVar[tuple[str, ...]] = ("kbsync mirror rename docs handbook",)
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
    examples: ClassVar[tuple[str, ...]] = ("kbsync mirror forget docs",)
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
    examples: ClassVar[tuple[str, ...]] = ("kbsync mirror destroy docs",)
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
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync trash empty",
        "kbsync trash empty --mirror docs drafts",
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
