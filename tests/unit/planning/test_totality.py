"""Every combination of what can be known gives exactly one action, and a safe one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from kbsync.model import (
    Action,
    Adopt,
    Create,
    Delete,
    EntryState,
    Excluded,
    Forget,
    Op,
    Readiness,
    RemoteDocument,
    Resolve,
    Skipped,
    Unknown,
    Update,
)
from kbsync.planning.case import GONE, Case
from kbsync.planning.decide import decide

from .stories import (
    ABSENT,
    EDITED,
    EXCLUDED,
    NOW,
    RULES,
    SAME,
    SKIPPED,
    UNHASHED,
    UNKNOWN,
    case,
    entry,
    intent,
    marked,
    refusal,
    remote,
)

ENTRIES = (
    None,
    entry(),
    entry(fingerprint=None),
    entry(superseded="O"),
    entry(EntryState.INDEXING),
    entry(EntryState.INDEXING, superseded="O"),
    entry(EntryState.FAILED, failures=1, retry_at=NOW + 60),
    entry(EntryState.FAILED, superseded="O"),
    entry(EntryState.TRASHED),
)
LOCALS = (ABSENT, UNKNOWN, SKIPPED, EXCLUDED, SAME, EDITED, UNHASHED)
KNOWN = (
    None,
    GONE,
    *(remote(readiness=readiness) for readiness in Readiness),
    remote(rev="r2"),
    marked(remote(rev="r2"), "new"),
)
OURS = marked(remote("M", rev="r7"))
MARKED = ((), (OURS,), (replace(OURS, readiness=Readiness.DISABLED),))
NAMESAKES = ((), (remote("F"),))
RULE_SETS = (
    RULES,
    replace(RULES, prune=False, repair_drift=False),
    replace(RULES, prune_excluded=True, delete_drifted=True),
    replace(RULES, settings="T", prune=False, prune_excluded=True),
)


def _cases() -> Iterator[Case]:
    sides = product(ENTRIES, LOCALS, KNOWN, MARKED, NAMESAKES, (False, True))
    for entry_, local, known, marks, namesakes, listed in sides:
        if entry_ is None and known is not None:
            continue  # without an entry there is no id to ask for
        busy = isinstance(known, RemoteDocument) and known.readiness.busy
        swap = entry_ is not None and entry_.superseded is not None
        olds = (GONE, remote("O", rev="r0")) if swap else (None,)
        for stuck, old, rules in product((False, True) if busy else (False,), olds, RULE_SETS):
            yield case(
                entry=entry_,
                local=local,
                known=known,
                replaced=old,
                marked=marks,
                namesakes=namesakes,
                listed=listed,
                stuck=stuck,
                rules=rules,
            )


@pytest.fixture(scope="module")
def decided() -> list[tuple[Case, Action]]:
    return [(each, decide(each)) for each in _cases()]


def test_there_are_tens_of_thousands_of_them(decided: list[tuple[Case, Action]]) -> None:
    assert 20_000 < len(decided) < 90_000


def test_each_gives_one_action_for_its_key_and_the_same_again(
    decided: list[tuple[Case, Action]],
) -> None:
    for each, action in decided:
        assert type(action) in get_args(Action)
        assert action.key == each.key
        assert decide(each) == action


def test_a_file_that_was_not_read_costs_no_document(decided: list[tuple[Case, Action]]) -> None:
    for each, action in decided:
        unreadable = isinstance(each.local, Unknown | Skipped)
        excluded = isinstance(each.local, Excluded) and not each.rules.prune_excluded
        if unreadable or excluded:
            assert not isinstance(action, Delete | Forget | Create | Update | Adopt), each


def test_only_what_is_ours_is_deleted(decided: list[tuple[Case, Action]]) -> None:
    for each, action in decided:
        if isinstance(action, Delete):
            ours = {document.id for document in each.evidence.marked}
            if each.entry is not None:
                ours |= {each.entry.document_id, each.entry.superseded}
            assert action.document_id in ours, each


def test_without_prune_nothing_goes_because_its_file_went(
    decided: list[tuple[Case, Action]],
) -> None:
    for each, action in decided:
        if isinstance(action, Delete) and not each.rules.prune:
            assert action.cause in ("superseded", "failed", "extra", "excluded"), each


def test_trash_is_never_an_orphan(decided: list[tuple[Case, Action]]) -> None:
    for each, action in decided:
        if isinstance(action, Delete) and action.cause in ("orphan", "extra"):
            gone = next(d for d in each.evidence.marked if d.id == action.document_id)
            assert gone.readiness is Readiness.AVAILABLE, each


def test_a_create_is_never_blind_and_never_over_a_foreign_name(
    decided: list[tuple[Case, Action]],
) -> None:
    for each, action in decided:
        if isinstance(action, Create):
            assert each.evidence.listed, each
            assert not each.evidence.namesakes, each
            assert not each.evidence.marked, each


def test_a_document_that_is_being_replaced_is_neither_forgotten_nor_created_over(
    decided: list[tuple[Case, Action]],
) -> None:
    for each, action in decided:
        if isinstance(each.evidence.replaced, RemoteDocument):
            assert not isinstance(action, Create | Forget), each


def test_nothing_is_sent_or_deleted_while_the_server_works_on_it(
    decided: list[tuple[Case, Action]],
) -> None:
    for each, action in decided:
        known = each.evidence.known
        if isinstance(known, RemoteDocument) and known.readiness.busy and not each.stuck:
            assert not isinstance(action, Create | Update), each
            assert not (isinstance(action, Delete) and action.document_id == known.id), each


def test_what_was_refused_is_not_sent_again(decided: list[tuple[Case, Action]]) -> None:
    for each, _ in decided:
        if each.local in (EDITED, UNHASHED):
            refused = refusal(settings=each.rules.settings)
            action = decide(replace(each, rejection=refused))
            assert not isinstance(action, Create | Update), each


@pytest.mark.parametrize("op", Op)
def test_with_an_intent_only_the_last_call_is_accounted_for(
    op: Op, decided: list[tuple[Case, Action]]
) -> None:
    for each, _ in decided[:: len(Op)]:
        pending = intent(op)
        action = decide(replace(each, intent=pending))
        assert isinstance(action, Resolve)
        assert action.intent is pending
