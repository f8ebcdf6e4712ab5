"""Connections to servers: one each, open as long as some mirror needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field

import anyio
from anyio.abc import TaskGroup, TaskStatus

from kbsync.app import connect
from kbsync.config import ServerConfig
from kbsync.dify.client import DifyClient
from kbsync.dify.traffic import Traffic
from kbsync.engine.ports import Clock
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.service.event_log import EventLog
from kbsync.service.lending import lend

# Limits on our side: a change of these needs no new connection.
LIMITS = ("max_in_flight", "requests_per_minute", "max_indexing")


@dataclass(slots=True)
class _Connection:
    """An open connection. Setting `closing` closes it, in the task that opened it."""

    api: DifyClient
    closing: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """What was asked of one server since its connection was opened.

    Args:
        traffic: requests and bytes.
        held_back: seconds that calls waited for the declared rate or a pause.
    """

    traffic: Traffic
    held_back: float


class SharedServers:
    """Connects to servers when they are first asked for; their mirrors share the connection.

    Args:
        group: where the connections stay open.
        clock: the ledger's.
        log: the daemon's.
        fence: looked at before each write; why nothing may be written any more.
    """

    def __init__(
        self,
        group: TaskGroup,
        clock: Clock,
        log: EventLog,
        fence: Callable[[], Notice | None] = lambda: None,
    ) -> None:
        self._group = group
        self._clock = clock
        self._log = log
        self._fence = fence
        self._connections: dict[ServerConfig, _Connection] = {}
        self._remotes: dict[ServerConfig, ThrottledRemote] = {}
        self._opening = anyio.Lock()

    async def remote(self, server: ServerConfig) -> ThrottledRemote:
        """Return the connection to a server with its limits; it is opened if it is not.

        Raises:
            Problem: the server cannot be used as declared.
        """
        # Two mirrors of a new server must not open it twice.
        async with self._opening:
            if server not in self._remotes:
                connection = self._connections.get(_key(server))
                if connection is None:
                    connection = await self._group.start(self._hold, server)
                self._remotes[server] = connect.throttled(
                    server, connection.api, self._clock, self._fence
                )
            return self._remotes[server]

    async def client(self, server: ServerConfig) -> DifyClient:
        """Return the whole knowledge API of a server, for a person who asks by hand.

        Raises:
            Problem: the server cannot be used as declared.
        """
        await self.remote(server)
        return self._connections[_key(server)].api

    def load(self, server: ServerConfig) -> ServerLoad | None:
        """Return what was asked of a server so far; None while it is not open.

        Servers that differ in limits alone share a connection and what is counted of it.
        """
        connection = self._connections.get(_key(server))
        if connection is None:
            return None
        remote = self._remotes.get(server)
        return ServerLoad(connection.api.traffic, remote.held_back if remote else 0.0)

    async def only(self, wanted: Iterable[ServerConfig]) -> None:
        """Close every connection that none of the `wanted` servers needs."""
        needed = set(wanted)
        self._remotes = {
            server: remote for server, remote in self._remotes.items() if server in needed
        }
        for key in self._connections.keys() - {_key(server) for server in needed}:
            connection = self._connections.pop(key)
            connection.closing.set()
            await connection.ended.wait()

    async def _hold(self, server: ServerConfig, *, task_status: TaskStatus[_Connection]) -> None:
        async with connect.opened(server) as opened, anyio.create_task_group() as lending:
            connection = self._connections[_key(server)] = _Connection(opened.client)
            if server.is_embedded and server.data is not None:
                await lending.start(lend, opened, server.data, self._log)
            task_status.started(connection)
            # A connection is closed by the task that opened it, as anyio's cancel scopes
            # demand.
            await connection.closing.wait()
            lending.cancel_scope.cancel()
        connection.ended.set()


def _key(server: ServerConfig) -> ServerConfig:
    """Return what two servers have in common that share a connection."""
    if server.is_embedded:
        return ServerConfig(url=server.url, embedded=server.embedded)
    return server.model_copy(update={key: ServerConfig.model_fields[key].default for key in LIMITS})
