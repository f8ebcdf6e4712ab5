"""The calls by which procrastinate fetches jobs and says that its worker lives, watched.

Its worker may neither fetch nor stop where a connection stays half open, and nothing ends it: so
health looks at these calls from outside.
"""

from __future__ import annotations

from collections.abc import Iterable

from procrastinate import PsycopgConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from kbsync.cluster.signs import Sign


class WatchedJobs(JobManager):
    """The job manager of a process.

    Args:
        connector: to the database.
        sign: heard of by each answer.
    """

    def __init__(self, connector: PsycopgConnector, sign: Sign) -> None:
        super().__init__(connector)
        self._sign = sign

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Fetch a job, or None where none waits."""
        with self._sign.asking():
            return await super().fetch_job(queues, worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that the worker lives."""
        with self._sign.asking():
            await super().update_heartbeat(worker_id)
