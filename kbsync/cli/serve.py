"""`kbsync serve`: run the embedded knowledge base as a server of its own."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kbsync.messages import Problem
from kbsync.messages import command as say

KEY_VARIABLE = "KBSYNC_SERVE_KEY"


@click.command(
    help="Serve the embedded knowledge base under /v1, as a Dify server does. "
    "The first line on standard output is the URL; SIGTERM and Ctrl-C end it. "
    f"The key is better given in a file or in {KEY_VARIABLE}: others can see a command line."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="TCP port; 0 takes a free one.",
)
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("knowledge.db"),
    show_default=True,
    help="File that holds everything; made when missing.",
)
@click.option("--api-key", metavar="KEY", help="The key clients have to send.")
@click.option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the key.",
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Imitate a fault of real servers; may be repeated.",
)
@click.option("--list-quirks", is_flag=True, help="Print the quirks and stop.")
@click.option(
    "--request-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to append one JSON line per request to.",
)
@click.option(
    "--indexing-delay",
    type=click.FloatRange(0, 3600),
    default=0.0,
    metavar="SECONDS",
    help="Least time a document takes.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Documents indexed at once.",
)
@click.option("--allow-remote", is_flag=True, help="Also listen where other machines reach it.")
def command(
    host: str,
    port: int,
    data: Path,
    api_key: str | None,
    api_key_file: Path | None,
    quirks: tuple[str, ...],
    list_quirks: bool,
    request_log: Path | None,
    indexing_delay: float,
    workers: int,
    allow_remote: bool,
) -> None:
    """Serve until told to stop."""
    if list_quirks:
        _list_quirks()
        return
    key = _key(api_key, api_key_file)
    try:
        from kbsync.embedded import (  # noqa: PLC0415
            RemoteAddressError,
            StoreError,
            UnknownQuirkError,
            serve,
        )
    except ModuleNotFoundError as error:
        raise Problem(say.EMBEDDED_EXTRA(missing=error.name)) from None
    try:
        serve(
            host=host,
            port=port,
            store=data,
            api_key=key,
            quirks=quirks,
            indexing_delay=indexing_delay,
            workers=workers,
            request_log=request_log,
            allow_remote=allow_remote,
            ready=_ready,
        )
    except RemoteAddressError:
        raise Problem(say.NOT_LOOPBACK(host=host)) from None
    except UnknownQuirkError as error:
        raise click.BadParameter(_first_sentence(error), param_hint="--quirk") from None
    except (StoreError, OSError) as error:
        raise Problem(say.CANNOT_SERVE(why=_first_sentence(error))) from None


def _ready(url: str) -> None:
    # Programs wait for this line; `echo` flushes what it wrote.
    click.echo(url)


def _list_quirks() -> None:
    from kbsync.cli import output  # noqa: PLC0415
    from kbsync.embedded import QUIRKS  # noqa: PLC0415

    output.rows(("quirk", "what it does"), QUIRKS.items())


def _key(told: str | None, file: Path | None) -> str:
    if told is not None and file is not None:
        raise Problem(say.KEY_TWICE())
    if file is not None:
        return _sound(_read(file), "the file")
    if told is not None:
        return _sound(told, "the command line")
    if KEY_VARIABLE in os.environ:
        return _sound(os.environ[KEY_VARIABLE], f"the variable {KEY_VARIABLE}")
    raise Problem(say.KEY_UNTOLD())


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise Problem(say.CANNOT_READ(path=file, why=why)) from None


def _sound(key: str, origin: str) -> str:
    if not key or not (key.isascii() and key.isprintable()) or " " in key:
        raise Problem(say.BAD_KEY(origin=origin))
    return key


def _first_sentence(error: Exception) -> str:
    return str(error).partition(" Next: ")[0].rstrip(".")
