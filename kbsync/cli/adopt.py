"""`kbsync adopt`: take existing documents over."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from kbsync.cli import CliContext


@click.command(
    help="Take documents that kbsync did not make over into MIRROR, each for the file it was made "
    "of, and show before what would be taken. Nothing is changed at the server; the next apply "
    "indexes anew what is not known to be the same. Exit code: 0 all that was meant is taken, "
    "2 there is something to take (with --dry-run), 3 some documents were left."
)
@click.argument("mirror", required=False)
@click.option(
    "--by",
    type=click.Choice(["name", "basename", "map"]),
    help="What file and document have in common: the name kbsync would give (the default), the "
    "last part of the path, or a line of --map.",
)
@click.option(
    "--map",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file of path,document_id a line, or YAML of path: document_id.",
)
@click.option(
    "--trust",
    type=click.Choice(["size", "none"]),
    default="none",
    show_default=True,
    help="What proves that a document is made of its file: as many bytes as would be sent, or "
    "nothing, so that it is indexed anew.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be taken.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    place: CliContext,
    mirror: str | None,
    by: Literal["name", "basename", "map"] | None,
    file: Path | None,
    trust: str,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Read the map, if there is one, and have the documents offered and taken."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.adopt import AdoptDocuments  # noqa: PLC0415

    how = by or ("map" if file else "name")
    errand = AdoptDocuments(
        mirror=mirror,
        by=how,
        pairs=_pairs(how, file),
        trust_size=trust == "size",
        dry_run=dry_run,
        sure=sure,
        as_json=as_json,
    )
    return carry_out(place, build.settings_of(place.config), errand).exit


def _pairs(by: str, file: Path | None) -> tuple[tuple[str, str], ...]:
    from kbsync.config.adopt_map import read_pairs  # noqa: PLC0415
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import adoption as say  # noqa: PLC0415

    if (by == "map") != (file is not None):
        raise Problem(say.MAP_UNTOLD())
    return tuple(read_pairs(file)) if file is not None else ()
