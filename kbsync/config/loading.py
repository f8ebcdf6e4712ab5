"""One configuration file → settings, or one problem that names every fault found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kbsync.config.api_key import FoundKey, find_key
from kbsync.config.consistency import disagreements
from kbsync.config.declaration import Declaration
from kbsync.config.server import ServerConfig
from kbsync.config.settings import Settings, complete, declared_servers
from kbsync.config.source_file import Fault, Refused, SourceFile, read_text
from kbsync.config.validation import declare
from kbsync.config.yaml_tree import YamlTree, parse


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read, check and complete a configuration file.

    Args:
        path: the file; its own relative paths start from its folder.
        environ: where `${NAME}` and `api_key_env` look.

    Raises:
        Problem: every fault found, each with file, line and key.
    """
    place = SourceFile(str(path))
    try:
        tree = parse(read_text(path), environ)
    except Refused as refused:
        raise place.problem([refused.fault]) from None
    place = SourceFile(str(path), tree.lines)
    file = path.absolute()
    declaration, faults = declare(tree, file.parent)
    faults += tree.faults
    if declaration is None:
        raise place.problem(faults)
    faults += disagreements(declaration, tree.lines)
    servers, origins = _keyed(declaration, tree, environ, faults)
    if faults:
        raise place.problem(faults)
    return complete(declaration, servers, origins, file=file, place=place)


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
