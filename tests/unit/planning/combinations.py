"""Every combination of what can be known: ledger, intent, local, remote, readiness, mark.

Values that the rows never tell apart in a place are drawn once there, so that the product stays
small enough to be gone through whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from declared import one_rule

from kbsync.model import Action, EntryState, LedgerEntry, Op, Readiness, RemoteDocument
from kbsync.planning.case import GONE, Case, Missing
from kbsync.planning.standstill import Standing

from .stories import (
    ABSENT,
    DISABLED,
    EDITED,
    EXCLUDED,
    NOW,
    RULES,
    SAME,
    SKIPPED,
    UNHASHED,
    UNKNOWN,
    case,
    declaring,
    entry,
    intent,
    marked,
    remote,
)

Decided = list[tuple[Case, Action]]

INTENTS = tuple(intent(op) for op in Op)
FAILED = EntryState.FAILED
STATES = tuple(state for state in EntryState if state is not EntryState.TRASHED)
ENTRIES = (
    None,
    entry(fingerprint=None),
    entry(fingerprint=None, superseded="O"),
    entry(word_count=None),
    *(entry(state, **more) for state in STATES for more in ({}, {"superseded": "O"})),
    entry(EntryState.TRASHED),
    entry(EntryState.TRASHED, expires_at=NOW, trashed_at=0.0, reason=DISABLED),
    entry(FAILED, failures=1, retry_at=NOW + 60),
    entry(FAILED, failures=1, retry_at=NOW),
)
LOCALS = (ABSENT, UNKNOWN, SKIPPED, EXCLUDED, SAME, EDITED, UNHASHED)
KNOWN: tuple[RemoteDocument | Missing | None, ...] = (
    None,
    GONE,
    *(remote(readiness=readiness) for readiness in Readiness),
    remote(words=6),
    remote(rev="r2"),
    marked(remote(rev="r2"), "new"),
)
TITLED = remote("O", rev="r0", metadata={"title": "by hand"})
REPLACED = (
    GONE,
    TITLED,
    remote("O", rev="r0", readiness=Readiness.ARCHIVED),
)
OURS = marked(remote("M", rev="r7"))
MARKED = (
    (),
    (OURS,),
    *((replace(OURS, readiness=each),) for each in (Readiness.DISABLED, Readiness.INDEXING)),
)
NAMESAKES = ((), (remote("F"),))
DISABLING_ANEW = one_rule("T", on_delete="disable", trash_for=60.0).shared
RULE_SETS = (
    RULES,
    replace(declaring(prune=False, on_drift="report"), prune_excluded=True, metadata=False),
    replace(RULES, rule=DISABLING_ANEW, delete_drifted=True, prune_stale=True),
)


def all_cases() -> Iterator[Case]:
    """Yield every case without an intent; `pending` gives those with one."""
    for found in ENTRIES:
        # Without an entry there is no id to ask for.
        for known in KNOWN if found is not None else (None,):
            yield from _around(found, known)


def _around(found: LedgerEntry | None, known: RemoteDocument | Missing | None) -> Iterator[Case]:
    swapping = found is not None and found.superseded is not None
    sides = product(LOCALS, MARKED, NAMESAKES, (False, True), RULE_SETS)
    for local, marks, namesakes, listed, rules in sides:
        for replaced, more in product(REPLACED if swapping else (None,), _turns(known)):
            yield case(
                entry=found,
                local=local,
                known=known,
                replaced=replaced,
                marked=marks,
                namesakes=namesakes,
                listed=listed,
                rules=rules,
                **more,
            )


def _turns(known: RemoteDocument | Missing | None) -> Sequence[dict[str, object]]:
    """What else a row asks about, where it asks."""
    if not isinstance(known, RemoteDocument):
        return ({}, {"metadata_hash": "m"}) if known is None else ({},)
    if known.readiness.busy:
        lost, still = {"standing": Standing.LOST}, {"standing": Standing.OVERTAKEN}
        return ({}, lost, {**still, "still_since": 1.0})
    if known.readiness is Readiness.DISABLED:
        return ({}, {"enabled": False})
    return ({}, {"repairs": 2}) if known.rev == "r2" else ({},)


def pending(subject: Case) -> Iterator[Case]:
    """Yield the same case with each call that may be unaccounted for."""
    for each in INTENTS:
        yield replace(subject, intent=each)
