"""The API key of a server, from the file, the environment or a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from kbsync.config.config_file import Fault, Location, first_bytes
from kbsync.config.server import ServerConfig
from kbsync.config.yaml_tree import YamlTree
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import config as messages

THE_FILE = "the configuration file"
LONGEST_KEY = 4096
_WAYS = ("api_key", "api_key_file", "api_key_env")


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and where it came from, in words."""

    secret: SecretStr
    origin: str


def read_key(file: Path) -> str | None:
    """Return the key in a file of its own, None when there is none that could be sent.

    `dify/access.py` calls it again when a server refuses the key in use.
    """
    found = _from_file(file, ())
    found = found if isinstance(found, Fault) else _sound(found, ())
    return None if isinstance(found, Fault) else found.secret.get_secret_value()


def find_key(
    server: ServerConfig, at: Location, tree: YamlTree, environ: Mapping[str, str]
) -> FoundKey | Fault | None:
    """Return the server's key, what is wrong with it, or None when it needs and has none.

    Args:
        server: as declared at `at`.
        at: its location in the file.
        tree: has the variables each value was made of.
        environ: where `api_key_env` looks.
    """
    given = [way for way in _WAYS if getattr(server, way) is not None]
    if len(given) > 1:
        return Fault(message=messages.API_KEY_SEVERAL, at=at, words={"given": ", ".join(given)})
    if not given:
        return None if server.is_embedded else Fault(message=messages.API_KEY_NONE, at=at)
    key = _key(server, (*at, given[0]), tree, environ)
    return key if isinstance(key, Fault) else _sound(key, (*at, given[0]))


def _key(
    server: ServerConfig, at: Location, tree: YamlTree, environ: Mapping[str, str]
) -> FoundKey | Fault:
    if server.api_key_file is not None:
        return _from_file(server.api_key_file, at)
    if (name := server.api_key_env) is not None:
        if name not in environ:
            return Fault(message=messages.VARIABLE_UNSET, at=at, words={"variable": name})
        return FoundKey(SecretStr(environ[name]), f"the environment variable {name}")
    names = tree.variables.get(at)
    origin = f"the environment variable {', '.join(names)}" if names else THE_FILE
    return FoundKey(server.api_key or SecretStr(""), origin)


def _from_file(path: Path, at: Location) -> FoundKey | Fault:
    words: dict[str, object] = {"path": path}
    try:
        text = first_bytes(path, LONGEST_KEY + 1).decode("ascii")
    except UnicodeDecodeError:
        words["origin"] = f"the file {path}"
        return Fault(message=messages.API_KEY_CHARACTERS, at=at, words=words)
    except OSError as error:
        words["why"] = error.strerror
        return Fault(message=messages.API_KEY_FILE, at=at, words=words)
    return FoundKey(SecretStr(text), f"the file {path}")


def _sound(key: FoundKey, at: Location) -> FoundKey | Fault:
    text = key.secret.get_secret_value().strip()
    if not text:
        return Fault(message=messages.API_KEY_EMPTY, at=at, words={"origin": key.origin})
    if text.lower().startswith("bearer "):
        return Fault(message=messages.API_KEY_BEARER, at=at, words={"origin": key.origin})
    if not (text.isascii() and text.isprintable()) or " " in text or len(text) > LONGEST_KEY:
        return Fault(message=messages.API_KEY_CHARACTERS, at=at, words={"origin": key.origin})
    if text.startswith("app-"):
        return Fault(message=messages.API_KEY_OF_APP, at=at, words={"origin": key.origin})
    return FoundKey(SecretStr(text), key.origin)
