"""Rows T13 and T14: metadata and switch as declared; and what follows for the others."""

from __future__ import annotations

from dataclasses import replace

from kbsync.model import (
    Declared,
    DeclaredValue,
    Delete,
    Hold,
    Noop,
    Readiness,
    SetMetadata,
    Switch,
    Update,
)

from .stories import ABSENT, EDITED, SAME, WHY, entry, remote
from .story import Story

DISABLED = remote(readiness=Readiness.DISABLED, enabled=False)
TEAM = entry(metadata_hash="m", metadata={"team": "a"})


def declaring_values(**values: str) -> Declared:
    """Return values of text that a mirror declares."""
    said = {name: DeclaredValue("string", value, "the mirror") for name, value in values.items()}
    return Declared(values=said)


STORIES = [
    *(
        Story(
            "T13",
            f"disabled, and declared enabled, {what}",
            {"local": local, "entry": entry(), "known": DISABLED, "enabled": True},
            Switch,
            "switched",
            {"document_id": "D", "enabled": True},
        )
        for what, local in (("same", SAME), ("edited", EDITED))
    ),
    Story(
        "T14",
        "disabled, as declared",
        {"local": SAME, "entry": entry(), "known": DISABLED, "enabled": False},
        Noop,
    ),
    Story(
        "T14",
        "not disabled, against what is declared",
        {"local": SAME, "entry": entry(), "known": remote(), "enabled": False},
        Switch,
        "switched",
        {"document_id": "D", "enabled": False},
    ),
    Story(
        "T14",
        "to be disabled, and not asked for",
        {"local": SAME, "entry": entry(), "enabled": False, "profile": "p"},
        Switch,
        "switched",
    ),
    Story(
        "T14",
        "a value is declared otherwise",
        {
            "local": SAME,
            "entry": TEAM,
            "metadata_hash": "m",
            "declared": declaring_values(team="b"),
        },
        SetMetadata,
        "metadata",
        {"document_id": "D"},
    ),
    Story(
        "T14",
        "a value was changed at the server",
        {"local": SAME, "entry": TEAM, "metadata_hash": "m", "known": remote(metadata={})},
        SetMetadata,
        "metadata",
    ),
    Story(
        "T14",
        "a value is as declared, and another is somebody else's",
        {
            "local": SAME,
            "entry": TEAM,
            "metadata_hash": "m",
            "known": remote(metadata={"team": "a", "theirs": "x"}),
            "declared": declaring_values(team="a"),
        },
        Noop,
    ),
    Story(
        "T14",
        "what is declared cannot be used: the document keeps what it has",
        {"local": SAME, "entry": TEAM, "metadata_hash": "m", "declared": Declared(fault=WHY)},
        Hold,
        WHY.message,
    ),
    Story(
        "T17",
        "edited, and disabled as declared",
        {"local": EDITED, "entry": entry(), "known": DISABLED, "enabled": False},
        Update,
        "edited",
    ),
    Story(
        "T17",
        "front matter is left out of the same file from now on",
        {"local": replace(SAME, content="new"), "entry": entry(profile="p"), "profile": "q"},
        Update,
        "settings",
    ),
    Story(
        "T20",
        "gone, and disabled as declared",
        {"local": ABSENT, "entry": entry(), "known": DISABLED, "enabled": False},
        Delete,
        "removed",
    ),
]
