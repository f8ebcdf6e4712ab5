"""The settings a verb works with: the declaration, completed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kbsync.config.declaration import Declaration
from kbsync.config.mirror import MirrorConfig
from kbsync.config.server import ServerConfig
from kbsync.config.source_file import SourceFile
from kbsync.config.types import LedgerAddress

ONLY_SERVER = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything one configuration file settles.

    Args:
        file: the configuration file, absolute.
        ledger: where the ledger is.
        state: folder of what kbsync keeps on this machine: socket, lock, embedded data.
        servers: by name; a lone `server` is called ``default``. Their `api_key` is filled in
            wherever it came from, and so is `data` of the embedded ones.
        mirrors: in the file's order; `server` and `max_indexing` are filled in, and so is
            `read_only` where the whole file is.
        journal_retention: seconds a line of the journal is kept.
        key_origins: by server, where its key came from, in words for error messages.
        place: file name and lines, for `check`.
    """

    file: Path
    ledger: LedgerAddress
    state: Path
    servers: Mapping[str, ServerConfig]
    mirrors: tuple[MirrorConfig, ...]
    journal_retention: float
    key_origins: Mapping[str, str]
    place: SourceFile = field(repr=False, compare=False)

    def mirror(self, name: str) -> MirrorConfig | None:
        """Return the mirror called `name`."""
        return next((mirror for mirror in self.mirrors if mirror.name == name), None)

    def server_of(self, mirror: MirrorConfig) -> ServerConfig:
        """Return the server `mirror` is on."""
        return self.servers[mirror.server or ONLY_SERVER]

    def server_at(self, name: str) -> tuple[str, ...]:
        """Return where in the file the server called `name` is declared."""
        return ("servers", name) if ("servers",) in self.place.lines else ("server",)


def declared_servers(declaration: Declaration) -> dict[str, ServerConfig]:
    """Return the servers by name, however they are declared."""
    if declaration.servers is not None:
        return dict(declaration.servers)
    return {ONLY_SERVER: declaration.server} if declaration.server else {}


def server_name(mirror: MirrorConfig, servers: Mapping[str, ServerConfig]) -> str | None:
    """Return the name of the mirror's server; None when it is not told and not plain."""
    if mirror.server is not None:
        return mirror.server if mirror.server in servers else None
    return next(iter(servers)) if len(servers) == 1 else None


def complete(
    declaration: Declaration,
    keyed: Mapping[str, ServerConfig],
    key_origins: Mapping[str, str],
    *,
    file: Path,
    place: SourceFile,
) -> Settings:
    """Fill in every default that depends on something else.

    Args:
        declaration: one whose parts agree.
        keyed: its servers, with their keys.
        key_origins: where those keys came from.
        file: the configuration file, absolute.
        place: file name and lines.
    """
    state = _state_folder(declaration.ledger, file)
    servers = {name: _with_data(server, state) for name, server in keyed.items()}
    mirrors = []
    for mirror in declaration.mirrors:
        name = server_name(mirror, servers) or ONLY_SERVER
        filled = {
            "server": name,
            "read_only": mirror.read_only or declaration.read_only,
            "max_indexing": mirror.max_indexing or servers[name].max_indexing,
        }
        mirrors.append(mirror.model_copy(update=filled))
    return Settings(
        file=file,
        ledger=declaration.ledger or LedgerAddress(path=state / "ledger.db"),
        state=state,
        servers=servers,
        mirrors=tuple(mirrors),
        journal_retention=declaration.journal_retention,
        key_origins=key_origins,
        place=place,
    )


def _with_data(server: ServerConfig, state: Path) -> ServerConfig:
    if not server.is_embedded or server.data is not None:
        return server
    embedded = server.embedded.model_copy(update={"data": state / "knowledge.db"})
    return server.model_copy(update={"embedded": embedded})


def _state_folder(ledger: LedgerAddress | None, file: Path) -> Path:
    """Return the ledger's folder, or one of the platform's for this configuration file alone."""
    if ledger is not None and ledger.path is not None:
        return ledger.path.parent
    import platformdirs  # noqa: PLC0415

    # Two files may both have a mirror called docs, and a ledger has one writer.
    own = hashlib.sha256(str(file).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return platformdirs.user_state_path("kbsync", appauthor=False) / f"{file.stem}-{own}"
