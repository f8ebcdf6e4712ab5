"""What a server can do, how fast it may be asked, and whether its clock and ours agree."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from kbsync.app import build
from kbsync.cli.doctor.in_flight import in_flight
from kbsync.cli.doctor.indexing import indexing
from kbsync.cli.doctor.probe import probe
from kbsync.config import ServerConfig, Settings
from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.messages import Notice
from kbsync.messages import doctor as say
from kbsync.model import Capability
from kbsync.model.file_types import ACCEPTED

MEGABYTE = 1 << 20
TAKEN = 15 * MEGABYTE
AGREE = 30.0
CLOUD = "dify.ai"


def limits(settings: Settings) -> Iterator[Notice]:
    """Yield what the configuration says about limits, beside what servers are known to take."""
    for mirror in settings.mirrors:
        limit = f"{mirror.max_file_size / MEGABYTE:g}"
        more = sorted(set(mirror.extensions) - set(ACCEPTED))
        if mirror.max_file_size > TAKEN:
            yield say.LARGER(mirror=mirror.name, limit=limit)
        if more:
            yield say.MORE_TYPES(mirror=mirror.name, extensions=", ".join(more))
        if not more and mirror.max_file_size <= TAKEN:
            yield say.LIMITS(mirror=mirror.name, limit=limit, count=len(mirror.extensions))
    for name, server in settings.servers.items():
        yield _rate(name, server)


def _rate(name: str, server: ServerConfig) -> Notice:
    host = urlsplit(server.url).hostname or ""
    if server.requests_per_minute is not None:
        return say.RATE(server=name, rate=server.requests_per_minute)
    if host == CLOUD or host.endswith(f".{CLOUD}"):
        return say.NO_RATE(server=name, host=host)
    return say.NO_LIMIT(server=name)


async def examine(
    settings: Settings, name: str, api: DifyClient, mirrors: Sequence[str]
) -> AsyncIterator[Notice]:
    """Yield what `validate` does not ask: clock, ways to update, marks, and one search.

    Args:
        settings: the whole configuration.
        name: the server's.
        api: the server.
        mirrors: those on it whose bases are as they should be.
    """
    if not settings.servers[name].is_embedded:
        yield clock(name, api.observed.date, time.time())
    with build.ledger_to_read(settings) as ledger:
        bound = [found for each in mirrors if ledger and (found := ledger.binding(each))]
        if bound:
            # Whether a server has metadata fields is known only after asking for them.
            await DifyRemote(api).fields(bound[0].base_id)
        for notice in _able(name, api, asked=bool(bound)):
            yield notice
        for binding in bound:
            room = await in_flight(settings, api, binding)
            if room is not None:
                yield room
            if ledger is not None:
                moves = await indexing(api, ledger, binding)
                if moves is not None:
                    yield moves
                async for notice in probe(api, ledger, binding):
                    yield notice


def _able(name: str, api: DifyClient, *, asked: bool) -> Iterator[Notice]:
    able = api.observed.now
    if Capability.UPDATE_ENDS in able:
        yield say.UPDATES_IN_PLACE(server=name)
    if able.state(Capability.MERGE_BY_NAME) is False:
        yield say.TWINS(server=name, version=able.version)
    if asked and Capability.METADATA in able:
        yield say.MARKS(server=name)


def clock(server: str, date: str | None, now: float) -> Notice:
    """Return how far a server's clock is from ours.

    Args:
        server: its name.
        date: the Date header of its last reply, to the second.
        now: seconds since the epoch, here.
    """
    try:
        seconds = abs(parsedate_to_datetime(date or "").timestamp() - now)
    except (ValueError, OverflowError):
        return say.CLOCK_UNKNOWN(server=server)
    if seconds > AGREE:
        return say.CLOCK_APART(server=server, seconds=f"{seconds:.0f}")
    return say.CLOCK(server=server, seconds=f"{seconds + 1:.0f}")
