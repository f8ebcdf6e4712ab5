"""Settings of a knowledge base are set: one call each, read back, and remembered as applied.

There is no intent: to set a setting twice is to set it once, and what a lost answer did is read
back like everything else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Event, TimedCall, outcome_name, why_of
from kbsync.engine.observe.base_settings import case_of
from kbsync.engine.ports import EntryChange
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import base_settings as say
from kbsync.model import (
    Ambiguous,
    Base,
    BaseChange,
    BaseSettings,
    DocKey,
    Done,
    Failure,
    NotReady,
    NotSent,
    Outcome,
    Setting,
    Throttled,
)
from kbsync.planning.base_settings import (
    BaseCase,
    as_kept,
    base_changes,
    dropped_tags,
    in_short,
    merged,
    missing_tags,
    settings_met,
)
from kbsync.planning.plan import SET_BASE

# Of one setting, before it is left to the next pass.
TRIES = 3
FIRST_REST = 1.0
# What was set and is not there is no drift, whatever it was set for.
OF_DRIFT = frozenset({say.SETTING_DRIFT, say.SETTING_FOUGHT})
Observer = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of the settings of a base.

    Args:
        base: as it is now.
        done: how many settings were set, and read back so.
        held: those that are not as declared, and why.
    """

    base: Base | None
    done: int = 0
    held: tuple[BaseChange, ...] = ()


async def settle_base(
    context: Context, changes: Iterable[BaseChange], observe: Observer
) -> Settled:
    """Set what `changes` say of the base of `context`, and read it back.

    A call that fails leaves its setting to the next pass, and the documents as they are.

    Args:
        context: with the base as it was found.
        changes: what differs, in the order in which it is set.
        observe: called with the event of every setting.
    """
    return await _settle(context, case_of(context), tuple(changes), observe)


async def settle_made(context: Context, observe: Observer) -> Settled:
    """Set what a base that was made just now could not be made with.

    Args:
        context: with the base as the server showed it when it was made.
        observe: as for `settle_base`.
    """
    # How it answers searches is not shown of every base (docs/dify-api.md section 3).
    case = case_of(context)
    case = replace(case, applied=case.declared.only({Setting.RETRIEVAL}))
    return await _settle(context, case, base_changes(case), observe)


async def _settle(
    context: Context, case: BaseCase, changes: tuple[BaseChange, ...], observe: Observer
) -> Settled:
    failed: dict[Setting, Notice] = {}
    wanted = [each for each in changes if each.why is None]
    for change in wanted:
        why = await _set(context, case, change)
        failed |= {} if why is None else {change.setting: why}
    base = await _read_back(context) if wanted else case.base
    taken = {each.setting for each in wanted} - failed.keys()
    # Of what was set just now the server need not show everything.
    after = replace(case, base=base, applied=merged(case.applied, case.declared.only(taken)))
    asked = {each.setting for each in changes}
    left = [each for each in base_changes(after) if each.setting in asked]
    _remember(context, settings_met(after, case.applied))
    held = tuple(_unmet(each, failed, taken, after) for each in left)
    missed = {each.setting for each in left}
    done = [each for each in wanted if each.setting not in missed]
    for each in (*done, *held):
        observe(_event(each))
    return Settled(base=base, done=len(done), held=held)


# -- one setting ---------------------------------------------------------------------------------


async def _set(context: Context, case: BaseCase, change: BaseChange) -> Notice | None:
    """Set one; return why that was refused or not answered, None where it was taken."""
    call = TimedCall(context, change.key, SET_BASE)
    outcome = await _patiently(context, lambda: _call(context, case, change.setting))
    # Why a setting is set counts as with documents: drift that comes back shows another writer.
    detail = str(change.cause) if isinstance(outcome, Done) else why_of(outcome)
    line = call.line(outcome_name(outcome), context.base_id, detail)
    context.ledger.commit(EntryChange(key=change.key, journal=(line,)))
    match outcome:
        case Done() | Ambiguous():
            return None  # what it did is read back
    return _refused(change, outcome)


async def _call(context: Context, case: BaseCase, setting: Setting) -> Outcome[None]:
    remote, base_id = context.remote, context.base_id or ""
    match setting:
        case Setting.TAGS:
            return await remote.tag_base(base_id, on=missing_tags(case), off=dropped_tags(case))
        case Setting.FIELDS:
            return await _make_fields(context, case)
    return await remote.change_base(base_id, case.declared.only((setting,)))


async def _make_fields(context: Context, case: BaseCase) -> Outcome[None]:
    found, declared = case.found.fields or {}, case.declared.fields or {}
    for name in sorted(declared.keys() - found.keys()):
        made = await context.remote.make_field(context.base_id or "", name, declared[name])
        if not isinstance(made, Done):
            return made
    return Done(None)


async def _patiently(
    context: Context, call: Callable[[], Awaitable[Outcome[None]]]
) -> Outcome[None]:
    """Make a call, and make it again where it was not taken now."""
    outcome = await call()
    for attempt in range(1, TRIES):
        match outcome:
            case Throttled(after=after) | NotReady(after=after):
                rest = after
            case NotSent():
                rest = FIRST_REST * attempt
            case _:
                return outcome
        await context.clock.sleep(rest)
        outcome = await call()
    return outcome


def _refused(change: BaseChange, failure: Failure) -> Notice:
    why = getattr(failure, "why", None)
    hint = why.hint if isinstance(why, Notice) else ""
    return say.SETTING_REFUSED(
        mirror=change.mirror,
        base=change.base,
        setting=change.setting,
        reason=why_of(failure) or outcome_name(failure),
        hint=hint or "look into the server's log",
    )


# -- afterwards ----------------------------------------------------------------------------------


async def _read_back(context: Context) -> Base | None:
    found = await context.remote.base(context.base_id or "")
    return found.value if isinstance(found, Done) else context.base


def _unmet(
    change: BaseChange,
    failed: Mapping[Setting, Notice],
    taken: AbstractSet[Setting],
    after: BaseCase,
) -> BaseChange:
    """Return a setting that is not as declared, with the reason."""
    if change.setting in failed:
        return replace(change, why=failed[change.setting])
    other = change.why is not None and change.why.message not in OF_DRIFT
    if change.setting not in taken or other:
        return change
    values = {"mirror": change.mirror, "base": change.base, "setting": change.setting}
    where = after.base.id if after.base else ""
    told = {"after": in_short(change.after), "before": in_short(change.before)}
    why = say.SETTING_NOT_KEPT(id=where, **told, **values)
    return replace(change, why=why)


def _remember(context: Context, applied: BaseSettings) -> None:
    """Keep what is as declared now: what differs from it later was changed at the server."""
    binding = context.ledger.binding(context.mirror.name)
    if binding is not None and binding.settings != as_kept(applied):
        context.ledger.bind(replace(binding, settings=as_kept(applied)))


def _event(change: BaseChange) -> Event:
    return Event(
        key=change.key,
        action=SET_BASE,
        cause=str(change.cause),
        outcome="done" if change.why is None else "stopped",
        milliseconds=0,
        why=change.why,
    )


def held_keys(held: Iterable[BaseChange]) -> dict[DocKey, tuple[str, Notice]]:
    """Return held settings as a report keeps what is not as it should be."""
    return {each.key: ("held", each.why) for each in held if each.why is not None}
