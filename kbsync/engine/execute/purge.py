"""Deleting everything a mirror has at the server: asked for by name, so no row decides it.

What is deleted is what is ours: the ledger's documents, and those whose valid mark names the
mirror. A call nobody saw the end of is accounted for first, as always.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio

from kbsync.engine.context import Context
from kbsync.engine.execute.executor import carry_out
from kbsync.engine.execute.results import Again, BackOff, Finished, Result, Stopped
from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.ports import ObservedListing
from kbsync.engine.workers.backoff import LONGEST, doubled
from kbsync.messages import Notice, Problem
from kbsync.messages import engine as say
from kbsync.model import Absent, Cause, Delete, DocKey, Op, Resolve
from kbsync.planning.case import Case
from kbsync.planning.marks import mark_of

WORKERS = 4
TRIES = 6


@dataclass(slots=True, kw_only=True)
class PurgeResult:
    """What became of a mirror's documents. `left` says of each that still stands why it does."""

    deleted: int = 0
    left: dict[DocKey, Notice] = field(default_factory=dict)


async def destroy(world: Context) -> PurgeResult:
    """Delete every document of ours in the mirror's base; the base itself stays.

    Args:
        world: tied to the base the ledger binds the mirror to.

    Raises:
        Problem: the server could not be asked, or the key is refused; what was deleted until then
            is recorded.
    """
    listing = await refresh(world)
    done = PurgeResult()
    problems: list[Problem] = []
    keys = iter(list(_keys(world, listing)))

    async def work() -> None:
        for key in keys:
            if problems:
                return
            try:
                await _key(world, key, done)
            except Problem as problem:
                problems.append(problem)

    async with anyio.create_task_group() as group:
        for _ in range(WORKERS):
            group.start_soon(work)
    if problems:
        raise problems[0]
    return done


def _keys(world: Context, listing: ObservedListing) -> Iterator[DocKey]:
    name = world.mirror.name
    for row in world.ledger.rows(name, world.mirror.settings, listing=listing):
        yield DocKey(mirror=name, path=row[0])


async def _key(world: Context, key: DocKey, done: PurgeResult) -> None:
    if not await _accounted(world, key, done):
        return
    while (document := _next_of(world, key)) is not None:
        document_id, cause = document
        action = Delete(key=key, row="destroy", cause=cause, document_id=document_id, name=key.path)
        why = await _persist(world, key, action)
        if why is not None:
            done.left[key] = why
            return
        done.deleted += 1


async def _accounted(world: Context, key: DocKey, done: PurgeResult) -> bool:
    """Account for a call whose end nobody saw; False while the server may still work on it."""
    intent = world.ledger.intent(key)
    if intent is None:
        return True
    await _persist(
        world, key, Resolve(key=key, row="T0", cause=Cause(intent.op.value), intent=intent)
    )
    if world.ledger.intent(key) is None:
        return True
    create = intent.op is Op.CREATE
    message = say.HELD_PENDING_CREATE if create else say.HELD_PENDING_UPDATE
    done.left[key] = message(path=key.path)
    return False


def _next_of(world: Context, key: DocKey) -> tuple[str, Cause] | None:
    """Return the next document of `key` to delete, and why; None when there is none left."""
    entry = world.ledger.entry(key)
    if entry is not None and entry.superseded is not None:
        return entry.superseded, Cause.SUPERSEDED
    if entry is not None:
        return entry.document_id, Cause.DESTROYED
    for document in world.ledger.listed_marked(world.base_id or "", key):
        mark = mark_of(document)
        if mark is not None and mark.owner in _names(world):
            return document.id, Cause.ORPHAN
    return None


def _names(world: Context) -> frozenset[str]:
    """Return under which names this ledger, or one before it, marked the mirror's documents."""
    ownership = world.ledger.ownership(world.mirror.name)
    if ownership is None:
        return frozenset({""})
    return ownership.predecessors | {ownership.token, ""}


async def _persist(world: Context, key: DocKey, action: Delete | Resolve) -> Notice | None:
    """Carry `action` out, again while that may help; return why it did not work out."""
    why: Notice | None = None
    for attempt in range(TRIES):
        step = await carry_out(world, _case(world, key), action)
        match step:
            case Finished() | Again(at=None):
                return None
            case Stopped(why=why):
                return why
        why = getattr(step, "why", None) or why
        if isinstance(action, Resolve):
            break
        await world.clock.sleep(_rest(world, step, attempt))
    return why or say.CALL_AMBIGUOUS(reason=key.path)


def _rest(world: Context, step: Result, attempt: int) -> float:
    match step:
        case Again(at=float(at)):
            return max(0.0, at - world.clock.now())
        case BackOff():
            return doubled(1.0, attempt, longest=LONGEST)
    return 0.0


def _case(world: Context, key: DocKey) -> Case:
    entry = world.ledger.entry(key)
    return Case(
        key=key,
        name=entry.document_name if entry else key.path,
        local=Absent(key=key),
        rules=world.mirror.rules(world.base_id or ""),
        now=world.clock.now(),
        entry=entry,
        intent=world.ledger.intent(key),
    )
