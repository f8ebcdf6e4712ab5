"""A snapshot as Prometheus metrics. Labels are names of the configuration and fixed words alone."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.metrics_core import Metric

from kbsync import __version__
from kbsync.engine.control.controller import Phase
from kbsync.service.shared_servers import ServerLoad
from kbsync.web.metric_rows import counter, gauge
from kbsync.web.snapshot import MirrorFacts, Snapshot

MODES = ("inotify", "polling", "inotify+polling")


def families(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield every metric but the histograms.

    Args:
        snapshot: what was measured.
    """
    yield from _of_the_daemon(snapshot)
    yield from _of_mirrors(snapshot.mirrors)
    yield from _of_guard_and_watch(snapshot.mirrors)
    yield from of_servers(snapshot.servers)


def of_every_process(ready: bool | None) -> Iterator[Metric]:
    """Yield what each process has that answers.

    Args:
        ready: as /readyz says; None for a process that stands by.
    """
    yield gauge(
        "kbsync_build_info",
        "Which kbsync and Python this is; the value is 1.",
        ("version", "python"),
        [((__version__, platform.python_version()), 1.0)],
    )
    about = "1 when /readyz answers 200; missing in a process that stands by."
    yield gauge("kbsync_ready", about, (), [((), _one(ready))])


def _of_the_daemon(snapshot: Snapshot) -> Iterator[Metric]:
    yield from of_every_process(snapshot.ready)
    yield gauge(
        "kbsync_configuration_refused",
        "1 when the configuration file as it is now is refused, and an older one in force.",
        (),
        [((), _one(snapshot.refused))],
    )
    size = snapshot.ledger_bytes
    about = "Bytes the ledger takes on its disk."
    yield gauge("kbsync_ledger_bytes", about, (), [((), None if size is None else float(size))])


def _of_mirrors(mirrors: tuple[MirrorFacts, ...]) -> Iterator[Metric]:
    yield gauge(
        "kbsync_documents",
        "Documents by state, as kbsync status names it; unmet: keys that stay as they are until a "
        "person sees to them; foreign: not made by kbsync; held: keys that the guard holds back.",
        ("mirror", "state"),
        (((m.name, state), float(n)) for m in mirrors for state, n in m.documents.items()),
    )
    yield gauge(
        "kbsync_queue_depth",
        "Keys that wait: to settle, for their grace period, for room, for their time.",
        ("mirror",),
        (((m.name,), float(m.status.pending)) for m in mirrors),
    )
    yield gauge(
        "kbsync_oldest_pending_seconds",
        "Age of the oldest change that is not done, indexed included; 0 when all is done.",
        ("mirror",),
        (((m.name,), _since(m, m.status.oldest) or 0.0) for m in mirrors),
    )
    yield gauge(
        "kbsync_comparison_age_seconds",
        "Seconds since everything was compared; missing before the first time.",
        ("mirror",),
        (((m.name,), _since(m, m.status.last_pass)) for m in mirrors),
    )


def of_guard(held: Iterable[tuple[str, bool]]) -> Metric:
    """Return whether something is held back of each mirror."""
    return gauge(
        "kbsync_guard_halted",
        "1 while the guard holds changes back until a person releases them.",
        ("mirror",),
        (((name,), float(holds)) for name, holds in held),
    )


def _of_guard_and_watch(mirrors: tuple[MirrorFacts, ...]) -> Iterator[Metric]:
    yield gauge(
        "kbsync_mirror_phase",
        "1 for the phase the mirror is in, as kbsync status names it.",
        ("mirror", "phase"),
        (((m.name, p.value), float(m.status.phase is p)) for m in mirrors for p in Phase),
    )
    yield of_guard((m.name, m.status.held is not None) for m in mirrors)
    yield gauge(
        "kbsync_server_away_seconds",
        "For how long the mirror's server has not answered; 0 while it does.",
        ("mirror",),
        (((m.name,), m.away) for m in mirrors),
    )
    yield gauge(
        "kbsync_watch_mode",
        "1 for the way in which changes are noticed.",
        ("mirror", "mode"),
        (((m.name, mode), float(m.status.mode == mode)) for m in mirrors for mode in MODES),
    )


def of_servers(loads: Mapping[str, ServerLoad]) -> Iterator[Metric]:
    """Yield what was asked of servers.

    Args:
        loads: by the server's name.
    """
    servers = loads.items()
    yield counter(
        "kbsync_requests",
        "Requests to a server, by call and outcome.",
        ("server", "operation", "outcome"),
        (
            ((name, call.replace(" ", "_"), outcome), float(n))
            for name, load in servers
            for (call, outcome), n in sorted(load.traffic.requests.items())
        ),
    )
    yield counter(
        "kbsync_uploaded_bytes",
        "Bytes of files that were sent in full.",
        ("server",),
        (((name,), float(load.traffic.uploaded)) for name, load in servers),
    )
    yield counter(
        "kbsync_throttle_seconds",
        "Seconds that calls waited for the declared rate, and that the server wanted no writes.",
        ("server",),
        (((name,), load.held_back) for name, load in servers),
    )


def _one(holds: bool | None) -> float | None:
    return None if holds is None else float(holds)


def _since(mirror: MirrorFacts, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, mirror.now - moment)
