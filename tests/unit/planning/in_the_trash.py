"""Row T3, the rows that put a document into the trash, and what a swap takes over."""

from __future__ import annotations

from dataclasses import replace

from kbsync.messages import engine as say
from kbsync.messages import trash as trash_say
from kbsync.model import (
    Conflict,
    Delete,
    EntryState,
    Forget,
    Hold,
    Noop,
    Readiness,
    Restore,
    SetMetadata,
    Trash,
)
from kbsync.planning.case import GONE

from .stories import (
    DISABLED,
    DISABLING,
    EDITED,
    EXCLUDED,
    KEEPING,
    NOW,
    SAME,
    SKIPPED,
    WHY,
    declaring,
    entry,
    marked,
    remote,
)
from .story import Story

OFF = remote(readiness=Readiness.DISABLED)
RESTS = entry(EntryState.TRASHED, trashed_at=NOW - 60, reason=DISABLED)
OVER = replace(RESTS, expires_at=NOW)
KEPT = replace(OVER, reason=("KB-E271", ""))
OURS = marked(remote("M", rev="r7"))
EMPTYING = replace(DISABLING, empty_trash=True)
NO_PRUNE = replace(declaring(prune=False), rule=DISABLING.rule)
SWAPPED = entry(superseded="O")
TITLED = remote("O", rev="r0", metadata={"title": "by hand"})

SWAPPING = {"entry": SWAPPED, "known": remote(), "replaced": TITLED, "local": SAME}

STORIES = [
    Story(
        "T1",
        "too large, its document in the trash: not stale",
        {"local": SKIPPED, "entry": RESTS},
        Hold,
        WHY,
    ),
    Story(
        "T1",
        "excluded and to be pruned, its document in the trash: it rests",
        {
            "local": EXCLUDED,
            "entry": RESTS,
            "known": OFF,
            "rules": replace(DISABLING, prune_excluded=True),
        },
        Noop,
    ),
    Story(
        "T3",
        "a trashed file came back",
        {"entry": RESTS, "known": OFF, "local": SAME},
        Restore,
        "returned",
        {"document_id": "D"},
    ),
    Story(
        "T3",
        "it came back with another content",
        {"entry": RESTS, "known": OFF, "local": EDITED},
        Restore,
        "returned",
    ),
    Story(
        "T3",
        "it came back, and it was enabled already",
        {"entry": RESTS, "known": remote(), "local": SAME},
        Restore,
        "returned",
    ),
    Story(
        "T3",
        "it came back, and the server is not asked",
        {"entry": RESTS, "local": SAME},
        Restore,
        "returned",
    ),
    Story("T3", "the trash rests while the file is gone", {"entry": RESTS, "known": OFF}, Noop),
    Story(
        "T3",
        "an operator enabled it: it rests all the same",
        {"entry": RESTS, "known": remote()},
        Noop,
    ),
    Story(
        "T3",
        "the trash was emptied there",
        {"entry": RESTS, "known": GONE},
        Forget,
        "trash emptied",
    ),
    Story(
        "T3",
        "its time is over",
        {"entry": OVER, "known": OFF, "rules": DISABLING, "now": NOW},
        Delete,
        "expired",
        {"document_id": "D"},
    ),
    Story(
        "T3",
        "its time is over, and the trash is not declared any more",
        {"entry": OVER, "known": OFF},
        Delete,
        "expired",
    ),
    Story(
        "T3",
        "its time is over by the ledger, and a longer one is declared now",
        {"entry": OVER, "known": OFF, "rules": DISABLING, "now": NOW - 1},
        Noop,
    ),
    Story(
        "T3",
        "its time is over by the ledger, and it has none any more",
        {"entry": OVER, "known": OFF, "rules": KEEPING},
        Noop,
    ),
    Story("T3", "its time is over, without prune", {"entry": OVER, "rules": NO_PRUNE}, Noop),
    Story(
        "T3",
        "kept where searches find it, its time over",
        {"entry": KEPT, "known": remote()},
        Delete,
        "expired",
    ),
    Story(
        "T3",
        "a person empties the trash",
        {"entry": RESTS, "known": OFF, "rules": EMPTYING},
        Delete,
        "emptied",
    ),
    Story(
        "T3",
        "its time is over, and an operator enabled it",
        {"entry": OVER, "known": remote()},
        Hold,
        trash_say.ENABLED_THERE,
    ),
    Story(
        "T3",
        "its time is over, and an operator archived it",
        {"entry": OVER, "known": remote(readiness=Readiness.ARCHIVED)},
        Hold,
        say.HELD_OPERATOR,
    ),
    Story(
        "T3",
        "its time is over, and it was edited there",
        {"entry": OVER, "known": replace(OFF, word_count=6)},
        Conflict,
        trash_say.EDITED_THERE,
    ),
    Story(
        "T3",
        "a person empties the trash, and it was sent anew there",
        {"entry": RESTS, "known": remote(rev="r2"), "rules": EMPTYING},
        Conflict,
        trash_say.EDITED_THERE,
    ),
    # -- into the trash
    *(
        Story(
            "T5",
            f"an orphan that is {each.readiness} goes into the trash",
            {"listed": True, "marked": (each,), "rules": DISABLING},
            Trash,
            "orphan",
            {"document_id": "M", "disable": True, "expires_at": expires, "document": each},
        )
        for each, expires in (
            (OURS, NOW + 60),
            (replace(OURS, readiness=Readiness.DISABLED), None),
        )
    ),
    Story(
        "T5",
        "an orphan that is archived stays, whatever is declared",
        {
            "listed": True,
            "marked": (replace(OURS, readiness=Readiness.ARCHIVED),),
            "rules": DISABLING,
        },
        Hold,
        say.HELD_OPERATOR,
    ),
    Story(
        "T13",
        "removed here, put away there before: an operator did it",
        {"entry": entry(), "known": OFF, "rules": DISABLING},
        Hold,
        say.HELD_OPERATOR,
    ),
    Story(
        "T20",
        "removed here, to be disabled",
        {"entry": entry(), "known": remote(), "rules": DISABLING},
        Trash,
        "removed",
        {"document_id": "D", "disable": True, "expires_at": NOW + 60},
    ),
    Story(
        "T20",
        "removed here, to be kept",
        {"entry": entry(), "rules": KEEPING},
        Trash,
        "removed",
        {"document_id": "D", "disable": False, "expires_at": None},
    ),
    Story(
        "T20",
        "removed here, to be disabled, on a server that cannot",
        {"entry": entry(), "rules": replace(DISABLING, switches=False)},
        Hold,
        trash_say.CANNOT_DISABLE,
    ),
    Story(
        "T20",
        "removed here, to be disabled, without prune",
        {"entry": entry(), "rules": NO_PRUNE},
        Hold,
        say.HELD_KEPT,
    ),
    Story(
        "T20",
        "removed in the middle of a swap: the old one goes first",
        {
            "entry": entry(EntryState.INDEXING, superseded="O"),
            "known": remote(),
            "replaced": TITLED,
            "rules": DISABLING,
        },
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    Story(
        "T20",
        "removed in the middle of a swap, the old one archived: the server deletes none that is",
        {
            "entry": entry(EntryState.INDEXING, superseded="O"),
            "known": remote(),
            "replaced": replace(TITLED, readiness=Readiness.ARCHIVED),
            "rules": DISABLING,
        },
        Hold,
        say.HELD_OPERATOR,
        {"document_id": "O"},
    ),
    Story(
        "T20",
        "removed here, its document disabled as declared: nothing is switched",
        {"entry": entry(), "known": OFF, "rules": DISABLING, "enabled": False},
        Trash,
        "removed",
        {"disable": True, "expires_at": NOW + 60},
    ),
    Story(
        "T20",
        "removed here, its document in error: no search finds it anyway",
        {"entry": entry(), "known": remote(readiness=Readiness.ERROR), "rules": DISABLING},
        Delete,
        "removed",
    ),
    Story(
        "T20",
        "removed here, failed and not asked for: it is not held for a trash that it is not for",
        {"entry": entry(EntryState.FAILED), "rules": replace(DISABLING, switches=False)},
        Delete,
        "removed",
    ),
    # -- what a swap takes over
    Story(
        "T2",
        "values of others go over to the new one before the old one goes",
        {**SWAPPING, "metadata_hash": "m"},
        SetMetadata,
        "metadata",
        {"document_id": "D"},
    ),
    Story(
        "T2",
        "values of others, and a new one of unknown content, which cannot be marked: it goes",
        {
            "entry": entry(fingerprint=None, superseded="O"),
            "known": remote(),
            "replaced": TITLED,
            "local": SAME,
        },
        Delete,
        "failed",
        {"document_id": "D"},
    ),
    Story(
        "T2",
        "they went over, and were changed since",
        {
            "entry": entry(superseded="O", metadata_hash="m"),
            "known": remote(metadata={"title": "newer"}),
            "replaced": TITLED,
            "local": SAME,
            "metadata_hash": "m",
        },
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    Story(
        "T2",
        "they went over, and others wrote more on the old one since",
        {
            **SWAPPING,
            "entry": entry(superseded="O", metadata_hash="m"),
            "known": remote(metadata={"author": "Ada"}),
            "metadata_hash": "m",
        },
        SetMetadata,
        "metadata",
        {"document_id": "D"},
    ),
    Story(
        "T2",
        "they went over, and the old one has a value of ours that was taken away",
        {
            **SWAPPING,
            "entry": entry(superseded="O", metadata_hash="m", metadata={"title": None}),
            "metadata_hash": "m",
        },
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    Story(
        "T2",
        "they went over, on a server without metadata",
        {
            "entry": SWAPPED,
            "known": remote(),
            "replaced": TITLED,
            "local": SAME,
            "rules": replace(DISABLING, metadata=False),
        },
        Delete,
        "superseded",
    ),
]
