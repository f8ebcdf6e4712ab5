"""`explain`: the three sides of a key in words, and the row that matched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from declared import one_rule

from kbsync.model import Op, Readiness, Rejection, Stat
from kbsync.planning.case import GONE
from kbsync.planning.decide import decide
from kbsync.planning.explain import Explanation, explained

from . import with_entry, without_entry
from .stories import (
    ABSENT,
    EDITED,
    EXCLUDED,
    KEY,
    RULES,
    SAME,
    SENT,
    SKIPPED,
    UNHASHED,
    UNKNOWN,
    WHY,
    case,
    entry,
    intent,
    marked,
    remote,
)
from .story import Story

NO_MOUNT = ", but nothing is mounted on a\\x1bnas, where a mount was: the guard halts what follows"
STORIES = with_entry.STORIES + without_entry.STORIES


def explanation(**words: object) -> Explanation:
    given = case(**words)
    return explained(given, decide(given))


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_every_row_can_be_explained(story: Story) -> None:
    given = case(**story.given)
    action = decide(given)
    found = explained(given, action)
    assert found.row == story.row
    shown = found.as_json()
    assert shown.pop("rule") == []
    assert shown.pop("metadata") == [line._asdict() for line in found.metadata]
    assert shown == {name: getattr(found, name) for name in shown}
    text = "\n".join(found.lines())
    assert f"row {story.row}: " in text
    assert KEY.path in text
    assert "None" not in text
    following = getattr(getattr(action, "why", None), "next", "")
    assert (f"next           {following}" in text) is bool(following)


@pytest.mark.parametrize(
    ("local", "words"),
    [
        (SAME, "there, 10 B, sha256 old"),
        (UNHASHED, "there, 12 B, not read"),
        (replace(SAME, stat=Stat(3 * 1024 * 1024, 1, 1, 1)), "there, 3.0 MiB, sha256 old"),
        (ABSENT, "not there"),
        (replace(ABSENT, unmounted="a\x1bnas"), f"not there{NO_MOUNT}"),
        (replace(SAME, unmounted="a\x1bnas"), f"there, 10 B, sha256 old{NO_MOUNT}"),
        (EXCLUDED, "left out by the filters"),
        (SKIPPED, f"skipped: {WHY}"),
        (UNKNOWN, f"could not be read: {WHY}"),
    ],
)
def test_the_file_as_it_stands(local: object, words: str) -> None:
    assert explanation(local=local).file == words


@pytest.mark.parametrize(
    ("words", "ledger"),
    [
        ({}, "nothing known"),
        ({"entry": entry()}, "synced, document D, sha256 old"),
        ({"entry": entry(fingerprint=None)}, "synced, document D, content unknown"),
        (
            {"entry": entry(), "rules": replace(RULES, rule=one_rule("T").shared)},
            "synced, document D, sha256 old, under other settings",
        ),
        (
            {"entry": entry(reason=("E", "the\x1bembedder"))},
            "synced, document D, sha256 old, the\\x1bembedder",
        ),
        (
            {"intent": intent(Op.UPDATE), "entry": entry()},
            "a call to update it has not been accounted for; synced, document D, sha256 old",
        ),
        (
            {"rejection": Rejection(key=KEY, fingerprint=SENT, reason=("X", "too\nlong"), at=0.0)},
            "refused before: too\\x0along",
        ),
    ],
)
def test_what_the_ledger_says(words: dict[str, object], ledger: str) -> None:
    assert explanation(local=EDITED, listed=True, **words).ledger == ledger


def test_what_stands_at_the_server() -> None:
    assert explanation().server == "no document"
    assert explanation(entry=entry(), known=GONE).server == "the ledger's document is gone"
    failed = remote(readiness=Readiness.ERROR, error="no\x07 credit")
    assert explanation(entry=entry(), known=failed).server == "document D, error, no\\x07 credit"
    beside = explanation(
        entry=entry(),
        known=remote(),
        local=SAME,
        listed=True,
        namesakes=(remote("F"),),
        marked=(marked(remote("M", rev="r7")),),
    )
    assert beside.server == (
        "document D, available; also of our name: document F, available; "
        "also marked as ours: document M, available"
    )
