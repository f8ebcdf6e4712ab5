"""What a pass leaves as it was, noted for verbs that only read the ledger.

What an entry or a rejection tells, as of stale and failed documents, is not noted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Event
from kbsync.engine.observe.base_settings import changes_of
from kbsync.engine.ports import Blocked, Ledger
from kbsync.engine.unmet_port import WhyUnmet
from kbsync.messages import Exit, Notice
from kbsync.messages import engine as say
from kbsync.model import Absent, Cause, DocKey, EntryState, FileState, Noop, Setting
from kbsync.planning.path_range import EVERYTHING, PathRange
from kbsync.planning.plan import Plan, keys_of, unmet_of

# What these say is about the folder alone, so that no listing is needed to refute it.
_OF_THE_FOLDER = ("KB-S", say.HELD_EXCLUDED.code)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a comparison reached.

    Args:
        states: of the files it looked at.
        within: all files in it were; None: only these.
        listed: what the server holds was looked at too.
        blocked: folders that it could not list.
    """

    states: Collection[FileState]
    within: PathRange | None = None
    listed: bool = False
    blocked: Collection[Blocked] = ()

    @property
    def leads(self) -> bool:
        """Whether the settings of the base were looked at as well."""
        return self.within is not None and self.within.leads


async def note_unmet(context: Context, plan: Plan, extent: Extent) -> None:
    """Note what `plan` leaves as it is and a person has to see to, and drop what it refutes.

    Nothing is written where it is known.
    """
    base = changes_of(context) if extent.leads else ()
    unmet = unmet_of(plan.actions, (each for each in base if each.cause is not Cause.NEW))
    await anyio.to_thread.run_sync(_note, context, _named(unmet, extent.blocked), plan, extent)


def noting(
    ledger: Ledger, mirror: str, observe: Callable[[Event], None]
) -> Callable[[Event], None]:
    """Return what notes the keys that work leaves as they are, and calls `observe`."""
    noted = {DocKey(mirror=mirror, path=path) for path in ledger.unmet_by_work(mirror)}

    def seen(event: Event) -> None:
        key, why = event.key, event.why
        if event.outcome == "stopped" and event.action != "wait" and _is_for_a_person(why):
            if why is not None and not _is_told(ledger, mirror, key.path):
                noted.add(key)
                ledger.note_unmet(mirror, {key.path: (why.code, why.text)}, by_work=True)
        elif event.outcome in ("done", "indexed") and key in noted:
            noted.discard(key)
            ledger.note_unmet(mirror, {key.path: None})
        observe(event)

    return seen


def _is_for_a_person(why: Notice | None) -> bool:
    # What the guard holds back waits for a release, and ends a pass with a code of its own.
    return why is not None and why.message.exit not in (Exit.OK, Exit.HALTED)


def _note(context: Context, unmet: Mapping[DocKey, Notice], plan: Plan, extent: Extent) -> None:
    ledger, mirror = context.ledger, context.mirror.name
    known = ledger.unmet(mirror, extent.within or EVERYTHING)
    found = {key.path: (why.code, why.text) for key, why in unmet.items()}
    by_work = ledger.unmet_by_work(mirror)
    news = {path for path, why in found.items() if known.get(path) != why}
    told = {path for path in news | by_work if _is_told(ledger, mirror, path)}
    over = _over(known, extent, _answered(mirror, plan, extent)) - found.keys()
    over -= by_work & _to_do(plan)
    wanted: dict[str, WhyUnmet | None] = {**found, **dict.fromkeys(over | told)}
    ledger.note_unmet(mirror, {p: why for p, why in wanted.items() if known.get(p) != why})


def _over(
    known: Mapping[str, WhyUnmet], extent: Extent, answered: AbstractSet[str]
) -> AbstractSet[str]:
    """Return of which paths what was noted is over unless it was found again."""
    looked = extent.within or {each.key.path for each in extent.states}
    return {
        path
        for path, (code, _) in known.items()
        if path in answered or (path in looked and _refutes(extent, path, code))
    }


def _to_do(plan: Plan) -> AbstractSet[str]:
    """Return what is still to be done: a failure of the work is over with the work alone."""
    to_do = (action for action in plan.actions if not isinstance(action, Noop))
    return {key.path for action in to_do for key in keys_of(action)}


def _answered(mirror: str, plan: Plan, extent: Extent) -> AbstractSet[str]:
    """Return what was decided anew, whatever was noted of it."""
    answered = {key.path for action in plan.actions for key in keys_of(action)}
    answered |= {each.key.path for each in extent.states if isinstance(each, Absent)}
    if extent.leads:
        answered |= {setting.key(mirror).path for setting in Setting}
    return answered


def _refutes(extent: Extent, path: str, code: str) -> bool:
    """Whether what was noted of a path is over, as it was not found again."""
    if any(path.startswith(each.prefix) for each in extent.blocked):
        return False
    return extent.listed or code.startswith(_OF_THE_FOLDER)


def _named(unmet: Mapping[DocKey, Notice], blocked: Collection[Blocked]) -> Mapping[DocKey, Notice]:
    """Return `unmet` without files below a folder that could not be listed: it stands for them."""
    whys = {each.why for each in blocked}
    folders = {each.prefix for each in blocked} | {each.prefix[:-1] for each in blocked}
    return {key: why for key, why in unmet.items() if why not in whys or key.path in folders}


def _is_told(ledger: Ledger, mirror: str, path: str) -> bool:
    """Whether an entry or a rejection says that the key has no up-to-date document."""
    key = DocKey(mirror=mirror, path=path)
    entry = ledger.entry(key)
    if entry is not None and (entry.stale is not None or entry.state is EntryState.FAILED):
        return True
    return ledger.rejection(key) is not None
