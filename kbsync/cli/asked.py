"""What the servers of a configuration say about it: keys, versions, knowledge bases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from kbsync import app
from kbsync.cli.calls.outcome import notice_of
from kbsync.config import Mirror, Settings
from kbsync.dify.remote import DifyRemote
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.messages import engine as engine_say
from kbsync.model import Base, Done, Gone

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient


async def findings(settings: Settings) -> list[Notice]:
    """Ask every server; nothing is changed anywhere.

    Args:
        settings: the whole configuration.

    Returns:
        One notice for each server and, where the server answers, each mirror on it; the exit
        code OK marks those that say that all is well.
    """
    found: list[Notice] = []
    for name in settings.servers:
        try:
            found += [notice async for notice in _server(settings, name)]
        except Problem as problem:
            found += problem.notices
    return found


async def _server(settings: Settings, name: str) -> AsyncIterator[Notice]:
    server = settings.servers[name]
    mirrors = [mirror for mirror in settings.mirrors if mirror.server == name]
    if server.is_embedded and server.data is not None and not server.data.exists():
        # Opening it would make it.
        yield say.SERVER_UNMADE(server=name, path=server.data)
        for mirror in mirrors:
            base = mirror.knowledge_base
            yield say.BASE_TO_MAKE(mirror=mirror.name, base=base.name or base.id)
        return
    async with app.client(settings, name) as api:
        # Only the list proves the key: a wrong id is told before a wrong key (section 1.1).
        listed = await api.bases.list(limit=1)
        if not isinstance(listed, Done):
            yield notice_of(listed, "kb", "list")
            return
        version = api.observed.now.version or "not told"
        yield say.SERVER_ANSWERS(server=name, url=server.url, version=version)
        if api.observed.now.update_wedges:
            yield say.UPDATES_WEDGE(server=name, version=version)
        for mirror in mirrors:
            for notice in await _mirror(settings, mirror, api):
                yield notice


async def _mirror(settings: Settings, mirror: Mirror, api: DifyClient) -> list[Notice]:
    remote, declared = DifyRemote(api), mirror.knowledge_base
    bound = _bound(settings, mirror)
    base_id = declared.id or bound
    if base_id is not None:
        asked = await remote.base(base_id)
        if isinstance(asked, Gone):
            shown = declared.name or base_id
            return [engine_say.BASE_GONE(base=shown, id=base_id, mirror=mirror.name)]
        if not isinstance(asked, Done):
            return [notice_of(asked, "kb", "get")]
        return list(_base(mirror, asked.value))
    name = declared.name or ""
    named = await remote.bases_named(name)
    if not isinstance(named, Done):
        return [notice_of(named, "kb", "list")]
    match named.value:
        case []:
            return [say.BASE_TO_MAKE(mirror=mirror.name, base=name)]
        case [base]:
            return list(_base(mirror, base))
    return [engine_say.BASE_AMBIGUOUS(count=len(named.value), base=name, mirror=mirror.name)]


def _bound(settings: Settings, mirror: Mirror) -> str | None:
    with app.ledger_to_read(settings) as ledger:
        binding = ledger.binding(mirror.name) if ledger else None
    return binding.base_id if binding else None


def _base(mirror: Mirror, base: Base) -> Iterator[Notice]:
    form = mirror.declared_chunking.form
    if base.mode != "general":
        yield engine_say.BASE_MODE(base=base.name, mode=base.mode, mirror=mirror.name)
    elif base.form not in (None, form):
        yield engine_say.BASE_FORM(base=base.name, has=base.form, wants=form, mirror=mirror.name)
    else:
        yield say.BASE_FOUND(
            mirror=mirror.name, base=base.name, id=base.id, documents=base.documents
        )
