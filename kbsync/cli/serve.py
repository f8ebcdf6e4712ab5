"""`kbsync serve`: run the embedded knowledge base as a server of its own."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kbsync.cli import output, streams
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import KEY_VARIABLE, Serve
from kbsync.config.extra_packages import installing
from kbsync.messages import Problem
from kbsync.messages import command as say


def run_server(verb: Serve, context: CliContext) -> None:
    """Serve until a signal ends it."""
    if verb.list_quirks:
        _list_quirks()
        return
    key = _key(verb.api_key, verb.api_key_file)
    try:
        # Its packages are of the extra `embedded`, which may not be installed.
        from kbsync.embedded import (  # noqa: PLC0415
            RemoteAddressError,
            StoreError,
            UnknownQuirkError,
            UnknownVersionError,
            serve,
        )
    except ModuleNotFoundError as error:
        raise Problem(say.EMBEDDED_EXTRA(missing=error.name, **installing("embedded"))) from None
    streams.log_on(lambda lost: None)
    try:
        serve(
            host=verb.host,
            port=verb.port,
            store=verb.data,
            api_key=key,
            dify=verb.dify,
            quirks=verb.quirks,
            indexing_delay=verb.indexing_delay,
            workers=verb.workers,
            request_log=verb.request_log,
            allow_remote=verb.allow_remote,
            ready=_ready,
        )
    except RemoteAddressError:
        raise Problem(say.NOT_LOOPBACK(host=verb.host)) from None
    except UnknownVersionError as error:
        raise click.BadParameter(_first_sentence(error), param_hint="--dify") from None
    except UnknownQuirkError as error:
        raise click.BadParameter(_first_sentence(error), param_hint="--quirk") from None
    except (StoreError, OSError) as error:
        raise Problem(say.CANNOT_SERVE(why=_first_sentence(error))) from None


def _ready(url: str) -> None:
    # Programs wait for this line; `echo` flushes what it wrote.
    click.echo(url)


def _list_quirks() -> None:
    from kbsync.embedded import QUIRKS  # noqa: PLC0415 - of the extra `embedded`

    output.rows(("quirk", "what it does"), QUIRKS.items())


def _key(typed: str | None, file: Path | None) -> str:
    if typed is not None and file is not None:
        raise Problem(say.KEY_TWICE())
    if file is not None:
        return _sound(_read(file), "the file")
    if typed is not None:
        return _sound(typed, "the command line")
    if KEY_VARIABLE in os.environ:
        return _sound(os.environ[KEY_VARIABLE], f"the variable {KEY_VARIABLE}")
    raise Problem(say.KEY_NOT_GIVEN())


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
