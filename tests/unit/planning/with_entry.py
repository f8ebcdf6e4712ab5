"""Rows R1 to R5 and T10 to T20: readiness, and files with an entry."""

from __future__ import annotations

from dataclasses import replace

from declared import one_rule

from kbsync.messages import engine as say
from kbsync.model import (
    Adopt,
    Conflict,
    Create,
    Delete,
    EntryState,
    Fingerprint,
    Forget,
    Hold,
    Noop,
    Readiness,
    SetMetadata,
    Update,
)
from kbsync.planning.case import GONE
from kbsync.planning.standstill import Standing

from .stories import (
    ABSENT,
    EDITED,
    NEW,
    NOW,
    RULES,
    SAME,
    SENT,
    TOUCHED,
    declaring,
    entry,
    marked,
    refusal,
    remote,
)
from .story import Story

BUSY = (Readiness.WAITING, Readiness.INDEXING, Readiness.PAUSED)
OFF = (Readiness.DISABLED, Readiness.ARCHIVED)
OURS = marked(remote("M", rev="r7"))
FOREIGN = remote("F", rev="f1")
DRIFT = remote(rev="r2")
PRUNE_STALE = replace(RULES, prune_stale=True)
WORDS = remote(words=6)
SWAPPED = entry(document_id="D", superseded="O")
PRUNE_OFF = declaring(prune=False)
REPORT = declaring(on_drift="report")
NEW_SETTINGS = replace(RULES, rule=one_rule("T").shared)
DELETE_DRIFTED = replace(RULES, delete_drifted=True)

STORIES = [
    # -- readiness
    *(
        Story(
            "R1",
            f"{busy} after an edit",
            {"local": EDITED, "entry": entry(), "known": remote(readiness=busy, words=None)},
            Hold,
            say.HELD_INDEXING,
            {"document_id": "D"},
        )
        for busy in BUSY
    ),
    Story(
        "R1",
        "the file is gone while the server indexes it",
        {
            "entry": entry(EntryState.INDEXING),
            "known": remote(readiness=Readiness.INDEXING, words=None),
        },
        Hold,
        say.HELD_INDEXING,
    ),
    Story(
        "R1",
        "the new one of a swap is not done",
        {
            "entry": replace(SWAPPED, state=EntryState.INDEXING),
            "known": remote(readiness=Readiness.INDEXING, words=None),
            "local": SAME,
        },
        Hold,
        say.HELD_INDEXING,
    ),
    Story(
        "R1",
        "it waits, and what was sent later is done: something sent before it still moves",
        {
            "local": EDITED,
            "entry": entry(EntryState.INDEXING),
            "known": remote(readiness=Readiness.WAITING, words=None),
            "standing": Standing.OVERTAKEN,
            "still_since": 1.0,
        },
        Hold,
        say.HELD_STILL,
    ),
    Story(
        "R2",
        "its place in the queue is lost: what was sent later is done",
        {
            "local": EDITED,
            "entry": entry(EntryState.INDEXING),
            "known": remote(readiness=Readiness.WAITING, words=None),
            "standing": Standing.LOST,
        },
        Update,
        "stuck",
        {"document_id": "D"},
    ),
    Story(
        "R2",
        "nothing moves at the server: it is sent anew to see why",
        {
            "local": EDITED,
            "entry": entry(EntryState.INDEXING),
            "known": remote(readiness=Readiness.WAITING, words=None),
            "standing": Standing.STANDS,
            "probe": True,
        },
        Update,
        "probe",
        {"document_id": "D"},
    ),
    Story(
        "R2",
        "no progress for 20 minutes while others completed",
        {
            "local": EDITED,
            "entry": entry(EntryState.INDEXING),
            "known": remote(readiness=Readiness.INDEXING, words=None),
            "standing": Standing.LOST,
        },
        Update,
        "stuck",
        {"document_id": "D"},
    ),
    Story(
        "R3",
        "ended in error, its time has come",
        {
            "local": SAME,
            "entry": entry(EntryState.FAILED, failures=1, retry_at=NOW),
            "known": remote(readiness=Readiness.ERROR, words=None),
        },
        Update,
        "recover",
        {"document_id": "D"},
    ),
    Story(
        "R3",
        "ended in error a moment ago",
        {
            "local": SAME,
            "entry": entry(EntryState.FAILED, failures=1, retry_at=NOW + 1),
            "known": remote(readiness=Readiness.ERROR, words=None),
        },
        Hold,
        say.HELD_BACK_OFF,
        {"until": NOW + 1},
    ),
    Story(
        "R3",
        "ended in error, and edited since: at once",
        {
            "local": EDITED,
            "entry": entry(EntryState.FAILED, failures=1, retry_at=NOW + 1),
            "known": remote(readiness=Readiness.ERROR, words=None),
        },
        Update,
        "edited",
    ),
    Story(
        "R4",
        "done there, and the watch has not proved it",
        {"local": SAME, "entry": entry(EntryState.INDEXING), "known": remote()},
        Hold,
        say.HELD_INDEXING,
    ),
    Story(
        "R5",
        "completed without a chunk",
        {"local": SAME, "entry": entry(EntryState.FAILED), "known": remote(words=0)},
        Hold,
        say.HELD_FAILED,
        {"until": None},
    ),
    Story(
        "R5",
        "completed without a chunk, and the file is why",
        {
            "local": SAME,
            "entry": entry(EntryState.FAILED, reason=(say.FAILED_NO_TEXT.code, "no text")),
            "known": remote(words=0),
        },
        Hold,
        say.HELD_UNREADABLE,
        {"until": None},
    ),
    Story(
        "R3",
        "the server could not read it, and it is the same",
        {
            "local": SAME,
            "entry": entry(EntryState.FAILED, reason=(say.FAILED_READING.code, "no zip file")),
            "known": remote(readiness=Readiness.ERROR, words=None),
        },
        Hold,
        say.HELD_UNREADABLE,
        {"until": None},
    ),
    Story(
        "R4",
        "ended in error, and indexed again there by a person",
        {
            "local": SAME,
            "entry": entry(EntryState.FAILED, failures=1, retry_at=NOW + 1),
            "known": remote(),
        },
        Hold,
        say.HELD_INDEXING,
        {"document_id": "D"},
    ),
    # -- an entry and a file
    Story(
        "T10",
        "ours twice: the ledger's id is kept",
        {"local": SAME, "entry": entry(), "known": remote(), "marked": (OURS,)},
        Delete,
        "extra",
        {"document_id": "M"},
    ),
    Story(
        "T11",
        "the ledger is older than the base",
        {"local": SAME, "entry": entry(), "known": GONE, "listed": True, "marked": (OURS,)},
        Adopt,
        "mark",
        {"document": OURS, "fingerprint": SENT},
    ),
    Story(
        "T12",
        "deleted there by a person",
        {"local": SAME, "entry": entry(), "known": GONE, "listed": True},
        Create,
        "missing",
    ),
    Story(
        "T12",
        "gone there, its name not looked up",
        {"local": SAME, "entry": entry(), "known": GONE},
        Hold,
        say.HELD_NOT_LISTED,
    ),
    Story(
        "T12",
        "gone there, its name taken by a foreign document",
        {"local": SAME, "entry": entry(), "known": GONE, "listed": True, "namesakes": (FOREIGN,)},
        Conflict,
        say.CONFLICT_FOREIGN_NAME,
    ),
    *(
        Story(
            "T13",
            f"{off} by an operator, {what}",
            {"local": local, "entry": entry(), "known": remote(readiness=off)},
            Hold,
            say.HELD_OPERATOR,
            {"document_id": "D"},
        )
        for off in OFF
        for what, local in (("same", SAME), ("edited", EDITED), ("removed", ABSENT))
    ),
    Story("T14", "nothing happened", {"local": SAME, "entry": entry()}, Noop),
    Story(
        "T14",
        "nothing happened, proved",
        {"local": SAME, "entry": entry(), "known": remote()},
        Noop,
    ),
    Story("T14", "touched, same bytes", {"local": TOUCHED, "entry": entry()}, Noop),
    Story(
        "T14",
        "only its metadata differ",
        {"local": SAME, "entry": entry(metadata_hash="m1"), "metadata_hash": "m2"},
        SetMetadata,
        "metadata",
        {"document_id": "D"},
    ),
    Story(
        "T15",
        "uploaded since the ledger's copy was made: no upload",
        {"local": EDITED, "entry": entry(), "known": marked(DRIFT, "new")},
        Adopt,
        "mark",
        {"fingerprint": Fingerprint(content="new", settings="S"), "stat": NEW},
    ),
    Story(
        "T16",
        "uploaded over by another program",
        {"local": SAME, "entry": entry(), "known": DRIFT},
        Update,
        "drift",
    ),
    Story(
        "T16",
        "a chunk was edited there; its mark is still ours",
        {"local": SAME, "entry": entry(), "known": marked(WORDS)},
        Update,
        "drift",
    ),
    Story(
        "T16",
        "drift is only reported",
        {"local": SAME, "entry": entry(), "known": DRIFT, "rules": REPORT},
        Hold,
        say.HELD_DRIFT,
    ),
    Story(
        "T16",
        "repaired once today",
        {"local": SAME, "entry": entry(), "known": DRIFT, "repairs": 1},
        Update,
        "drift",
    ),
    Story(
        "T16",
        "repaired twice today: another writer",
        {"local": SAME, "entry": entry(), "known": DRIFT, "repairs": 2},
        Conflict,
        say.CONFLICT_OTHER_WRITER,
    ),
    Story("T17", "edited here", {"local": EDITED, "entry": entry()}, Update, "edited"),
    Story(
        "T17",
        "edited on both sides: the folder is the truth",
        {"local": EDITED, "entry": entry(), "known": DRIFT},
        Update,
        "edited",
    ),
    Story(
        "T17",
        "other settings, same bytes",
        {"local": SAME, "entry": entry(), "rules": NEW_SETTINGS},
        Update,
        "settings",
    ),
    Story(
        "T17",
        "an unknown fingerprint reads as changed",
        {"local": SAME, "entry": entry(fingerprint=None)},
        Update,
        "unknown",
    ),
    Story(
        "T17",
        "refused with these bytes before",
        {"local": EDITED, "entry": entry(), "rejection": refusal()},
        Hold,
        say.HELD_STALE_REFUSED,
    ),
    Story(
        "T17",
        "refused with these bytes before, and its old text is to go",
        {"local": EDITED, "entry": entry(), "rejection": refusal(), "rules": PRUNE_STALE},
        Delete,
        "stale",
        {"document_id": "D"},
    ),
    Story(
        "T17",
        "the same with a document beside it, amid a swap",
        {
            "local": EDITED,
            "entry": entry(superseded="O"),
            "rejection": refusal(),
            "rules": PRUNE_STALE,
        },
        Delete,
        "superseded",
        {"document_id": "O"},
    ),
    Story(
        "T17",
        "new settings for bytes that were refused under them: of the file it still is",
        {
            "local": SAME,
            "entry": entry(),
            "rejection": refusal("old", "T"),
            "rules": replace(RULES, rule=one_rule("T").shared),
        },
        Hold,
        say.HELD_REJECTED,
    ),
    Story(
        "T17",
        "without a chunk before, and edited since",
        {"local": EDITED, "entry": entry(EntryState.FAILED), "known": remote(words=0)},
        Update,
        "edited",
    ),
    # -- an entry and no file
    Story("T18", "both gone", {"entry": entry(), "known": GONE}, Forget),
    Story(
        "T18",
        "both gone, an unknown twin of ours there: the next pass has it",
        {"entry": entry(), "known": GONE, "listed": True, "marked": (OURS,)},
        Forget,
    ),
    Story(
        "T19",
        "edited there, deleted here",
        {"entry": entry(), "known": WORDS},
        Conflict,
        say.CONFLICT_EDITED_THERE,
        {"document_id": "D"},
    ),
    Story(
        "T20",
        "edited there, deleted here, drifted ones to be deleted",
        {"entry": entry(), "known": WORDS, "rules": DELETE_DRIFTED},
        Delete,
        "removed",
        {"document_id": "D"},
    ),
    Story("T20", "removed here", {"entry": entry()}, Delete, "removed", {"document_id": "D"}),
    Story("T20", "removed here, proved", {"entry": entry(), "known": remote()}, Delete, "removed"),
    Story(
        "T20",
        "removed here, without prune",
        {"entry": entry(), "rules": PRUNE_OFF},
        Hold,
        say.HELD_KEPT,
    ),
]
