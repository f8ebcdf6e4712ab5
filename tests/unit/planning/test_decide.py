"""The truth table as test data: every row of the design, one small story each or several.

What is expected was read off docs/design.md section 4, not off the code.
"""

from __future__ import annotations

import pytest

from kbsync.messages import Notice
from kbsync.model import Conflict, Hold, Readiness
from kbsync.planning.decide import decide

from . import beside_the_chunks, in_the_trash, with_entry, without_entry
from .stories import SAME, case, entry, remote
from .story import Story

STORIES = (
    without_entry.STORIES + with_entry.STORIES + in_the_trash.STORIES + beside_the_chunks.STORIES
)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_the_table_holds(story: Story) -> None:
    action = decide(case(**story.given))
    assert (type(action), action.row) == (story.action, story.row)
    match story.cause:
        case None:
            pass
        case str():
            assert action.cause == story.cause
        case Notice():
            assert action.why == story.cause
        case _:
            assert action.why.message is story.cause
    for name, value in story.also.items():
        assert getattr(action, name) == value


def test_every_row_of_the_design_has_a_story() -> None:
    rows = {f"T{n}" for n in range(21)} | {f"R{n}" for n in range(1, 6)}
    assert {story.row for story in STORIES} == rows


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_what_is_held_or_in_conflict_can_be_read(story: Story) -> None:
    action = decide(case(**story.given))
    if isinstance(action, Hold | Conflict):
        assert str(action.why)
        assert "{" not in action.why.text + action.why.next


@pytest.mark.parametrize(
    ("readiness", "switch"), [(Readiness.DISABLED, "enable"), (Readiness.ARCHIVED, "un-archive")]
)
def test_the_next_step_undoes_what_an_operator_did(readiness: Readiness, switch: str) -> None:
    action = decide(case(local=SAME, entry=entry(), known=remote(readiness=readiness)))
    assert isinstance(action, Hold)
    assert action.why.next == f"kbsync docs {switch} base-1 D"
