"""The embedded knowledge base: a Dify-compatible server on one SQLite file.

It shares no code with the rest of kbsync, so that tests can use it in place of a real server: a
mistake of the client is not repeated here. `docs/dify-api.md` says how it behaves; `QUIRKS` are
the faults of real servers it can imitate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .asgi_app import create_app, embedded_app
    from .local_socket import answering
    from .quirks import QUIRKS, UnknownQuirkError
    from .sqlite_store import StoreError
    from .uvicorn_server import RemoteAddressError, serve
    from .versions import NEWEST, PROFILES, UnknownVersionError

__all__ = [
    "NEWEST",
    "PROFILES",
    "QUIRKS",
    "RemoteAddressError",
    "StoreError",
    "UnknownQuirkError",
    "UnknownVersionError",
    "answering",
    "create_app",
    "embedded_app",
    "serve",
]

_MODULES = {
    "NEWEST": "versions",
    "PROFILES": "versions",
    "QUIRKS": "quirks",
    "RemoteAddressError": "uvicorn_server",
    "StoreError": "sqlite_store",
    "UnknownQuirkError": "quirks",
    "UnknownVersionError": "versions",
    "answering": "local_socket",
    "create_app": "asgi_app",
    "embedded_app": "asgi_app",
    "serve": "uvicorn_server",
}


def __getattr__(name: str) -> object:
    """Load a public name on its first use."""
    # `kbsync serve --help` needs the quirks only, and not Starlette, pydantic and uvicorn.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
