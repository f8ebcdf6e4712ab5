"""What the servers of a configuration say about it: keys, versions, knowledge bases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from kbsync.app import build
from kbsync.app.lent_socket import lent_at
from kbsync.cli.api.outcome import notice_of
from kbsync.cli.output import wrong
from kbsync.commands.patience import Patience
from kbsync.config import MirrorConfig, ServerConfig, Settings
from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.engine.context import Mirror
from kbsync.engine.observe.base_settings import case_with, hidden
from kbsync.engine.observe.knowledge_base import (
    counting_binding,
    look_for,
    models_must_be_there,
    pipeline_decides,
)
from kbsync.engine.observe.server_age import losses, too_old
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.model import Base, Capability, Done
from kbsync.planning.base_settings import base_changes, in_short
from kbsync.service import control_client

Examine = Callable[[Settings, str, DifyClient, Sequence[str]], AsyncIterator[Notice]]


async def check_servers(
    settings: Settings, patience: Patience, examine: Examine | None = None
) -> list[Notice]:
    """Ask every server; nothing is changed anywhere.

    Args:
        settings: the whole configuration.
        patience: says which answer is waited for.
        examine: makes more checks of a server that answers, given its name and the names of the
            mirrors on it whose bases are as they should be.

    Returns:
        One notice for each server and, where the server answers, each mirror on it; the exit
        code OK marks those that say that all is well.
    """
    found: list[Notice] = []
    for name in settings.servers:
        try:
            async for notice in _server(settings, name, patience, examine):
                patience.moved()
                found.append(notice)
        except Problem as problem:
            found += problem.notices
    return found


async def _server(
    settings: Settings, name: str, patience: Patience, examine: Examine | None
) -> AsyncIterator[Notice]:
    server = settings.servers[name]
    mirrors = [mirror for mirror in settings.mirrors if mirror.server == name]
    if server.is_embedded and server.data is not None and not server.data.exists():
        # Opening it would make it.
        yield say.SERVER_UNMADE(server=name, path=server.data)
        for mirror in mirrors:
            base = mirror.knowledge_base
            yield say.BASE_TO_MAKE(mirror=mirror.name, base=base.name or base.id)
        return
    if _is_kept_from_us(server) and (live := control_client.live(settings)):
        # One process opens it; whether its mirrors go on is asked of the daemon.
        yield say.SERVER_OF_DAEMON(server=name, path=server.data, pid=live["pid"])
        return
    async with build.client(settings, name) as api:
        patience.watch_calls(api.waits)
        _recall(settings, server.url, api)
        # Only the list proves the key: an id is looked at before it (docs/dify-api.md section 1.1).
        listed = await api.bases.list(limit=1)
        if not isinstance(listed, Done) and not await _one_answers(mirrors, api):
            yield notice_of(listed, "kb", "list")
            return
        version = api.observed.now.version or "not told"
        if api.observed.now.too_old:
            yield too_old(server.url, api.observed.now)
            return
        yield say.SERVER_ANSWERS(server=name, url=api.where, version=version)
        if api.observed.now.state(Capability.UPDATE_ENDS) is False:
            yield say.UPDATES_WEDGE(server=name, version=version)
        for notice in losses(server.url, api.observed.now):
            yield notice
        sound: list[str] = []
        for mirror in mirrors:
            findings = await _mirror(settings, mirror, api)
            sound += [] if any(map(wrong, findings)) else [mirror.name]
            for notice in findings:
                yield notice
        if examine is not None:
            async for notice in examine(settings, name, api, sound):
                yield notice


def _is_kept_from_us(server: ServerConfig) -> bool:
    """Whether no daemon lends the embedded knowledge base, which one may have open all the same."""
    return server.data is not None and lent_at(server.data) is None


async def _one_answers(mirrors: Sequence[MirrorConfig], api: DifyClient) -> bool:
    """Whether a base that is named by its id answers: a key may be bound to that one."""
    ids = [mirror.knowledge_base.id for mirror in mirrors if mirror.knowledge_base.id]
    return bool(ids) and isinstance(await api.bases.get(ids[0]), Done)


def _recall(settings: Settings, url: str, api: DifyClient) -> None:
    """Begin with what the ledger keeps of the server."""
    with build.ledger_to_read(settings) as ledger:
        kept = ledger.capabilities(url) if ledger else None
    if kept is not None:
        api.observed.recall(kept)


async def _mirror(settings: Settings, mirror: MirrorConfig, api: DifyClient) -> list[Notice]:
    known = build.mirror_of(settings, mirror)
    with build.ledger_to_read(settings) as ledger:
        binding = counting_binding(known, ledger) if ledger else None
    try:
        base = await look_for(known, binding, DifyRemote(api))
    except Problem as problem:
        return list(problem.notices)
    if base is None:
        try:
            await models_must_be_there(known, DifyRemote(api))
        except Problem as problem:
            return list(problem.notices)
        hides = hidden(known, base)
        unmade = say.BASE_TO_MAKE(mirror=mirror.name, base=mirror.knowledge_base.name)
        return [unmade, *([hides] if hides else [])]
    words = {"base": base.name, "id": base.id, "documents": base.documents}
    decides = pipeline_decides(known, base)
    found = [say.BASE_FOUND(mirror=mirror.name, **words), *([decides] if decides else [])]
    return [*found, *_settings(settings, known, base, api)]


def _settings(settings: Settings, mirror: Mirror, base: Base, api: DifyClient) -> Iterator[Notice]:
    """Yield the declared settings that the base does not have; `plan` says what is done then."""
    with build.ledger_to_read(settings) as ledger:
        changes = base_changes(case_with(mirror, base, api.observed.now, ledger))
    for each in changes:
        before, after = in_short(each.before), in_short(each.after)
        words = {"mirror": each.mirror, "base": each.base, "setting": each.setting}
        yield say.BASE_DIFFERS(before=before, after=after, **words)
