"""What `kbsync verify` does: chosen documents are compared, and each base is listed once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from kbsync.app import build, connect
from kbsync.app.all_mirrors import HaltedMirror, gravest
from kbsync.config import MirrorConfig, Settings
from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import find_base
from kbsync.engine.observe.unowned_documents import unowned
from kbsync.engine.observe.verification import Finding, Verdict, verify
from kbsync.engine.observe.verification_by_search import verify_by_search
from kbsync.engine.workers.side_by_side import side_by_side
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice, Problem
from kbsync.messages import command as command_say
from kbsync.messages import verification as say
from kbsync.model import DocKey, EntryState

if TYPE_CHECKING:
    from kbsync.engine.workers.throttle import ThrottledRemote
    from kbsync.ledger.store import LedgerStore

Observe = Callable[[], None]
Waits = Callable[[], Notice | None]
"""Returns which answer of a server is waited for; None while no call is made."""
Judge = Callable[[Context, DocKey], Awaitable[Finding | None]]
"""Returns what was found of one document, None when it is not synced any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSample:
    """So many documents, each as likely as any other; the same of the same ledger and `seed`."""

    size: int
    seed: int


@dataclass(slots=True, kw_only=True)
class MirrorScope:
    """What of one mirror is compared.

    Args:
        keys: of its synced documents, or those that were drawn.
        bytes: of their files, as they were sent.
        unsynced: entries that are not synced, and are not compared.
    """

    declared: MirrorConfig
    keys: list[DocKey] = field(default_factory=list)
    bytes: int = 0
    unsynced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is compared, and what that costs.

    Args:
        synced: documents that could be compared; more than are, where some were drawn.
        minutes: at the declared rate limits; None where there is none.
    """

    mirrors: tuple[MirrorScope, ...]
    synced: int
    sample: RandomSample | None
    minutes: float | None

    @property
    def documents(self) -> int:
        """How many downloads it takes."""
        return sum(len(each.keys) for each in self.mirrors)

    @property
    def bytes(self) -> int:
        """How much is downloaded, if everything is as it was sent."""
        return sum(each.bytes for each in self.mirrors)


@dataclass(slots=True, kw_only=True)
class MirrorVerification:
    """What was found of one mirror.

    Args:
        findings: everything but what is the same.
        unowned: documents of its base that no key has; with several mirrors on one base only the
            first has them.
        notices: what has to be said about how they were found.
    """

    name: str
    counts: Counter[Verdict] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    unowned: tuple[Finding, ...] = ()
    notices: tuple[Notice, ...] = ()

    def add(self, finding: Finding) -> None:
        """Count `finding`, and keep it where there is something to say."""
        self.counts[finding.verdict] += 1
        if not finding.verdict.sound:
            self.findings.append(finding)


@dataclass(slots=True, kw_only=True)
class Verification:
    """What was found of all mirrors, and of those that could not be asked why."""

    mirrors: list[MirrorVerification] = field(default_factory=list)
    halts: list[HaltedMirror] = field(default_factory=list)

    @property
    def exit(self) -> Exit:
        """The gravest exit code of all mirrors."""
        differs = any(each.findings or each.unowned for each in self.mirrors)
        own = Exit.INCOMPLETE if differs else Exit.OK
        return gravest([own, *(each.problem.exit for each in self.halts)])


def scope_of(
    settings: Settings, ledger: LedgerStore, only: Sequence[str], sample: RandomSample | None
) -> Scope:
    """Return what is to be compared; no server is asked.

    Args:
        settings: as loaded.
        ledger: open for reading.
        only: names of mirrors; empty for all.
        sample: how many documents of all mirrors together; None for each.

    Raises:
        Problem: a mirror is not in the file.
    """
    mirrors = [MirrorScope(declared=each) for each in build.chosen(settings, only)]
    synced = [(scope, key, size) for scope in mirrors for key, size in _synced(scope, ledger)]
    chosen = synced
    if sample is not None and sample.size < len(synced):
        drawn = random.Random(sample.seed).sample(range(len(synced)), sample.size)  # noqa: S311
        chosen = [synced[index] for index in sorted(drawn)]
    for scope, key, size in chosen:
        scope.keys.append(key)
        scope.bytes += size
    return Scope(
        mirrors=tuple(mirrors),
        synced=len(synced),
        sample=sample,
        minutes=_minutes(settings, mirrors),
    )


def _synced(scope: MirrorScope, ledger: LedgerStore) -> Iterator[tuple[DocKey, int]]:
    for entry in ledger.entries(scope.declared.name):
        if entry.state is EntryState.SYNCED:
            yield entry.key, entry.stat.size if entry.stat else 0
        else:
            scope.unsynced += 1


def _minutes(settings: Settings, mirrors: Sequence[MirrorScope]) -> float | None:
    limits = [(len(m.keys), settings.server_of(m.declared).requests_per_minute) for m in mirrors]
    return sum(n / limit for n, limit in limits if limit) if any(k for _, k in limits) else None


async def verify_all(
    settings: Settings,
    ledger: LedgerStore,
    scope: Scope,
    *,
    strangers: bool,
    search: bool,
    observe: Observe,
    watch: Callable[[Waits], None] = lambda waits: None,
) -> Verification:
    """Compare what `scope` names, or search for it, one mirror after the other.

    Args:
        settings: as loaded.
        ledger: open for reading.
        scope: as `scope_of` returns.
        strangers: look for documents that no key has, too.
        search: see whether searches find each document; no bytes are compared.
        observe: called after each document.
        watch: is given, for each server, what says which of its answers is waited for.
    """
    done, listed = Verification(), set[tuple[str, str]]()
    async with AsyncExitStack() as stack:
        remotes = await _remotes(settings, ledger, scope, stack)
        for name, remote in remotes.items():
            watch(partial(remote.waits, settings.servers[name].url))
        for each in scope.mirrors:
            found = MirrorVerification(name=each.declared.name)
            server = settings.server_of(each.declared)
            try:
                remote = remotes[each.declared.server or ""]
                context = await _context(settings, ledger, each.declared, remote, search=search)
                judge = verify_by_search if search else verify
                await _judge_all(context, each.keys, judge, server.max_in_flight, found, observe)
                if strangers and (base := (server.url, context.base_id or "")) not in listed:
                    listed.add(base)
                    await _look_for_strangers(context, found)
            except Problem as problem:
                done.halts.append(HaltedMirror(each.declared.name, problem))
            else:
                done.mirrors.append(found)
    return done


async def _remotes(
    settings: Settings, ledger: LedgerStore, scope: Scope, stack: AsyncExitStack
) -> dict[str, ThrottledRemote]:
    remotes = {}
    for name in dict.fromkeys(each.declared.server or "" for each in scope.mirrors):
        server = settings.servers[name]
        api = await stack.enter_async_context(connect.connected(server))
        remotes[name] = connect.throttled(server, api, ledger.clock)
    return remotes


async def _context(
    settings: Settings,
    ledger: LedgerStore,
    declared: MirrorConfig,
    remote: ThrottledRemote,
    *,
    search: bool,
) -> Context:
    mirror = build.mirror_of(settings, declared)
    base = await find_base(mirror, ledger, remote)
    if base is None:
        name = declared.knowledge_base.name
        raise Problem(command_say.BASE_UNMADE(mirror=declared.name, base=name))
    if base.has_pipeline and not search:
        raise Problem(say.NO_BYTES_OF_PIPELINE(mirror=declared.name, base=base.name))
    return Context(
        mirror=mirror,
        ledger=ledger,
        remote=remote,
        clock=ledger.clock,
        base_id=base.id,
        technique=base.technique,
    )


async def _judge_all(
    context: Context,
    keys: Sequence[DocKey],
    judge: Judge,
    at_once: int,
    found: MirrorVerification,
    observe: Observe,
) -> None:
    """Judge the documents of `keys`, as many at once as the server may be asked.

    Raises:
        Problem: as `judge`; nothing more is begun then.
    """

    async def one(key: DocKey) -> None:
        finding = await judge(context, key)
        if finding is not None:
            found.add(finding)
        observe()

    await side_by_side(keys, one, at_once=at_once)
    found.findings.sort(key=lambda each: each.key.path if each.key else "")


async def _look_for_strangers(context: Context, found: MirrorVerification) -> None:
    others = await unowned(context)
    found.unowned = others.findings
    if not others.complete:
        base = context.mirror.config.knowledge_base.name or context.base_id
        found.notices = (say.LISTING_MOVED(base=base, mirror=context.mirror.name),)
