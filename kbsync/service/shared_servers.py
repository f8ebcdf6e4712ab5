"""Connections to servers: one each, open as long as some mirror needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from kbsync.app import connect
from kbsync.config import ServerConfig

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient
    from kbsync.engine.ports import Clock
    from kbsync.engine.workers.throttle import ThrottledRemote

# Limits of the gate: a change of these needs no new connection.
GATE = ("max_in_flight", "requests_per_minute", "max_indexing")


@dataclass(slots=True)
class _SharedServer:
    """An open connection. Setting `closing` closes it, in the task that opened it."""

    api: DifyClient
    closing: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)


class SharedServers:
    """Opens servers when they are first asked for, and shares them.

    Args:
        group: where the connections live.
        clock: the ledger's.
    """

    def __init__(self, group: TaskGroup, clock: Clock) -> None:
        self._group = group
        self._clock = clock
        self._links: dict[ServerConfig, _SharedServer] = {}
        self._gates: dict[ServerConfig, ThrottledRemote] = {}
        self._opening = anyio.Lock()

    async def gate(self, server: ServerConfig) -> ThrottledRemote:
        """Return the gate of a server, which is opened if it is not.

        Raises:
            Problem: the server cannot be used as declared.
        """
        async with self._opening:
            if server not in self._gates:
                link = self._links.get(_connection(server))
                if link is None:
                    link = await self._group.start(self._hold, server)
                self._gates[server] = connect.gate(server, link.api, self._clock)
            return self._gates[server]

    async def only(self, wanted: Iterable[ServerConfig]) -> None:
        """Close every connection that none of the `wanted` servers needs."""
        kept = set(wanted)
        connections = {_connection(server) for server in kept}
        self._gates = {server: gate for server, gate in self._gates.items() if server in kept}
        for connection in self._links.keys() - connections:
            link = self._links.pop(connection)
            link.closing.set()
            await link.ended.wait()

    async def _hold(self, server: ServerConfig, *, task_status: TaskStatus[_SharedServer]) -> None:
        async with connect.connected(server) as api:
            link = self._links[_connection(server)] = _SharedServer(api)
            task_status.started(link)
            await link.closing.wait()
        link.ended.set()


def _connection(server: ServerConfig) -> ServerConfig:
    """Return what two servers have in common that share a connection."""
    if server.is_embedded:
        return ServerConfig(url=server.url, embedded=server.embedded)
    return server.model_copy(update={key: ServerConfig.model_fields[key].default for key in GATE})
