"""`kbsync run --role`: a process of the fleet, with one role or several, until a signal ends it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, ExitStack, suppress
from enum import StrEnum
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from kbsync import __version__
from kbsync.app import build
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.drift import Drift
from kbsync.cluster.jobs import SCHEDULE, SHARDS, Jobs
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition
from kbsync.cluster.process import Beside, ClusterProcess, Trouble
from kbsync.cluster.scheduler import Scheduler
from kbsync.cluster.signs import Sign
from kbsync.cluster.watch import MirrorWatch
from kbsync.cluster.worker import Worker, WorkerOptions, worker
from kbsync.config import Settings
from kbsync.engine.control.controller import DRAIN
from kbsync.engine.execute.results import Event
from kbsync.engine.workers.pool import Observer
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.service.early_watches import EarlyWatches
from kbsync.service.event_log import EventLog
from kbsync.service.shutdown import LAST, Shutdown, by_force
from kbsync.service.systemd import SystemdNotifier

# Seconds between two signs of life.
SEEN_EVERY = 10.0
# Seconds after which a database that answers none of them counts as away.
AWAY_AFTER = 30.0

MakeBeside = Callable[[ClusterProcess], Beside]


class Role(StrEnum):
    """What a process of the fleet does."""

    WATCH = "watch"
    WORK = "work"
    SCHEDULE = "schedule"


async def run(
    settings: Settings,
    roles: Collection[Role],
    notifier: SystemdNotifier,
    make_beside: MakeBeside | None = None,
) -> int:
    """Do what `roles` say until a signal ends it; return the exit code.

    Args:
        settings: as loaded; the ledger is on PostgreSQL.
        roles: at least one.
        notifier: notifies the service manager.
        make_beside: makes what runs beside the roles, such as an HTTP server; None for nothing.

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
        process = ClusterProcess(database.location, log)
        process.signs[Trouble.DATABASE_AWAY] = Sign(AWAY_AFTER)
        beside = make_beside(process) if make_beside else None
        if Role.WORK in roles:
            # Closed once the jobs have ended: their calls come to an end.
            opened = worker(settings, _observing(log, beside))
            process.worker = await stack.enter_async_context(opened)
        group = await stack.enter_async_context(anyio.create_task_group())
        shutdown = Shutdown(log, group.cancel_scope.cancel, by_force)
        group.start_soon(shutdown.take_signals, partial(_not_reloaded, log))
        group.start_soon(_seen, members, process.signs[Trouble.DATABASE_AWAY])
        partition = Partition(database)
        if Role.WATCH in roles:
            _watch(group, settings, partition, jobs, log)
        queues = []
        if Role.SCHEDULE in roles:
            queues.append(SCHEDULE)
            _schedule(settings, database, members, jobs, log)
        if process.worker is not None:
            queues.append(SHARDS)
            process.signs[Trouble.LEASES_NOT_RENEWED] = process.worker.sign
            jobs.reconciles(partial(_reconcile, process.worker, log))
        if queues:
            process.signs[Trouble.JOBS_UNHEARD] = jobs.sign
            group.start_soon(jobs.work, queues, WorkerOptions().slots + len(queues))
        if beside is not None:
            group.start_soon(_beside, beside, log)
        notifier.ready()
        log.say("ready")
        await shutdown.begun.wait()
        notifier.stopping()
        ending.callback(by_force(DRAIN + LAST, 0))
        if process.worker is not None:
            process.worker.stop()
        group.cancel_scope.cancel()
    log.say("stopped")
    return shutdown.code


async def _reconcile(working: Worker, log: EventLog, shard: int) -> None:
    """Work on a shard; what is held back is logged, and what keeps its mirror from going on."""
    try:
        done = await working.work(shard)
    except Problem as problem:
        log.say("shard put off", problem.notice, shard=shard)
        return
    if done is None or done.report is None:
        return
    where = {"mirror": done.lease.mirror, "shard": done.lease.shown}
    if done.report.done:
        counts: dict[str, object] = {n: number for n, number in done.report.done.items() if number}
        log.say("shard compared", None, **where, **counts)
    if done.report.halted is not None:
        for why in done.report.halted.why:
            log.say("held back", why, **where, changes=len(done.report.halted.keys))


def _watch(
    group: TaskGroup, settings: Settings, partition: Partition, jobs: Jobs, log: EventLog
) -> None:
    watches = EarlyWatches()
    watches.begin(settings.mirrors)
    for mirror in settings.mirrors:
        warn = partial(_warn, log)
        watch = MirrorWatch(mirror.name, watches.take(mirror), partition, jobs, warn)
        group.start_soon(watch.run)


def _schedule(
    settings: Settings, database: ClusterDatabase, members: Members, jobs: Jobs, log: EventLog
) -> None:
    partition, most = Partition(database), WorkerOptions().most
    drift = Drift(database, partition)
    scheduler = Scheduler(settings.mirrors, partition, drift, members, jobs, most)
    scheduler.register(partial(_put_off, log))


def _put_off(log: EventLog, work: str, problem: Problem) -> None:
    log.say("upkeep put off", problem.notice, work=work)


def _warn(log: EventLog, problem: Problem) -> None:
    log.say("changes not marked", problem.notice)


def _observing(log: EventLog, beside: Beside | None) -> Observer:
    if beside is None:
        return log.observe

    def observe(event: Event) -> None:
        log.observe(event)
        beside.observe(event)

    return observe


async def _beside(beside: Beside, log: EventLog) -> None:
    try:
        await beside.run()
    except Exception as error:
        # A fault in it ends it alone: the shards are worked on.
        log.fault("fault beside the mirrors", error)


async def _seen(members: Members, sign: Sign) -> None:
    while True:
        with suppress(Problem), sign.asking():  # said where work meets it
            await anyio.to_thread.run_sync(members.seen)
        await anyio.sleep(SEEN_EVERY)


def _not_reloaded(log: EventLog) -> None:
    log.say("not reloaded", say.ROLES_NOT_RELOADED())
