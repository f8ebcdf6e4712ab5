"""Deletion of everything a mirror has at the server, by command: no row decides it.

Only our documents are deleted: the ledger's, and those whose valid mark names the mirror. Calls
without a known outcome are resolved first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from kbsync.engine.context import Context
from kbsync.engine.execute.executor import carry_out
from kbsync.engine.execute.results import Again, BackOff, Finished, Result, Stopped
from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.ports import ObservedListing
from kbsync.engine.workers.backoff import LONGEST, doubled
from kbsync.engine.workers.side_by_side import side_by_side
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import Absent, Cause, Delete, DocKey, Op, Resolve
from kbsync.planning.case import Case
from kbsync.planning.marks import mark_of

WORKERS = 4
TRIES = 6


@dataclass(slots=True, kw_only=True)
class PurgeResult:
    """What became of a mirror's documents. `left`: why each that still exists could not go."""

    deleted: int = 0
    left: dict[DocKey, Notice] = field(default_factory=dict)


async def destroy(context: Context) -> PurgeResult:
    """Delete every document of ours in the mirror's base; the base itself stays.

    Args:
        context: tied to the base that the ledger binds the mirror to.

    Raises:
        Problem: the server could not be asked, or the key is refused; what was deleted until then
            is recorded.
    """
    listing = await refresh(context)
    done = PurgeResult()

    async def purge(key: DocKey) -> None:
        await _purge_key(context, key, done)

    await side_by_side(list(_keys(context, listing)), purge, at_once=WORKERS)
    return done


def _keys(context: Context, listing: ObservedListing) -> Iterator[DocKey]:
    name = context.mirror.name
    for row in context.ledger.rows(name, context.mirror.document_rules, listing=listing):
        yield DocKey(mirror=name, path=row[0])


async def _purge_key(context: Context, key: DocKey, done: PurgeResult) -> None:
    if not await _resolved(context, key, done):
        return
    while (document := _next_of(context, key)) is not None:
        document_id, cause = document
        action = Delete(key=key, row="destroy", cause=cause, document_id=document_id, name=key.path)
        why = await _retry(context, key, action)
        if why is not None:
            done.left[key] = why
            return
        done.deleted += 1


async def _resolved(context: Context, key: DocKey, done: PurgeResult) -> bool:
    """Resolve a pending call; False while the server may still work on it."""
    intent = context.ledger.intent(key)
    if intent is None:
        return True
    await _retry(
        context, key, Resolve(key=key, row="T0", cause=Cause(intent.op.value), intent=intent)
    )
    if context.ledger.intent(key) is None:
        return True
    create = intent.op is Op.CREATE
    message = say.HELD_PENDING_CREATE if create else say.HELD_PENDING_UPDATE
    done.left[key] = message(path=key.path)
    return False


def _next_of(context: Context, key: DocKey) -> tuple[str, Cause] | None:
    """Return the next document of `key` to delete, and its cause; None when none is left."""
    entry = context.ledger.entry(key)
    if entry is not None and entry.superseded is not None:
        return entry.superseded, Cause.SUPERSEDED
    if entry is not None:
        return entry.document_id, Cause.DESTROYED
    for document in context.ledger.listed_marked(context.base_id or "", key):
        mark = mark_of(document)
        # Another kbsync may share the base: its documents are not ours to delete.
        if mark is not None and mark.owner in _owners(context):
            return document.id, Cause.ORPHAN
    return None


def _owners(context: Context) -> frozenset[str]:
    """Return the owner tokens by which this ledger, or one before it, marked the documents."""
    ownership = context.ledger.ownership(context.mirror.name)
    if ownership is None:
        return frozenset({""})
    return ownership.predecessors | {ownership.token, ""}


async def _retry(context: Context, key: DocKey, action: Delete | Resolve) -> Notice | None:
    """Carry `action` out, repeated while that may help; return why it failed, None if not."""
    why: Notice | None = None
    for attempt in range(TRIES):
        step = await carry_out(context, _case(context, key), action)
        match step:
            case Finished() | Again(at=None):
                return None
            case Stopped(why=why):
                return why
        why = getattr(step, "why", None) or why
        # Recovery waits out a window of minutes; the command does not.
        if isinstance(action, Resolve):
            break
        await context.clock.sleep(_rest(context, step, attempt))
    return why or say.CALL_AMBIGUOUS(reason=key.path)


def _rest(context: Context, step: Result, attempt: int) -> float:
    match step:
        case Again(at=float(at)):
            return max(0.0, at - context.clock.now())
        case BackOff():
            return doubled(1.0, attempt, longest=LONGEST)
    return 0.0


def _case(context: Context, key: DocKey) -> Case:
    entry = context.ledger.entry(key)
    return Case(
        key=key,
        name=entry.document_name if entry else key.path,
        local=Absent(key=key),
        rules=context.mirror.decision_rules(context.base_id or "", key.path),
        now=context.clock.now(),
        entry=entry,
        intent=context.ledger.intent(key),
    )
