"""Rows T0 to T9: what comes before any entry is looked at, and files without one."""

from __future__ import annotations

from dataclasses import replace

from declared import one_rule

from kbsync.messages import engine as say
from kbsync.messages import source as source_say
from kbsync.model import (
    Adopt,
    Conflict,
    Create,
    Delete,
    EntryState,
    Hold,
    Noop,
    Op,
    Readiness,
    Resolve,
)
from kbsync.planning.case import GONE

from .stories import (
    ABSENT,
    EDITED,
    EXCLUDED,
    NEW,
    RULES,
    SAME,
    SENT,
    SKIPPED,
    UNHASHED,
    UNKNOWN,
    WHY,
    declaring,
    entry,
    intent,
    marked,
    refusal,
    remote,
)
from .story import Story

BUSY = (Readiness.WAITING, Readiness.INDEXING, Readiness.PAUSED)
OFF = (Readiness.DISABLED, Readiness.ARCHIVED)
OURS = marked(remote("M", rev="r7"))
FOREIGN = remote("F", rev="f1")
OLD_ONE = remote("O", rev="r0")
SWAPPED = entry(document_id="D", superseded="O")
PRUNE_OFF = declaring(prune=False)
PRUNE_EXCLUDED = replace(RULES, prune_excluded=True)
PRUNE_STALE = replace(RULES, prune_stale=True)
UNREADABLE = replace(UNKNOWN, why=source_say.FILE_UNREADABLE(cause="Permission denied"))
NEW_SETTINGS = replace(RULES, rule=one_rule("T").shared)

STORIES = [
    # -- before anything else
    Story("T0", "a create is pending", {"intent": intent()}, Resolve, "create"),
    Story(
        "T0",
        "an update is pending, the file is gone and so is the document",
        {"intent": intent(Op.UPDATE), "entry": entry(), "known": GONE},
        Resolve,
        "update",
    ),
    Story(
        "T0",
        "a delete is pending, and the file cannot be read",
        {"intent": intent(Op.DELETE), "entry": entry(), "local": UNKNOWN},
        Resolve,
        "delete",
    ),
    Story("T1", "a torn read", {"local": UNKNOWN, "entry": entry()}, Hold, WHY),
    Story("T1", "unreadable, its document gone", {"local": UNKNOWN, "known": GONE}, Hold, WHY),
    Story("T1", "grew too large", {"local": SKIPPED, "entry": entry()}, Hold, say.HELD_STALE),
    Story(
        "T1",
        "its rights were taken away: what it holds is not known",
        {"local": UNREADABLE, "entry": entry(), "rules": PRUNE_STALE},
        Hold,
        say.HELD_STALE_UNREADABLE,
    ),
    Story(
        "T1",
        "grew too large, and its old text is to go",
        {"local": SKIPPED, "entry": entry(), "rules": PRUNE_STALE},
        Delete,
        "stale",
        {"document_id": "D"},
    ),
    Story(
        "T1",
        "the same amid a swap: the replaced one first",
        {"local": SKIPPED, "entry": SWAPPED, "rules": PRUNE_STALE},
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    Story(
        "T1",
        "the same while the server works on it",
        {
            "local": SKIPPED,
            "entry": entry(),
            "rules": PRUNE_STALE,
            "known": remote(readiness=Readiness.INDEXING),
        },
        Hold,
        say.HELD_STALE,
    ),
    Story("T1", "skipped and never uploaded", {"local": SKIPPED}, Hold, WHY),
    Story(
        "T1",
        "excluded now: shown as orphaned",
        {"local": EXCLUDED, "entry": entry()},
        Hold,
        say.HELD_EXCLUDED,
    ),
    Story("T1", "excluded, never uploaded", {"local": EXCLUDED}, Noop),
    Story(
        "T1",
        "excluded and pruned",
        {"local": EXCLUDED, "entry": entry(), "rules": PRUNE_EXCLUDED},
        Delete,
        "excluded",
        {"document_id": "D"},
    ),
    # -- swap
    Story(
        "T2",
        "the new one is done: the old one goes",
        {"entry": SWAPPED, "known": remote(), "replaced": remote("O"), "local": SAME},
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    Story(
        "T2",
        "the new one is in error: it goes, the old one stays",
        {
            "entry": replace(SWAPPED, state=EntryState.FAILED),
            "known": remote(readiness=Readiness.ERROR),
            "replaced": remote("O"),
            "local": SAME,
        },
        Delete,
        "failed",
        {"document_id": "D"},
    ),
    Story(
        "T20",
        "the new one is in error, the old one and the file are gone: a removal like any other",
        {
            "entry": replace(SWAPPED, state=EntryState.FAILED),
            "known": remote(readiness=Readiness.ERROR),
            "replaced": GONE,
        },
        Delete,
        "removed",
        {"document_id": "D"},
    ),
    Story(
        "T2",
        "even when the file is gone, one step at a time",
        {"entry": SWAPPED, "known": remote(), "replaced": remote("O")},
        Delete,
        "superseded",
    ),
    Story(
        "T2",
        "the new one made no chunks: it goes too, the old one stays",
        {
            "entry": replace(SWAPPED, state=EntryState.FAILED),
            "known": remote(words=0),
            "replaced": remote("O"),
            "local": SAME,
        },
        Delete,
        "failed",
        {"document_id": "D"},
    ),
    *(
        Story(
            "T2",
            f"the new one was deleted there, the file is {what}: the old one is it again",
            {"entry": SWAPPED, "known": GONE, "replaced": OLD_ONE, "local": local, "listed": True},
            Adopt,
            None,
            {"document": OLD_ONE, "fingerprint": None},
        )
        for what, local in (("there", SAME), ("gone", ABSENT))
    ),
    Story(
        "T1",
        "excluded in the middle of a swap and pruned: the old one first",
        {"local": EXCLUDED, "entry": SWAPPED, "rules": PRUNE_EXCLUDED},
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    # -- no entry
    Story("T4", "nothing anywhere", {}, Noop),
    Story(
        "T4", "nothing here, a foreign one there", {"listed": True, "namesakes": (FOREIGN,)}, Noop
    ),
    Story(
        "T5",
        "a late create of a file that is gone",
        {"listed": True, "marked": (OURS,)},
        Delete,
        "orphan",
        {"document_id": "M"},
    ),
    Story(
        "T5",
        "the same, without prune",
        {"listed": True, "marked": (OURS,), "rules": PRUNE_OFF},
        Hold,
        say.HELD_KEPT,
    ),
    *(
        Story(
            "T5",
            f"a document of ours that is {off} is trash, never an orphan",
            {"listed": True, "marked": (replace(OURS, readiness=off),)},
            Hold,
            say.HELD_OPERATOR,
        )
        for off in OFF
    ),
    *(
        Story(
            "T5",
            f"an orphan that is {busy} is waited for, as long as it moves",
            {"listed": True, "marked": (replace(OURS, readiness=busy),)},
            Adopt,
            "mark",
            {"document": replace(OURS, readiness=busy), "fingerprint": SENT},
        )
        for busy in BUSY
    ),
    Story(
        "T6", "a new file, its name not looked up", {"local": UNHASHED}, Hold, say.HELD_NOT_LISTED
    ),
    Story(
        "T7",
        "the ledger was lost: equal content needs no upload",
        {"local": SAME, "listed": True, "marked": (OURS,)},
        Adopt,
        "mark",
        {"document": OURS, "fingerprint": SENT},
    ),
    Story(
        "T7",
        "the ledger was lost and the file edited",
        {"local": EDITED, "listed": True, "marked": (OURS,)},
        Adopt,
        "mark",
        {"document": OURS, "fingerprint": None, "stat": None},
    ),
    Story(
        "T7",
        "the ledger was lost and the settings changed",
        {"local": SAME, "listed": True, "marked": (OURS,), "rules": NEW_SETTINGS},
        Adopt,
        "mark",
        {"fingerprint": None},
    ),
    Story(
        "T7",
        "ours comes before a foreign namesake",
        {"local": SAME, "listed": True, "marked": (OURS,), "namesakes": (FOREIGN,)},
        Adopt,
        "mark",
    ),
    Story(
        "T8",
        "a foreign document bears our name",
        {"local": UNHASHED, "listed": True, "namesakes": (FOREIGN,)},
        Conflict,
        say.CONFLICT_FOREIGN_NAME,
        {"document_id": "F"},
    ),
    Story("T9", "a new file", {"local": UNHASHED, "listed": True}, Create, "new", {"stat": NEW}),
    Story(
        "T9",
        "refused before, and not changed since",
        {"local": UNHASHED, "listed": True, "rejection": refusal()},
        Hold,
        say.HELD_REJECTED,
    ),
    Story(
        "T9",
        "refused before, and edited since",
        {"local": EDITED, "listed": True, "rejection": refusal("older")},
        Create,
        "new",
    ),
    Story(
        "T9",
        "refused before under other settings",
        {"local": EDITED, "listed": True, "rejection": refusal(settings="T")},
        Create,
        "new",
    ),
]
