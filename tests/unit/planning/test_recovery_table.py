"""What became of a call without a known outcome: docs/design.md section 6, second table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.messages import engine as say
from kbsync.model import Intent, Op, Readiness, RemoteDocument
from kbsync.planning.case import GONE
from kbsync.planning.recovery_table import (
    AdoptDocument,
    CallEvidence,
    DropEntry,
    DropIntent,
    Resolution,
    StillPending,
    UploadAgain,
    resolve,
)

from .stories import NEW, NOW, intent, remote

W = 900.0
CREATE = intent(Op.CREATE, ids_seen=frozenset({"seen"}))
UPDATE = intent(Op.UPDATE, document_id="D", rev_before="r1")
BY_NAME = intent(Op.UPDATE, document_id="D", rev_before="r1", ids_seen=frozenset({"D"}))
DELETE = intent(Op.DELETE, document_id="D")
SEEN, LANDED = remote("seen"), remote("new")
LOOKED = CallEvidence(looked_up=True)


def verdict(what: object, evidence: CallEvidence, *, after: float = 0.0) -> Resolution:
    return resolve(what, evidence, now=NOW + after, window=W)  # type: ignore[arg-type]


# -- create --------------------------------------------------------------------------------------


@pytest.mark.parametrize("readiness", Readiness)
@pytest.mark.parametrize("after", [0.0, W - 1, W, 10 * W])
def test_a_document_of_our_name_that_was_not_there_is_taken_over(
    readiness: Readiness, after: float
) -> None:
    landed = remote("new", readiness=readiness)
    evidence = CallEvidence(looked_up=True, named=(SEEN, landed))
    assert verdict(CREATE, evidence, after=after) == AdoptDocument(landed)


@pytest.mark.parametrize("call", [CREATE, BY_NAME])
def test_of_several_that_were_not_there_the_one_of_the_size_sent_is_taken_over(
    call: Intent,
) -> None:
    by_hand, landed = remote("by hand", size=NEW.size + 1), remote("new", size=NEW.size)
    evidence = CallEvidence(looked_up=True, named=(SEEN, by_hand, landed), target=GONE)
    call = replace(call, stat=NEW, ids_seen=frozenset({"seen", "D"}))
    assert verdict(call, evidence) == AdoptDocument(landed)
    # What is sent as other bytes than the file's has another size.
    alone = replace(evidence, named=(SEEN, by_hand))
    assert verdict(call, alone) == AdoptDocument(by_hand)


@pytest.mark.parametrize("named", [(), (SEEN,)])
@pytest.mark.parametrize(
    ("after", "rest"), [(0.0, W), (1.0, W - 1), (W - 10, 10.0), (W - 0.5, 1.0), (-30.0, W + 30)]
)
def test_within_the_window_the_server_may_still_be_working(
    named: tuple[RemoteDocument, ...], after: float, rest: float
) -> None:
    answer = verdict(CREATE, CallEvidence(looked_up=True, named=named), after=after)
    assert isinstance(answer, StillPending)
    assert answer.until == pytest.approx(NOW + after + rest)
    assert answer.why.message is say.HELD_PENDING_CREATE


@pytest.mark.parametrize("named", [(), (SEEN,)])
@pytest.mark.parametrize("after", [W, W + 0.001, 100 * W])
def test_over_the_window_a_complete_look_up_settles_it(
    named: tuple[RemoteDocument, ...], after: float
) -> None:
    assert verdict(CREATE, CallEvidence(looked_up=True, named=named), after=after) == DropIntent()


def test_over_the_window_without_a_complete_look_up_nothing_is_settled() -> None:
    answer = verdict(CREATE, CallEvidence(looked_up=False), after=2 * W)
    assert isinstance(answer, StillPending)
    assert answer.until == NOW + 2 * W + 1


# -- update --------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0.0, W])
def test_a_document_that_is_gone_takes_entry_and_intent_with_it(after: float) -> None:
    assert verdict(UPDATE, CallEvidence(target=GONE), after=after) == DropEntry()


def test_an_update_sent_as_a_create_may_have_made_what_it_was_to_write_over() -> None:
    made = CallEvidence(target=GONE, looked_up=True, named=(LANDED,))
    assert verdict(BY_NAME, made) == verdict(BY_NAME, made, after=2 * W) == AdoptDocument(LANDED)
    nothing = CallEvidence(target=GONE, looked_up=True)
    assert isinstance(verdict(BY_NAME, nothing, after=W - 1), StillPending)
    assert verdict(BY_NAME, nothing, after=W) == DropEntry()


@pytest.mark.parametrize("readiness", [Readiness.DISABLED, Readiness.ERROR])
def test_an_update_sent_as_a_create_passes_over_a_document_that_is_disabled(
    readiness: Readiness,
) -> None:
    target = remote(rev="r1", readiness=readiness, enabled=False)
    made = CallEvidence(target=target, looked_up=True, named=(target, LANDED))
    by_name = replace(BY_NAME, document_id=target.id, ids_seen=frozenset({target.id}))
    assert verdict(by_name, made) == verdict(by_name, made, after=2 * W) == AdoptDocument(LANDED)
    nothing = CallEvidence(target=target, looked_up=True, named=(target,))
    assert isinstance(verdict(by_name, nothing, after=W - 1), StillPending)
    assert verdict(by_name, nothing, after=W) == UploadAgain(target)
    changed = replace(made, target=replace(target, rev="r2"))
    assert isinstance(verdict(by_name, changed), UploadAgain)


@pytest.mark.parametrize("readiness", [Readiness.AVAILABLE, Readiness.ERROR, Readiness.DISABLED])
def test_a_new_rev_means_it_landed(readiness: Readiness) -> None:
    target = remote(rev="r2", readiness=readiness)
    assert verdict(UPDATE, CallEvidence(target=target)) == UploadAgain(target)


@pytest.mark.parametrize("readiness", [Readiness.AVAILABLE, Readiness.ERROR])
def test_the_old_rev_waits_for_the_window_and_is_then_sent_again(readiness: Readiness) -> None:
    target = remote(rev="r1", readiness=readiness)
    early = verdict(UPDATE, CallEvidence(target=target), after=W - 1)
    assert isinstance(early, StillPending)
    assert early.until == NOW + W
    assert early.why.message is say.HELD_PENDING_UPDATE
    assert verdict(UPDATE, CallEvidence(target=target), after=W) == UploadAgain(target)


@pytest.mark.parametrize("readiness", [r for r in Readiness if r.busy])
@pytest.mark.parametrize("rev", ["r1", "r2"])
def test_what_the_server_works_on_is_followed_like_any_other_once_the_window_is_over(
    readiness: Readiness, rev: str
) -> None:
    target = remote(rev=rev, readiness=readiness)
    answer = verdict(UPDATE, CallEvidence(target=target), after=W - 1)
    assert isinstance(answer, StillPending)
    assert answer.until > NOW + W - 1
    assert verdict(UPDATE, CallEvidence(target=target), after=W) == UploadAgain(target)


def test_an_update_whose_target_was_not_asked_for_waits() -> None:
    assert isinstance(verdict(UPDATE, CallEvidence(), after=2 * W), StillPending)


# -- delete --------------------------------------------------------------------------------------


def test_a_deleted_document_that_is_gone_was_deleted() -> None:
    assert verdict(DELETE, CallEvidence(target=GONE)) == DropEntry()


def test_a_deleted_document_that_is_still_there_is_decided_again() -> None:
    assert verdict(DELETE, CallEvidence(target=remote())) == DropIntent()


# -- all -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [CREATE, UPDATE, BY_NAME])
@pytest.mark.parametrize(
    "evidence", [CallEvidence(), LOOKED, CallEvidence(target=remote()), CallEvidence(target=GONE)]
)
@pytest.mark.parametrize("after", [-W, 0.0, W - 1e-9, W, 3 * W])
def test_a_pending_call_waits_for_a_time_to_come(
    what: object, evidence: CallEvidence, after: float
) -> None:
    answer = verdict(what, evidence, after=after)
    if isinstance(answer, StillPending):
        assert answer.until > NOW + after
