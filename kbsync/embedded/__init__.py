"""The embedded knowledge base: a Dify-compatible server on one SQLite file.

A program of its own: it shares no code with the rest of kbsync, which is why it can stand in for
a real server in tests. `docs/dify-api.md` says how it behaves; `QUIRKS` are the faults of real
servers it can imitate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import create_app, embedded_app
    from .quirks import QUIRKS, UnknownQuirkError
    from .server import RemoteAddressError, serve
    from .store import StoreError

__all__ = [
    "QUIRKS",
    "RemoteAddressError",
    "StoreError",
    "UnknownQuirkError",
    "create_app",
    "embedded_app",
    "serve",
]

_HOMES = {
    "QUIRKS": "quirks",
    "RemoteAddressError": "server",
    "StoreError": "store",
    "UnknownQuirkError": "quirks",
    "create_app": "app",
    "embedded_app": "app",
    "serve": "server",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: a verb pays only for what it needs."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
