"""`kbsync run --role`: a process of the fleet, with one role or several, until a signal ends it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack, ExitStack, suppress
from enum import StrEnum
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from kbsync import __version__
from kbsync.app import build
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.jobs import SCHEDULE, SHARDS, Jobs
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition
from kbsync.cluster.scheduler import Scheduler
from kbsync.cluster.watch import MirrorWatch
from kbsync.cluster.worker import Worker, WorkerOptions, worker
from kbsync.config import Settings
from kbsync.engine.control.controller import DRAIN
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.service.early_watches import EarlyWatches
from kbsync.service.event_log import EventLog
from kbsync.service.shutdown import LAST, Shutdown, by_force
from kbsync.service.systemd import SystemdNotifier

# Seconds between two signs of life.
SEEN_EVERY = 10.0


class Role(StrEnum):
    """What a process of the fleet does."""

    WATCH = "watch"
    WORK = "work"
    SCHEDULE = "schedule"


async def run(settings: Settings, roles: Collection[Role], notifier: SystemdNotifier) -> int:
    """Do what `roles` say until a signal ends it; return the exit code.

    Args:
        settings: as loaded; the ledger is on PostgreSQL.
        roles: at least one.
        notifier: notifies the service manager.

    Raises:
        Problem: the ledger or a server cannot be used.
    """
    log, name = EventLog(), ",".join(sorted(roles))
    async with AsyncExitStack() as stack:
        ending = stack.enter_context(ExitStack())
        address = str(build.address_of(settings))
        database = stack.enter_context(ClusterDatabase(address, f"kbsync run --role {name}"))
        members, jobs = Members(database, name), Jobs(database.location)
        stack.callback(members.leave)
        await stack.enter_async_context(jobs.opened())
        log.say("starting", version=__version__, roles=name, ledger=database.location.shown)
        group = await stack.enter_async_context(anyio.create_task_group())
        shutdown = Shutdown(log, group.cancel_scope.cancel, by_force)
        group.start_soon(shutdown.take_signals, partial(_not_reloaded, log))
        group.start_soon(_seen, members)
        partition = Partition(database)
        if Role.WATCH in roles:
            _watch(group, settings, partition, jobs, log)
        working: Worker | None = None
        queues = []
        if Role.SCHEDULE in roles:
            queues.append(SCHEDULE)
            most = WorkerOptions().most
            Scheduler(settings.mirrors, partition, members, jobs, most).register()
        if Role.WORK in roles:
            queues.append(SHARDS)
            working = await stack.enter_async_context(worker(settings, log.observe))
            jobs.reconciles(partial(_reconcile, working, log))
        if queues:
            group.start_soon(jobs.work, queues, WorkerOptions().slots + len(queues))
        notifier.ready()
        log.say("ready")
        await shutdown.begun.wait()
        notifier.stopping()
        ending.callback(by_force(DRAIN + LAST, 0))
        if working is not None:
            working.stop()
        group.cancel_scope.cancel()
    log.say("stopped")
    return shutdown.code


async def _reconcile(working: Worker, log: EventLog, shard: int) -> None:
    """Work on a shard; what keeps its mirror from going on is logged, and tried again later."""
    try:
        done = await working.work(shard)
    except Problem as problem:
        log.say("shard put off", problem.notice, shard=shard)
        return
    if done is not None and done.report is not None and done.report.done:
        counts: dict[str, object] = {n: number for n, number in done.report.done.items() if number}
        where = {"mirror": done.lease.mirror, "shard": done.lease.shown}
        log.say("shard compared", None, **where, **counts)


def _watch(
    group: TaskGroup, settings: Settings, partition: Partition, jobs: Jobs, log: EventLog
) -> None:
    watches = EarlyWatches()
    watches.begin(settings.mirrors)
    for mirror in settings.mirrors:
        warn = partial(_warn, log)
        watch = MirrorWatch(mirror.name, watches.take(mirror), partition, jobs, warn)
        group.start_soon(watch.run)


def _warn(log: EventLog, problem: Problem) -> None:
    log.say("changes not marked", problem.notice)


async def _seen(members: Members) -> None:
    while True:
        with suppress(Problem):  # said where work meets it
            await anyio.to_thread.run_sync(members.seen)
        await anyio.sleep(SEEN_EVERY)


def _not_reloaded(log: EventLog) -> None:
    log.say("not reloaded", say.ROLES_NOT_RELOADED())
