"""What the closing line of a plan says, and what is left for a person to see to."""

from __future__ import annotations

import pytest

from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import Action, Cause, Conflict, DocKey, Hold
from kbsync.planning.plan import Plan, make_plan
from kbsync.planning.plan_text import summary

KEY = DocKey(mirror="docs", path="a.md")
STALE = Hold(
    key=KEY, row="T1", cause=Cause.STALE, why=say.HELD_STALE(path="a.md", reason="it is empty")
)


def _plan(*actions: Action) -> Plan:
    return make_plan(actions, unchanged=3)


def test_what_was_not_compared_is_not_called_nothing_to_do() -> None:
    assert summary(_plan()) == "nothing to do; 3 unchanged"
    assert summary(_plan(), 1) == "1 mirror not compared; nothing to do in the others; 3 unchanged"
    assert summary(_plan(STALE), 2) == "2 mirrors not compared; 1 left as is; 3 unchanged; 1 stale"


@pytest.mark.parametrize(
    ("cause", "why", "unmet"),
    [
        (Cause.STALE, say.HELD_STALE(path="a.md", reason="it is empty"), True),
        (Cause.EXCLUDED, say.HELD_EXCLUDED(path="a.md"), True),
        (Cause.DRIFT, say.HELD_DRIFT(path="a.md"), True),
        # The mirror is declared so, or the server is all that is waited for.
        (Cause.REMOVED, say.HELD_KEPT(path="a.md"), False),
        (Cause.INDEXING, say.HELD_INDEXING(path="a.md"), False),
    ],
)
def test_a_plan_that_only_holds_ends_as_apply_would(cause: Cause, why: Notice, unmet: bool) -> None:
    plan = _plan(Hold(key=KEY, row="T1", cause=cause, why=why))
    assert (plan.changes, plan.unmet) == (False, unmet)


def test_a_conflict_is_for_a_person() -> None:
    why = say.CONFLICT_EDITED_THERE(path="a.md", base="b", document="d")
    conflict = Conflict(key=KEY, row="T19", cause=Cause.REMOVED, why=why, document_id="d")
    assert _plan(conflict).unmet
