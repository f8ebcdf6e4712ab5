"""What a pass needs of this machine, tried as a pass does it: `validate` and `doctor` look here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from kbsync.app import build, connect
from kbsync.config import Settings
from kbsync.ledger import trial
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.messages import Notice, Problem
from kbsync.messages import command as command_say
from kbsync.messages import doctor as say
from kbsync.service import control_client, socket_path
from kbsync.source.mounts import mounts_of, network_name


def findings(settings: Settings) -> Iterator[Notice]:
    """Yield what is wrong with the ledger's place, the packages, the daemon and its socket."""
    with ExitStack() as stack:
        try:
            yield from _ledger(settings, stack)
        except Problem as problem:
            yield from problem.notices
        yield from _embedded(settings)
        yield from _daemon(settings, stack)


def _ledger(settings: Settings, stack: ExitStack) -> Iterator[Notice]:
    location = find_location(build.address_of(settings))
    if location.path is None:
        trial.try_database(location)
        return
    # Removed again at the end, after what else is tried in it.
    stack.enter_context(trial.folder_made(location.path.parent))
    yield from on_a_network(location)
    if not location.path.is_dir():  # said of the configuration
        trial.try_file(location)


def on_a_network(location: LedgerLocation, table: str | None = None) -> Iterator[Notice]:
    """Yield a warning for a ledger on a network file system.

    Args:
        location: of a ledger in a file.
        table: text of a mount table; default is the one in force.
    """
    own = mounts_of(location.folder, table).own
    network = network_name(own.kind) if own else None
    if own and network:
        yield say.NETWORK_LEDGER(place=location.shown, kind=f"{network} ({own.kind})")


def _embedded(settings: Settings) -> Iterator[Notice]:
    """Yield why the embedded knowledge base could not be opened; what is there is not touched."""
    for server in settings.servers.values():
        if not server.is_embedded or server.data is None:
            continue
        try:
            connect.require_embedded()
            with trial.folder_made(server.data.parent):
                if why := _unwritable(server.data):
                    yield command_say.EMBEDDED_STORE(why=f"{server.data}: {why}")
        except Problem as problem:
            yield from problem.notices


def _unwritable(data: Path) -> str | None:
    there = data if os.path.lexists(data) else data.parent
    return None if os.access(there, os.R_OK | os.W_OK) else "permission denied"


def _daemon(settings: Settings, stack: ExitStack) -> Iterator[Notice]:
    """Yield which mirrors a running daemon has halted, or why one could not listen."""
    live = control_client.live(settings)
    if live is not None:
        yield from _halted(live)
        return
    path = socket_path.socket_of(settings)
    try:
        stack.enter_context(trial.folder_made(path.parent))
        socket_path.try_socket(settings)
    except OSError as error:
        yield socket_path.not_made(path, error)
    except Problem:  # said of the ledger, which is in the same folder
        return


def _halted(live: dict[str, object]) -> Iterator[Notice]:
    mirrors = live.get("mirrors")
    for name, state in mirrors.items() if isinstance(mirrors, dict) else ():
        if state["phase"] == "halted" and state["why"]:
            words = {"why": state["why"]["text"], "code": state["why"]["code"]}
            yield say.DAEMON_HALTED(mirror=name, pid=live["pid"], **words)
