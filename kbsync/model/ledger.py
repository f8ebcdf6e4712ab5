"""What the ledger stores: entries, intents, rejections, the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kbsync.lazy_dataclass import dataclass
from kbsync.model.document_rule import MetadataValue
from kbsync.model.files import DocKey, Fingerprint, Stat


class EntryState(StrEnum):
    """The state of an entry's document."""

    INDEXING = "indexing"
    SYNCED = "synced"
    FAILED = "failed"
    TRASHED = "trashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What was done for one key.

    Args:
        stat: the file's stat when `fingerprint.content` was read; None when unknown.
        fingerprint: None means unknown and reads as changed.
        batch: the server's id for asking about indexing; only upload replies have it.
        superseded: id of the document that `document_id` replaces (update strategy swap).
        reason: why it is FAILED, or how it is in the trash, as code and sentence.
        failures: indexing failures in a row of this fingerprint.
        retry_at: no sooner than this (seconds of the ledger's clock), when FAILED.
        sent_at: when the upload was answered (seconds of the ledger's clock).
        progress_at: when its indexing last moved.
        progress: how many chunks were done then; None while it waits in the server's queue.
        stale: why the document no longer is what the file holds and nothing newer was sent, as
            code and sentence.
        encoding: what the file's text was taken as; None where no text was converted.
        profile: `DocumentRule.profile` that the document was last made to agree with.
        source: sha256 (hex) of the file's own bytes, where not they were sent.
        metadata: the values of declared metadata that were written and read back, by field; amid
            a swap with None for what was taken away, which the replaced document still has.
        trashed_at: when it was put into the trash (seconds of the ledger's clock).
        expires_at: when it is deleted from there; None for never.
        chunks: what the document was cut into here, where its chunks are kept one by one.
    """

    key: DocKey
    document_id: str
    document_name: str
    state: EntryState
    stat: Stat | None = None
    fingerprint: Fingerprint | None = None
    metadata_hash: str | None = None
    rev: str | None = None
    word_count: int | None = None
    batch: str | None = None
    superseded: str | None = None
    reason: tuple[str, str] | None = None
    failures: int = 0
    retry_at: float | None = None
    sent_at: float | None = None
    progress_at: float | None = None
    progress: int | None = None
    stale: tuple[str, str] | None = None
    encoding: str | None = None
    profile: str = ""
    source: str | None = None
    metadata: Mapping[str, MetadataValue | None] = field(default_factory=dict)
    trashed_at: float | None = None
    expires_at: float | None = None
    chunks: str | None = None


class Op(StrEnum):
    """The remote changes that need an intent."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SWITCH = "switch"


# What a switch is for: to be enabled again, not known to be disabled yet; to be enabled; to be
# disabled and left so; to be as is declared.
DISABLING, ENABLING, TRASHING, DECLARED = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Committed before the call, dropped with its outcome: at most one per key.

    Args:
        name: the document name the call uses.
        fingerprint: what is sent, for create and update.
        stat: the stat of the file that is sent.
        ids_seen: ids that bore `name` before the call.
        rev_before: the document's rev before an update.
        attempt: of a switch what it is for: `DISABLING`, `ENABLING`, `TRASHING` or
            `DECLARED`.
        started_at: seconds of the ledger's clock.
    """

    key: DocKey
    op: Op
    name: str
    started_at: float
    document_id: str | None = None
    fingerprint: Fingerprint | None = None
    stat: Stat | None = None
    ids_seen: frozenset[str] = frozenset()
    rev_before: str | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A definite refusal, remembered with the fingerprint it was given for.

    `stat` lets an unchanged refused file be known again without reading it.
    """

    key: DocKey
    fingerprint: Fingerprint
    reason: tuple[str, str]
    at: float
    stat: Stat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One remote change that was made or tried."""

    at: float
    mirror: str
    path: str
    action: str
    document_id: str | None
    outcome: str
    milliseconds: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restless:
    """A document that was updated again and again: how often since a time, and when last."""

    uploads: int
    last: float
