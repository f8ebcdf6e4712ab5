"""The composition root: builds source, ledger, remote and engine from settings."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from kbsync.app import connect
from kbsync.config import MirrorConfig as Declared
from kbsync.config import Settings, load
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice, Problem
from kbsync.messages import command as say
from kbsync.messages import ledger as ledger_say
from kbsync.model.prune import KEEP, Prune

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient
    from kbsync.engine.context import Mirror
    from kbsync.engine.ports import Clock
    from kbsync.engine.reconciler import Reconciler
    from kbsync.ledger.clock import LedgerClock
    from kbsync.ledger.store import LedgerStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a verb works with: one engine per mirror, in the file's order, and the ledger."""

    settings: Settings
    engines: tuple[Reconciler, ...]
    ledger: LedgerStore


def settings_of(config: Path) -> Settings:
    """Return the settings of the configuration file `config`.

    Raises:
        Problem: every error of the file, each with file, line and key.
    """
    return load(config, os.environ)


def warnings(settings: Settings) -> list[Notice]:
    """Return what is unwise on this machine, and what the file says differently from the last pass.

    Faults show by themselves.

    Args:
        settings: as `settings_of` returns.
    """
    from kbsync.app.config_drift import changes  # noqa: PLC0415
    from kbsync.config.machine_checks import check  # noqa: PLC0415

    unwise = [notice for notice in check(settings) if notice.message.exit is Exit.OK]
    with suppress(Problem), ledger_to_read(settings) as ledger:
        unwise += changes(settings, ledger) if ledger else ()
    return unwise


# The lock and the socket stand there too, and what SQLite writes ahead.
_BESIDE_A_LEDGER = ("", "-wal", "-wal.old", "-shm", "-journal", ".lock", ".sock")


@asynccontextmanager
async def opened(
    settings: Settings, *, only: Sequence[str] = (), prune: Prune = KEEP
) -> AsyncIterator[Opened]:
    """Open ledger and servers for a verb that may write.

    Args:
        settings: as `settings_of` returns.
        only: names of the mirrors to work on; empty for all of them.
        prune: which documents to delete although their file is there.

    Raises:
        Problem: the ledger is held or cannot be used, or a mirror is not in the file.
    """
    from kbsync.engine.indexing_room import IndexingRooms  # noqa: PLC0415 - verbs that only show
    from kbsync.engine.reconciler import Reconciler  # noqa: PLC0415 - something need no engine

    declared, rooms = chosen(settings, only), IndexingRooms()
    async with AsyncExitStack() as stack:
        ledger, clock = stack.enter_context(ledger_held(settings))
        remotes = {}
        for name in dict.fromkeys(each.server or "" for each in declared):
            server = settings.servers[name]
            api = await stack.enter_async_context(connect.connected(server))
            remotes[name] = connect.throttled(server, api, clock, ledger.fence)
        engines = tuple(
            Reconciler(
                mirror_of(settings, each, prune=prune),
                ledger,
                remotes[each.server or ""],
                clock,
                rooms,
            )
            for each in declared
        )
        yield Opened(settings=settings, engines=engines, ledger=ledger)


@asynccontextmanager
async def client(settings: Settings, server: str) -> AsyncIterator[DifyClient]:
    """Open the whole knowledge API of one declared server.

    Args:
        settings: as `settings_of` returns.
        server: the server's name; a lone one is called ``default``.

    Raises:
        Problem: there is no such server, or it cannot be used.
    """
    if server not in settings.servers:
        raise Problem(say.NO_SUCH_SERVER(server=server, known=", ".join(settings.servers)))
    async with connect.connected(settings.servers[server]) as api:
        yield api


def owner_of(settings: Settings, path: str, mirror: str | None) -> tuple[str, str]:
    """Return the mirror a path belongs to, and the path inside its source.

    Args:
        settings: as `settings_of` returns.
        path: absolute, relative to the working directory, or relative to a source.
        mirror: the mirror's name; None to find it.

    Raises:
        Problem: no mirror has it.
    """
    declared = chosen(settings, [mirror] if mirror else [])
    absolute = Path(path).absolute()
    for each in declared:
        if absolute.is_relative_to(each.source) and absolute != each.source:
            return each.name, _inside(absolute.relative_to(each.source))
    if Path(path).is_absolute() or (len(declared) > 1 and not _found(declared, path)):
        raise Problem(say.NO_SUCH_PATH(path=path))
    owner = next(iter(_found(declared, path)), declared[0])
    return owner.name, _inside(PurePosixPath(path))


def _found(declared: Sequence[Declared], path: str) -> list[Declared]:
    return [each for each in declared if os.path.lexists(each.source / path)]


def _inside(path: PurePath) -> str:
    text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        from kbsync.source.file_names import component  # noqa: PLC0415 - names that are no text are rare

        return "/".join(map(component, text.split("/")))
    return unicodedata.normalize("NFC", text)


def chosen(settings: Settings, only: Sequence[str]) -> list[Declared]:
    """Return the declared mirrors called `only`, all of them when none is named.

    Raises:
        Problem: a mirror is not in the file.
    """
    known = [mirror.name for mirror in settings.mirrors]
    for name in only:
        if name not in known:
            raise Problem(say.NO_SUCH_MIRROR(mirror=name, known=", ".join(known)))
    return [each for each in settings.mirrors if not only or each.name in only]


@contextmanager
def ledger_held(
    settings: Settings, *, command: str = "kbsync"
) -> Iterator[tuple[LedgerStore, Clock]]:
    """Open the ledger as its one writer, with its clock.

    Args:
        settings: as `settings_of` returns.
        command: named in the message to another process that finds it locked.

    Raises:
        Problem: it is held or cannot be used.
    """
    with ledger_opened(settings, command=command) as (store, clock):
        yield store, clock
        clock.record()


@contextmanager
def ledger_opened(settings: Settings, *, command: str) -> Iterator[tuple[LedgerStore, LedgerClock]]:
    """Open the ledger as `ledger_held` does; the caller records the time at the end."""
    from kbsync.ledger.clock import LedgerClock  # noqa: PLC0415 - loaded by verbs that need it
    from kbsync.ledger.store import LedgerStore  # noqa: PLC0415

    with LedgerStore.open(address_of(settings), command=command) as store:
        yield store, LedgerClock(store)


def address_of(settings: Settings) -> str | Path:
    """Return the path or URL of the ledger."""
    place = settings.ledger
    address = place.url or place.path
    assert address is not None  # noqa: S101 - loading fills in the default place
    return address


@contextmanager
def ledger_to_read(settings: Settings) -> Iterator[LedgerStore | None]:
    """Open the ledger beside its writer; None when there is none yet.

    Raises:
        Problem: the ledger is there but cannot be used.
    """
    from kbsync.ledger.store import LedgerStore  # noqa: PLC0415

    path = settings.ledger.path
    if path is not None and not path.exists():
        yield None
        return
    with LedgerStore.open(address_of(settings), readonly=True) as store:
        yield store


@contextmanager
def ledger_to_write(settings: Settings) -> Iterator[LedgerStore]:
    """Open the ledger alone, for a verb that asks no server.

    Raises:
        Problem: there is none yet, it is held, or it cannot be used.
    """
    path = settings.ledger.path
    if path is not None and not path.exists():
        raise Problem(ledger_say.MISSING(place=path))
    with ledger_held(settings) as (store, _):
        yield store


def mirror_of(settings: Settings, declared: Declared, *, prune: Prune = KEEP) -> Mirror:
    """Return a declared mirror as the engine wants it.

    Args:
        settings: as `settings_of` returns.
        declared: one of its mirrors.
        prune: which documents to delete although their file is there.
    """
    from kbsync.engine.context import Mirror  # noqa: PLC0415 - loaded by verbs that need it
    from kbsync.source.folder import Folder  # noqa: PLC0415

    longest = settings.server_of(declared).max_chunk_length
    folder = Folder(declared, own_files(settings), longest_chunk=longest)
    return Mirror(
        config=declared,
        server=settings.server_of(declared),
        source=folder,
        document_rules=folder.document_rules,
        prune_excluded=prune.excluded,
        prune_stale=prune.stale,
        empty_trash=prune.trash,
    )


def own_files(settings: Settings) -> Mapping[Path, str]:
    """Return the files that kbsync itself writes, or that hold a key, each with what it is."""
    found = {settings.file: "its configuration"}
    if settings.ledger.path is not None:
        found |= {Path(f"{settings.ledger.path}{end}"): "its ledger" for end in _BESIDE_A_LEDGER}
    for server in settings.servers.values():
        if server.data is not None:
            found |= {Path(f"{server.data}{end}"): "its knowledge base" for end in _BESIDE_A_LEDGER}
        if server.api_key_file is not None:
            found[server.api_key_file] = "an API key"
    if settings.web is not None and settings.web.token_file is not None:
        found[settings.web.token_file] = "the token of the daemon's HTTP server"
    for target in settings.notify:
        if target.url_file is not None:
            found[target.url_file] = "an address to notify"
    return found
