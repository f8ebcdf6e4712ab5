"""Jobs of the cluster, delivered by procrastinate over the ledger's database (docs/scale.md).

A job is a hint: "reconcile this shard". That it is delivered at least once is enough, twice is
harmless, and one that is lost is sent again: what has to be done is in the shard's row. So no job
fails, and none is retried by the engine: one that cannot be done now ends well, and its shard is
sent again once it is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import anyio
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from psycopg import sql
from sqlalchemy import create_engine

from kbsync.cluster.partition import Shard
from kbsync.cluster.schema import jobs_schema
from kbsync.cluster.signs import Sign
from kbsync.cluster.watched_jobs import WatchedJobs
from kbsync.ledger.database_errors import errors_as_problems
from kbsync.ledger.location import LedgerLocation

SHARDS = "shards"
SCHEDULE = "schedule"
RECONCILE = "reconcile"
# Of two jobs the one with the larger number is taken first.
URGENT, USUAL, UPKEEP = 10, 0, 100
# A process that said nothing for so many seconds has lost its jobs.
HEARTBEAT, STALLED_AFTER = 2.0, 10.0
# Seconds between two looks for jobs where no notification came, and until a worker that ended by
# itself is started again.
POLL, AGAIN = 5.0, 1.0
# Connections of one process, and seconds that one of them is waited for.
CONNECTIONS, CONNECT = 4, 10.0

Reconcile = Callable[[int], Awaitable[None]]
Upkeep = Callable[[], Awaitable[None]]


class Jobs:
    """Sends hints, and has them worked on.

    Args:
        location: of the ledger, on PostgreSQL; the jobs are in a schema beside its own.

    Attributes:
        sign: of the worker: its heartbeats, and what it fetches.
    """

    def __init__(self, location: LedgerLocation) -> None:
        self._location = location
        self._schema = jobs_schema(location)
        dialect = create_engine(location.url).dialect
        _, options = dialect.create_connect_args(location.url)
        options["options"] = f"-c search_path={self._schema}"
        options["connect_timeout"] = int(CONNECT)
        self._connector = PsycopgConnector(
            kwargs=options, min_size=1, max_size=CONNECTIONS, timeout=CONNECT
        )
        self._app = App(connector=self._connector)
        self.sign = Sign(STALLED_AFTER)
        self._app.job_manager = WatchedJobs(self._connector, self.sign)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep connections open for as long as the context lasts; make what is missing.

        Raises:
            Problem: the database cannot be used.
        """
        async with AsyncExitStack() as stack:
            with self._errors_as_problems():
                await stack.enter_async_context(self._app.open_async())
                await self._make_schema()
            yield

    @contextmanager
    def _errors_as_problems(self) -> Iterator[None]:
        with errors_as_problems(self._location):
            try:
                yield
            except ConnectorException as error:
                # What the driver raised, which the engine of jobs wraps.
                raise error.__cause__ or error from None

    async def _make_schema(self) -> None:
        pool = self._connector.pool
        async with pool.connection() as connection:
            lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
            await connection.execute(lock, (self._schema,))
            found = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
            row = await found.fetchone()
            if row is not None and row[0] is None:
                name = sql.Identifier(self._schema)
                await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
                await connection.execute(self._app.schema_manager.get_schema())

    async def send(self, shards: Iterable[Shard]) -> None:
        """Send a hint for each shard, unless one waits already.

        Raises:
            Problem: the database cannot be used.
        """
        for shard in shards:
            job = self._app.configure_task(
                RECONCILE,
                queue=SHARDS,
                queueing_lock=f"shard {shard.id}",
                priority=URGENT if shard.urgent else USUAL,
            )
            with suppress(AlreadyEnqueued), self._errors_as_problems():
                await job.defer_async(shard=shard.id)

    def reconciles(self, work: Reconcile) -> None:
        """Have hints worked on by `work`, which is given the id of a shard and does not raise."""

        @self._app.task(name=RECONCILE, queue=SHARDS)
        async def reconcile(shard: int) -> None:
            await work(shard)

    def keeps_up(self, name: str, seconds: int, work: Upkeep) -> None:
        """Have `work` done every so many seconds, by one process of all that do such work.

        Args:
            name: of the work.
            seconds: from one to the next, which divide a minute or are minutes.
            work: does not raise.
        """
        cron = f"* * * * * */{seconds}" if seconds < 60 else f"*/{seconds // 60} * * * * 0"

        @self._app.periodic(cron=cron)
        @self._app.task(name=name, queue=SCHEDULE, queueing_lock=name, priority=UPKEEP)
        async def upkeep(timestamp: int) -> None:
            await work()

    async def deliver_again(self) -> None:
        """Deliver the jobs of processes that are gone once more.

        Raises:
            Problem: the database cannot be used.
        """
        manager = self._app.job_manager
        with self._errors_as_problems():
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
                try:
                    await manager.retry_job(job)
                except UniqueViolation:  # the shard was sent again meanwhile
                    await manager.finish_job(job, Status.FAILED, delete_job=True)

    async def work(self, queues: Sequence[str], concurrency: int) -> None:
        """Work on jobs until cancelled; those begun come to their end first.

        Args:
            queues: of which.
            concurrency: jobs at once.
        """
        options: Any = {
            "queues": list(queues),
            "concurrency": concurrency,
            "install_signal_handlers": False,
            "update_heartbeat_interval": HEARTBEAT,
            "stalled_worker_timeout": STALLED_AFTER,
            "fetch_job_polling_interval": POLL,
            "delete_jobs": "always",
        }
        self.sign.heard()
        while True:
            # It ends by itself where the database was away, with an error or without one.
            with suppress(ConnectorException):
                await _drained(asyncio.ensure_future(self._app.run_worker_async(**options)))
            await anyio.sleep(AGAIN)


async def _drained(worker: asyncio.Future[None]) -> None:
    """Wait for a worker; when cancelled, until its jobs have ended."""
    # Cancelled as a task of its own it lets them end, by the scope around it it would not.
    try:
        await asyncio.wait([worker])
    except BaseException:
        worker.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([worker])
        raise
    await worker
