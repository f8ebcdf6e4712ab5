"""From a configuration file to settings: read, declared, checked, completed.

Defaults stand beside their keys, in `mirror`, `guard`, `chunking` and `server`. Completing fills in
only what depends on another key: a mirror's server, and where state is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from kbsync.config.api_key import FoundKey, find_key
from kbsync.config.config_file import ConfigFile, Fault, Refused, read_text
from kbsync.config.consistency import disagreements
from kbsync.config.declaration import ONLY_SERVER, Declaration, declared_servers, server_name
from kbsync.config.mirror import MirrorConfig
from kbsync.config.notify import NotifyTarget
from kbsync.config.server import ServerConfig
from kbsync.config.types import LedgerAddress
from kbsync.config.validation import declare
from kbsync.config.web import WebConfig
from kbsync.config.yaml_tree import YamlTree, parse
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem, machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything one configuration file settles.

    Args:
        file: the configuration file, absolute.
        ledger: where the ledger is.
        state: folder of what kbsync keeps on this machine: socket, lock, embedded data.
        servers: by name; a lone `server` is called ``default``. Their `api_key` is filled in
            wherever it came from, and so is `data` of the embedded ones.
        mirrors: in the file's order; `server` is filled in, and so is
            `read_only` where the whole file is.
        journal_retention: seconds a line of the journal is kept.
        web: the daemon's HTTP server; None: it has none.
        notify: who is notified of trouble.
        key_origins: by server, where its key came from, in words for error messages.
        config_file: file name and lines, for `check`.
    """

    file: Path
    ledger: LedgerAddress
    state: Path
    servers: Mapping[str, ServerConfig]
    mirrors: tuple[MirrorConfig, ...]
    journal_retention: float
    web: WebConfig | None
    notify: tuple[NotifyTarget, ...]
    key_origins: Mapping[str, str]
    config_file: ConfigFile = field(repr=False, compare=False)

    def mirror(self, name: str) -> MirrorConfig | None:
        """Return the mirror called `name`."""
        return next((mirror for mirror in self.mirrors if mirror.name == name), None)

    def server_of(self, mirror: MirrorConfig) -> ServerConfig:
        """Return the server `mirror` is on."""
        return self.servers[mirror.server or ONLY_SERVER]

    def server_at(self, name: str) -> tuple[str, ...]:
        """Return where in the file the server called `name` is declared."""
        return ("servers", name) if ("servers",) in self.config_file.lines else ("server",)


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read, check and complete a configuration file.

    Args:
        path: the file; its own relative paths start from its folder.
        environ: where `${NAME}` and `api_key_env` look.

    Raises:
        Problem: every fault found, each with file, line and key.
    """
    config_file = ConfigFile(str(path))
    try:
        tree = parse(read_text(path), environ)
    except Refused as refused:
        raise config_file.problem([refused.fault]) from None
    config_file = ConfigFile(str(path), tree.lines)
    file = path.absolute()
    declaration, faults = declare(tree, file.parent)
    faults += tree.faults
    if declaration is None:
        raise config_file.problem(faults)
    faults += disagreements(declaration, tree.lines)
    servers, origins = _keyed(declaration, tree, environ, faults)
    if faults:
        raise config_file.problem(faults)
    return _complete(declaration, servers, origins, file=file, config_file=config_file)


def _keyed(
    declaration: Declaration, tree: YamlTree, environ: Mapping[str, str], faults: list[Fault]
) -> tuple[dict[str, ServerConfig], dict[str, str]]:
    """Return the servers with their keys and the keys' origins; what is wrong joins `faults`."""
    keyed: dict[str, ServerConfig] = {}
    origins: dict[str, str] = {}
    unset = {fault.at for fault in faults}
    for name, server in declared_servers(declaration).items():
        at = ("servers", name) if declaration.servers is not None else ("server",)
        keyed[name] = server
        match find_key(server, at, tree, environ):
            case Fault() as fault:
                faults += [] if fault.at in unset else [fault]
            case FoundKey() as key:
                keyed[name] = server.model_copy(update={"api_key": key.secret})
                origins[name] = key.origin
    return keyed, origins


def _complete(
    declaration: Declaration,
    keyed: Mapping[str, ServerConfig],
    key_origins: Mapping[str, str],
    *,
    file: Path,
    config_file: ConfigFile,
) -> Settings:
    """Fill in every default that depends on something else.

    Args:
        declaration: one whose parts agree.
        keyed: its servers, with their keys.
        key_origins: where those keys came from.
        file: the configuration file, absolute.
        config_file: file name and lines.
    """
    state = state_folder(declaration.ledger, file)
    servers = {name: _with_data(server, state) for name, server in keyed.items()}
    mirrors = []
    for mirror in declaration.mirrors:
        name = server_name(mirror, servers) or ONLY_SERVER
        filled = {
            "server": name,
            "read_only": mirror.read_only or declaration.read_only,
        }
        mirrors.append(mirror.model_copy(update=filled))
    return Settings(
        file=file,
        ledger=declaration.ledger or LedgerAddress(path=state / "ledger.db"),
        state=state,
        servers=servers,
        mirrors=tuple(mirrors),
        journal_retention=declaration.journal_retention,
        web=declaration.web,
        notify=declaration.notify,
        key_origins=key_origins,
        config_file=config_file,
    )


def _with_data(server: ServerConfig, state: Path) -> ServerConfig:
    if not server.is_embedded or server.data is not None:
        return server
    embedded = server.embedded.model_copy(update={"data": state / "knowledge.db"})
    return server.model_copy(update={"embedded": embedded})


def state_folder(ledger: LedgerAddress | None, file: Path) -> Path:
    """Return the ledger's folder, or one of the platform's for this configuration file alone."""
    if ledger is not None and ledger.path is not None:
        return ledger.path.parent
    import platformdirs  # noqa: PLC0415

    # Two files may both have a mirror called docs, and a ledger has one writer.
    own = hashlib.sha256(str(file).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    try:
        folder = platformdirs.user_state_path("kbsync", appauthor=False)
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():  # older releases leave a ~ that stands for nothing
        raise Problem(machine.NO_HOME(what="the ledger", key="ledger"))
    return folder / f"{file.stem}-{own}"
