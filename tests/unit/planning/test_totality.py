"""Every combination of what can be known gives exactly one action, and a safe one."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from kbsync.model import (
    Absent,
    Action,
    Adopt,
    Create,
    Delete,
    EntryState,
    Excluded,
    Forget,
    Readiness,
    RemoteDocument,
    Resolve,
    Skipped,
    Trash,
    Unknown,
    Update,
)
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.standstill import Standing

from .combinations import Decided, pending
from .stories import EDITED, UNHASHED, refusal

pytestmark = pytest.mark.timeout(600)  # a hundred thousand cases, on any machine


def test_there_are_many_of_them_and_every_row_is_hit(everything: Decided) -> None:
    assert 100_000 < len(everything) < 160_000
    hit = {action.row for _, action in everything}
    assert hit == {f"T{n}" for n in range(1, 21)} | {f"R{n}" for n in range(1, 6)}


def test_each_gives_one_action_for_its_key_and_the_same_again(
    everything: Decided,
) -> None:
    for each, action in everything:
        assert type(action) in get_args(Action)
        assert action.key == each.key
        assert decide(each) == action


def test_a_file_that_was_not_read_costs_no_document(everything: Decided) -> None:
    for each, action in everything:
        unreadable = isinstance(each.local, Unknown)
        skipped = isinstance(each.local, Skipped) and not each.rules.prune_stale
        excluded = isinstance(each.local, Excluded) and not each.rules.prune_excluded
        if unreadable or skipped or excluded:
            assert not isinstance(action, Delete | Trash | Forget | Create | Update | Adopt), each


def test_only_what_is_ours_is_deleted(everything: Decided) -> None:
    for each, action in everything:
        if isinstance(action, Delete):
            ours = {document.id for document in each.evidence.marked}
            if each.entry is not None:
                ours |= {each.entry.document_id, each.entry.superseded}
            assert action.document_id in ours, each


def test_without_prune_nothing_goes_because_its_file_went(
    everything: Decided,
) -> None:
    for each, action in everything:
        if isinstance(action, Delete) and not each.rules.config.prune:
            assert action.cause in ("superseded", "failed", "extra", "excluded"), each


def test_trash_is_never_an_orphan(everything: Decided) -> None:
    for each, action in everything:
        if isinstance(action, Delete) and action.cause in ("orphan", "extra"):
            gone = next(d for d in each.evidence.marked if d.id == action.document_id)
            assert gone.readiness is Readiness.AVAILABLE, each


def test_only_a_file_that_is_gone_puts_its_document_into_the_trash_or_keeps_it_there(
    everything: Decided,
) -> None:
    for each, action in everything:
        if isinstance(action, Trash):
            assert isinstance(each.local, Absent), each
            assert each.rules.config.prune, each
        if isinstance(action, Delete) and action.cause in ("expired", "emptied"):
            assert isinstance(each.local, Absent), each
            assert each.entry.state is EntryState.TRASHED, each


def test_a_create_is_never_blind_and_never_over_a_foreign_name(
    everything: Decided,
) -> None:
    for each, action in everything:
        if isinstance(action, Create):
            assert each.evidence.listed, each
            assert not each.evidence.namesakes, each
            assert not each.evidence.marked, each


def test_a_document_that_is_being_replaced_is_neither_forgotten_nor_created_over(
    everything: Decided,
) -> None:
    for each, action in everything:
        if isinstance(each.evidence.replaced, RemoteDocument):
            assert not isinstance(action, Create | Forget), each


def _sent_anew(each: Case) -> bool:
    needless = isinstance(each.local, Absent) and each.standing is not Standing.MOVES
    return each.probe or each.standing is Standing.LOST or needless


def test_nothing_is_sent_or_deleted_while_the_server_works_on_it(
    everything: Decided,
) -> None:
    for each, action in everything:
        known = each.evidence.known
        if isinstance(known, RemoteDocument) and known.readiness.busy and not _sent_anew(each):
            assert not isinstance(action, Create | Update), each
            assert not (isinstance(action, Delete) and action.document_id == known.id), each


def test_what_was_refused_is_not_sent_again(everything: Decided) -> None:
    for each, _ in everything:
        if each.local in (EDITED, UNHASHED):
            refused = refusal(settings=each.rules.settings)
            action = decide(replace(each, rejection=refused))
            assert not isinstance(action, Create | Update), each


def test_with_an_intent_only_the_last_call_is_accounted_for(everything: Decided) -> None:
    for each, _ in everything:
        for subject in pending(each):
            action = decide(subject)
            assert isinstance(action, Resolve)
            assert (action.row, action.intent) == ("T0", subject.intent)
