"""Checks of settings against this machine, and warnings about what is allowed but unwise."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from kbsync.config.api_key import THE_FILE
from kbsync.config.config_file import Fault, Location
from kbsync.config.extra_packages import CONVERTED, ROWS, installing, not_installed
from kbsync.config.loading import Settings
from kbsync.config.mirror import MirrorConfig
from kbsync.config.notify import notify_warnings
from kbsync.config.server import ServerConfig
from kbsync.config.web import is_loopback
from kbsync.config.web_token import web_faults
from kbsync.messages import Notice
from kbsync.messages import config as messages

_IDLE_WHEN_EMBEDDED = (
    *("api_key", "api_key_file", "api_key_env"),
    *("ca_file", "verify", "proxy", "headers"),
)


def check(settings: Settings) -> list[Notice]:
    """Return what is wrong or unwise on this machine, in the order of the file.

    Reads nothing but the file system, and changes nothing. A warning's message has the exit
    code OK; anything else keeps a pass from working.
    """
    faults = list(_faults(settings))
    faults.sort(key=lambda fault: settings.config_file.line(fault.at))
    return [settings.config_file.notice(fault) for fault in faults]


def require_web(settings: Settings) -> None:
    """Check that the daemon's HTTP server can work on this machine, where it is declared.

    Raises:
        Problem: a package or the token is missing.
    """
    faults = list(web_faults(settings.web)) if settings.web is not None else []
    if faults:
        raise settings.config_file.problem(faults)


def _faults(settings: Settings) -> Iterator[Fault]:
    for name, server in settings.servers.items():
        yield from _server(settings.server_at(name), server)
        yield from _secrets(name, server, settings)
    for position, mirror in enumerate(settings.mirrors):
        yield from _source(("mirrors", position, "source"), mirror)
        yield from _converters(("mirrors", position), mirror)
    yield from _state(settings)
    if settings.web is not None:
        yield from web_faults(settings.web)
    yield from notify_warnings(settings.notify)


# -- servers -------------------------------------------------------------------------------------


def _server(at: Location, server: ServerConfig) -> Iterator[Fault]:
    if server.is_embedded:
        for key in _IDLE_WHEN_EMBEDDED:
            if key in server.model_fields_set and getattr(server, key) is not None:
                yield Fault(message=messages.EMBEDDED_IGNORES, at=(*at, key))
        return
    yield from _url((*at, "url"), server.url)
    if not server.verify:
        yield Fault(message=messages.VERIFY_OFF, at=(*at, "verify"))
    if "embedded" in server.model_fields_set:
        yield Fault(message=messages.EMBEDDED_ONLY, at=(*at, "embedded"))
    if server.ca_file is not None and (why := _unreadable(server.ca_file)):
        words = {"path": server.ca_file, "why": why}
        yield Fault(message=messages.CA_FILE_UNREADABLE, at=(*at, "ca_file"), words=words)


def _url(at: Location, url: str) -> Iterator[Fault]:
    parts = urlsplit(url)
    if not parts.path.endswith("/v1"):
        yield Fault(message=messages.URL_WITHOUT_V1, at=at)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield Fault(message=messages.URL_PLAIN, at=at)


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return error.strerror


def _secrets(name: str, server: ServerConfig, settings: Settings) -> Iterator[Fault]:
    """Warn of keys that every user of the machine can read."""
    if server.is_embedded:
        return
    if server.api_key_file is not None:
        key, path = "api_key_file", server.api_key_file
    elif settings.key_origins.get(name) == THE_FILE:
        key, path = "api_key", settings.file
    else:
        return
    if _open_to_all(path):
        at = (*settings.server_at(name), key)
        yield Fault(message=messages.SECRET_OPEN, at=at, words={"path": path})


def _open_to_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


# -- folders -------------------------------------------------------------------------------------


def _source(at: Location, mirror: MirrorConfig) -> Iterator[Fault]:
    words = {"path": mirror.source}
    if not os.path.lexists(mirror.source):
        yield Fault(message=messages.SOURCE_MISSING, at=at, words=words)
    elif not _is_folder(mirror.source):
        yield Fault(message=messages.SOURCE_NO_FOLDER, at=at, words=words)
    elif not os.access(mirror.source, os.R_OK | os.X_OK):
        yield Fault(message=messages.SOURCE_UNREADABLE, at=at, words=words)
    for path in filter(None, map(_file_behind, (1, 2))):
        if path.is_relative_to(_real(mirror.source)):
            yield Fault(message=messages.OUTPUT_IN_SOURCE, at=at, words={"path": path})


def _converters(at: Location, mirror: MirrorConfig) -> Iterator[Fault]:
    """Warn where files are to be converted by what is not installed."""
    yield from _converter((*at, "send"), mirror.send, ())
    for number, rule in enumerate(mirror.rules):
        if rule.send is not None:
            place = (*at, "rules", number, "send")
            yield from _converter(place, rule.send, _endings(rule.match))


def _converter(at: Location, send: str, endings: Sequence[str]) -> Iterator[Fault]:
    """Warn where a type needs what is not installed; of no `endings` any type may be meant."""
    table = {"converted": CONVERTED, "rows": ROWS}.get(send, {})
    types = set(endings) & table.keys() if endings else table.keys()
    missing = not_installed(sorted({package for each in types for package in table[each]}))
    if missing:
        words = {"missing": ", ".join(missing), **installing("convert")}
        yield Fault(message=messages.NOT_CONVERTED_HERE, at=at, words=words)


def _endings(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the types that patterns name at their end; none where one of them names none."""
    found = [pattern.rpartition("*.")[2] for pattern in patterns if not pattern.startswith("!")]
    return tuple(found) if all(each.isalnum() for each in found) else ()


def _file_behind(descriptor: int) -> Path | None:
    """Return the file that output goes to, None where it goes to a terminal or a pipe."""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        pass
    return None


def _state(settings: Settings) -> Iterator[Fault]:
    kept: list[tuple[Location, Path]] = []
    if settings.ledger.path is not None:
        kept.append((("ledger",), settings.ledger.path))
    for name, server in settings.servers.items():
        if server.is_embedded and server.data is not None:
            kept.append(((*settings.server_at(name), "embedded", "data"), server.data))
    for at, path in kept:
        if _is_folder(path):
            yield Fault(message=messages.STATE_IS_FOLDER, at=at, words={"path": path})
        for mirror in settings.mirrors:
            if _real(path).is_relative_to(_real(mirror.source)):
                words = {"path": path, "mirror": mirror.name}
                yield Fault(message=messages.STATE_IN_SOURCE, at=at, words=words)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
