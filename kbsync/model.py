"""The words of kbsync as frozen types (docs/design.md section 3). No behaviour, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from kbsync.messages import Notice

T_co = TypeVar("T_co", covariant=True)


# -- identity ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DocKey:
    """What a document is called by everybody: its mirror and its POSIX path in NFC."""

    mirror: str
    path: str


class Stat(NamedTuple):
    """What the file system says of a file without reading it.

    A tuple, because the scan compares it with the ledger's row for every file of every pass.
    """

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """`content`: sha256 (hex) of what is sent. `settings`: hash of what shapes its chunks."""

    content: str
    settings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The four metadata fields by which a document says whose it is (design, section 5)."""

    mirror: str
    path: str
    fingerprint: Fingerprint
    rev: str


# -- the local side ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A file that would be uploaded. `content` is None until it was hashed."""

    key: DocKey
    stat: Stat
    content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Proved not to be there: its parent was listed without error, or is itself gone."""

    key: DocKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Could not be read now (torn read, unreadable folder, race): never acted on."""

    key: DocKey
    why: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """There, but never uploaded (type, size, empty, name, kind of file)."""

    key: DocKey
    why: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """There, but the filters leave it out; shown as orphaned when it has a document."""

    key: DocKey


FileState = Present | Absent | Unknown | Skipped | Excluded


# -- chunking ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunking:
    """What is declared of a mirror's chunks and of the base that is made for them.

    Args:
        process_rule: as the contract's section 4.5.
        form: ``text_model``, ``hierarchical_model`` or ``qa_model``.
        language: the server's ``doc_language``.
        technique: ``economy`` or ``high_quality``.
        retrieval: the base's retrieval model, None to leave the server's default.
    """

    process_rule: Mapping[str, object]
    form: str = "text_model"
    language: str = "English"
    technique: str = "economy"
    embedding_model: str | None = None
    embedding_provider: str | None = None
    retrieval: Mapping[str, object] | None = None


# -- the remote side -----------------------------------------------------------------------------


class Readiness(StrEnum):
    """A document's display status, reduced to what decides (contract section 1.5)."""

    WAITING = "waiting"
    INDEXING = "indexing"
    PAUSED = "paused"
    ERROR = "error"
    AVAILABLE = "available"
    DISABLED = "disabled"
    ARCHIVED = "archived"

    @property
    def busy(self) -> bool:
        """True while the server still works on it."""
        return self in (Readiness.WAITING, Readiness.INDEXING, Readiness.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDocument:
    """A document as the server tells it.

    Args:
        rev: `data_source_info.upload_file_id`, new at every upload.
        word_count: None until indexed; moves when somebody edits chunks.
        size: bytes of the upload (characters for text uploads), None if not told.
        metadata: custom fields by name; empty when never assigned.
        error: the server's sentence when `readiness` is ERROR.
        enabled: the switch itself, whatever the readiness.
    """

    id: str
    name: str
    rev: str
    word_count: int | None
    readiness: Readiness
    size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Indexing progress of one document: chunks done and chunks in all (contract 6.1)."""

    readiness: Readiness
    completed: int
    total: int
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A knowledge base as far as a mirror needs it.

    Args:
        mode: ``general`` for one that takes documents; ``external`` or ``pipeline`` are refused.
        technique: ``economy`` or ``high_quality``; None until its first document.
        form: ``text_model``, ``hierarchical_model`` or ``qa_model``; None until its first document.
    """

    id: str
    name: str
    documents: int
    technique: str | None = None
    form: str | None = None
    mode: str = "general"


# -- the ledger ----------------------------------------------------------------------------------


class EntryState(StrEnum):
    """Where an entry's document is on its way."""

    INDEXING = "indexing"
    SYNCED = "synced"
    FAILED = "failed"
    TRASHED = "trashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What we know we did for one key.

    Args:
        stat: the file's stat when `fingerprint.content` was read; None when unknown.
        fingerprint: None means unknown and reads as changed.
        batch: the server's handle for asking about indexing; told only in upload replies.
        superseded: id of the document that `document_id` replaces (update strategy swap).
        reason: why it is FAILED, as code and sentence.
        failures: indexing failures in a row of this fingerprint.
        retry_at: no sooner than this (seconds of the ledger's clock), when FAILED.
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


class Op(StrEnum):
    """The remote changes that need an intent."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Committed before the call, dropped with its outcome: at most one per key.

    Args:
        name: the document name the call uses.
        fingerprint: what is sent, for create and update.
        stat: the stat of the file that is sent.
        ids_seen: ids that bore `name` before the call.
        rev_before: the document's rev before an update.
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


# -- outcomes of calls ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done(Generic[T_co]):
    """The call did what it says."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Rejected:
    """Definitely refused: repeating the same call changes nothing."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many requests: all writers rest for `after` seconds; costs the document no attempt."""

    after: float


@dataclass(frozen=True, slots=True)
class NotReady:
    """Right call, wrong moment (document not available, locked, provider away)."""

    why: Notice
    after: float


@dataclass(frozen=True, slots=True)
class Gone:
    """404 for what the call names. While the base answers 200 this proves absence."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request never reached the server (connect, TLS, DNS, local read)."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Sent, but nobody can tell whether it took effect (timeout, reset, 5xx)."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The key is wrong or may not do this; the mirror cannot go on."""

    why: Notice


Failure = Rejected | Throttled | NotReady | Gone | NotSent | Ambiguous | Unauthorized
Outcome = Done[T_co] | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """The reply to an upload: the document and its batch (contract section 4.3).

    `content` is the sha256 of the bytes that really went out.
    """

    document: RemoteDocument
    batch: str | None
    content: str


# -- capabilities --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the server at hand can do; remade when its version changes (design, section 5).

    Args:
        version: `X-Version` as told, None when it never was.
        merges_by_name: a create over an enabled document of its name re-uses it.
        update_wedges: update calls stop the indexing worker (1.12.0 and 1.12.1).
        metadata: documents can carry marks.
        partial_update: metadata can be merged instead of replaced.
    """

    version: str | None = None
    merges_by_name: bool = True
    update_wedges: bool = False
    metadata: bool = True
    partial_update: bool = True


# -- actions -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop:
    """Nothing to do."""

    key: DocKey
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Not now. `until`: seconds of the ledger's clock, None when something outside must change."""

    key: DocKey
    row: str
    why: Notice
    until: float | None = None
    document_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Upload as a new document. `cause`: new, missing."""

    key: DocKey
    row: str
    cause: str
    stat: Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Upload over `document_id`. `cause`: edited, settings, drift, recover, unknown."""

    key: DocKey
    row: str
    cause: str
    stat: Stat
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The document of `origin` becomes this key's; its content is not sent again."""

    key: DocKey
    row: str
    cause: str
    origin: DocKey
    document_id: str
    stat: Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetadata:
    """Only metadata differs: assign it, never re-embed."""

    key: DocKey
    row: str
    cause: str
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Take `document` into the ledger; `fingerprint` None makes the next pass update it."""

    key: DocKey
    row: str
    cause: str
    document: RemoteDocument
    fingerprint: Fingerprint | None = None
    stat: Stat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete `document_id`. `cause`: removed, orphan, extra, superseded."""

    key: DocKey
    row: str
    cause: str
    document_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Enable a trashed document again: its file came back."""

    key: DocKey
    row: str
    cause: str
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Drop the entry: both sides are gone."""

    key: DocKey
    row: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """Account for the last call before anything else. `verdict`: see planning/resolve.py."""

    key: DocKey
    row: str
    cause: str
    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Somebody has to choose; nothing is changed."""

    key: DocKey
    row: str
    why: Notice
    document_id: str | None = None


Action = (
    Noop
    | Hold
    | Create
    | Update
    | Move
    | SetMetadata
    | Adopt
    | Delete
    | Restore
    | Forget
    | Resolve
    | Conflict
)


# -- the plan ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Allowed:
    """The guard lets everything pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """The guard holds a set back. `digest` names exactly that set."""

    why: Notice
    digest: str
    keys: frozenset[DocKey]


Guard = Allowed | Halted
