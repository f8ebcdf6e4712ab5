"""What can be done for one key, and what the guard answers to a plan.

`row` is the label of the decision's row in docs/design.md section 4, to be shown; nothing depends
on it.
"""

from __future__ import annotations

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model.causes import Cause
from kbsync.model.documents import RemoteDocument
from kbsync.model.files import DocKey, Fingerprint, Stat
from kbsync.model.ledger import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop:
    """Nothing to do."""

    key: DocKey
    row: str
    cause: Cause = Cause.SAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Not now. `until`: seconds of the ledger's clock, None when something outside must change."""

    key: DocKey
    row: str
    cause: Cause
    why: Notice
    until: float | None = None
    document_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Upload as a new document."""

    key: DocKey
    row: str
    cause: Cause
    stat: Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Upload over `document_id`."""

    key: DocKey
    row: str
    cause: Cause
    stat: Stat
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The document of `origin` becomes this key's; its content is not sent again."""

    key: DocKey
    row: str
    cause: Cause
    origin: DocKey
    document_id: str
    stat: Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetadata:
    """Only metadata differs, a mark or declared values: assign it, never re-embed."""

    key: DocKey
    row: str
    cause: Cause
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Take `document` into the ledger; `fingerprint` None makes the next pass update it."""

    key: DocKey
    row: str
    cause: Cause
    document: RemoteDocument
    fingerprint: Fingerprint | None = None
    stat: Stat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete `document_id`."""

    key: DocKey
    row: str
    cause: Cause
    document_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trash:
    """Put a document into the trash.

    Args:
        disable: searches are not to find it any more; otherwise they do.
        expires_at: when it is deleted (seconds of the ledger's clock); None for never.
        document: as it was found, where no entry has it.
    """

    key: DocKey
    row: str
    cause: Cause
    document_id: str
    name: str
    disable: bool
    expires_at: float | None = None
    document: RemoteDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Take a document out of the trash, enabled again: its file came back."""

    key: DocKey
    row: str
    cause: Cause
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Enable or disable a document, as declared."""

    key: DocKey
    row: str
    cause: Cause
    document_id: str
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Drop the entry: both sides are gone."""

    key: DocKey
    row: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """Find out how the last call ended before anything else (planning/recovery_table.py)."""

    key: DocKey
    row: str
    cause: Cause
    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A person has to choose; nothing is changed."""

    key: DocKey
    row: str
    cause: Cause
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
    | Trash
    | Restore
    | Switch
    | Forget
    | Resolve
    | Conflict
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The guard lets everything pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """The guard holds a set of one mirror's changes back.

    Args:
        why: each reason, with numbers and the command that releases the set.
        digest: names exactly that set.
        keys: whose change is held back.
        members: names each change by itself, so that a release can be compared with what is left.
    """

    mirror: str
    why: tuple[Notice, ...]
    digest: str
    keys: frozenset[DocKey]
    members: frozenset[str]


Guard = Allowed | Halted
