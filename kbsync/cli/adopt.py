"""`kbsync adopt`: take existing documents over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kbsync.cli import Place

if TYPE_CHECKING:
    from kbsync.config import Settings
    from kbsync.engine.adoption import Match, Offer

NAMED = 20


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
    place: Place,
    mirror: str | None,
    by: str | None,
    file: Path | None,
    trust: str,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Offer, show, ask, take."""
    import anyio  # noqa: PLC0415

    from kbsync import app, logs  # noqa: PLC0415
    from kbsync.engine.adoption import take  # noqa: PLC0415
    from kbsync.messages import Exit  # noqa: PLC0415

    logs.configure(place.log_level)
    cause = by or ("map" if file else "name")
    match = _match(cause, file)

    async def adopted() -> int:
        settings = app.settings_of(place.config)
        async with app.opened(settings, only=[_mirror(settings, mirror)]) as opened:
            [engine] = opened.engines
            offer = await engine.offer(match, cause=cause, trust_size=trust == "size")
            wanted = bool(offer.actions) and not dry_run
            if not as_json:
                _show(offer)
            taken = wanted and (sure or _confirmed(offer))
            if taken:
                await take(offer)
            _end(offer, taken=taken, as_json=as_json)
            if wanted and not taken:
                return Exit.FAULT
            if dry_run and offer.actions:
                return Exit.CHANGES
            return Exit.INCOMPLETE if offer.left else Exit.OK

    return anyio.run(adopted)


def _match(by: str, file: Path | None) -> Match:
    from kbsync.config.pairs import read_pairs  # noqa: PLC0415
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import adoption as say  # noqa: PLC0415
    from kbsync.planning.adoption import By, pair, pair_mapped  # noqa: PLC0415

    if (by == By.MAP) != (file is not None):
        raise Problem(say.MAP_UNTOLD())
    if file is None:
        return lambda files, documents: pair(files, documents, By(by))
    wanted = read_pairs(file)
    return lambda files, documents: pair_mapped(files, documents, wanted)


def _mirror(settings: Settings, told: str | None) -> str:
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import adoption as say  # noqa: PLC0415

    known = [each.name for each in settings.mirrors]
    if told is None and len(known) > 1:
        raise Problem(say.MIRROR_UNTOLD(known=", ".join(known)))
    return told or known[0]


def _confirmed(offer: Offer) -> bool:
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    count, mirror = len(offer.actions), offer.world.mirror.name
    question = f"Take {count} documents over into mirror {mirror}?"
    if not sys.stdin.isatty():
        raise Problem(say.NEEDS_YES(question=question))
    return click.confirm(question, err=True)


# -- what is shown -------------------------------------------------------------------------------


def _show(offer: Offer) -> None:
    from kbsync.messages import printable  # noqa: PLC0415

    for action in offer.actions:
        document = action.document
        cost = "no upload" if action.fingerprint else "indexed anew by the next apply"
        path, name = printable(action.key.path), printable(document.name)
        click.echo(f"* {path} <- {name} {document.id}  ({action.cause}, {cost})")
    for each in offer.left[:NAMED]:
        click.echo(f"? {printable(each.name)}  ({each.why})")
        click.echo(f"  next: {each.why.next}")
    if len(offer.left) > NAMED:
        click.echo(f"? {len(offer.left) - NAMED} more; kbsync adopt --dry-run --json names each")
    click.echo(_summary(offer))


def _summary(offer: Offer) -> str:
    from kbsync.planning.render import size_of  # noqa: PLC0415

    anew = len(offer.actions) - offer.known
    told = [f"{offer.world.mirror.name}: {len(offer.actions) or 'nothing'} to adopt"]
    if offer.actions:
        told.append(f"{offer.known} without an upload")
        told.append(f"{anew} to index anew ({size_of(offer.bytes_anew)} to upload)")
    if offer.left:
        told.append(f"{len(offer.left)} left as unclear")
    told.append(f"{offer.files} files and {offer.documents} documents stay without each other")
    return "; ".join(told)


def _end(offer: Offer, *, taken: bool, as_json: bool) -> None:
    import json  # noqa: PLC0415

    if as_json:
        click.echo(json.dumps(_json(offer, taken=taken)))
    elif taken:
        click.echo(f"{offer.world.mirror.name}: {len(offer.actions)} adopted")
        click.echo("  next: kbsync apply")
    elif offer.actions:
        click.echo("nothing was adopted", err=True)


def _json(offer: Offer, *, taken: bool) -> dict[str, object]:
    return {
        "mirror": offer.world.mirror.name,
        "taken": taken,
        "counts": {
            "adopt": len(offer.actions),
            "known": offer.known,
            "anew": len(offer.actions) - offer.known,
            "bytes_anew": offer.bytes_anew,
            "left": len(offer.left),
            "files": offer.files,
            "documents": offer.documents,
        },
        "actions": [
            {
                "action": "adopt",
                "mirror": action.key.mirror,
                "path": action.key.path,
                "cause": action.cause,
                "document_id": action.document.id,
                "document_name": action.document.name,
                "upload": action.fingerprint is None,
            }
            for action in offer.actions
        ],
        "left": [
            {"name": each.name, "code": each.why.code, "reason": each.why.text}
            for each in offer.left
        ],
    }
