"""The case: everything one decision is made of, and what its rows ask about it."""

from __future__ import annotations

import enum

from kbsync.config import MirrorConfig
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import remote
from kbsync.model import (
    Absent,
    Cause,
    Declared,
    DocKey,
    DocumentRule,
    EntryState,
    FileState,
    Fingerprint,
    Intent,
    LedgerEntry,
    Mark,
    Present,
    Rejection,
    RemoteDocument,
)
from kbsync.planning.standstill import Standing


class Missing(enum.Enum):
    """The one value for a known id that is confirmed to be gone."""

    GONE = "gone"


GONE = Missing.GONE
OF_THE_BASE = frozenset({remote.QUOTA.code, remote.MODEL_AWAY.code, remote.OUT_OF_USE.code})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one key at the server.

    Args:
        listed: the names and marks below are complete, so that an empty tuple proves absence.
        known: the ledger's document; None when it was not asked for.
        replaced: the document the ledger's one supersedes (swap); None when not asked for.
        namesakes: other documents of exactly our name.
        marked: other documents whose valid mark names this key.
    """

    listed: bool = False
    known: RemoteDocument | Missing | None = None
    replaced: RemoteDocument | Missing | None = None
    namesakes: tuple[RemoteDocument, ...] = ()
    marked: tuple[RemoteDocument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRules:
    """The settings of a mirror that decide.

    Args:
        rule: what the document of the path becomes.
        config: the mirror as declared.
        prune_excluded: delete what the filters leave out now.
        prune_stale: delete documents whose file is there and can never be sent as it is.
        delete_drifted: delete also what was changed at the server since.
        empty_trash: delete what is in the trash, whatever its time.
        switches: the server can disable a document.
        metadata: documents there carry metadata.
    """

    base_id: str
    rule: DocumentRule
    config: MirrorConfig
    prune_excluded: bool = False
    prune_stale: bool = False
    delete_drifted: bool = False
    empty_trash: bool = False
    switches: bool = True
    metadata: bool = True

    @property
    def settings(self) -> str:
        """Hash of what shapes chunks, the second half of a fingerprint."""
        return self.rule.settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything one decision is made of.

    Args:
        name: the document name this key would be uploaded under.
        metadata_hash: hash of the mark the document should carry, None when it carries none.
        profile: what it should agree with beside its chunks (`LedgerEntry.profile`).
        declared: metadata that is declared of it; None where it is as the entry recorded.
        enabled: whether searches are to look at it; None where that is left to the server.
        repairs: drift repairs of this key in the last 24 hours.
        standing: how the document stands that the server has not done with.
        still_since: when its indexing last moved, where it stands still.
        probe: it is sent anew to see whether the server works at all.
        now: seconds of the ledger's clock.
    """

    key: DocKey
    name: str
    local: FileState
    rules: DecisionRules
    now: float
    entry: LedgerEntry | None = None
    intent: Intent | None = None
    rejection: Rejection | None = None
    evidence: Evidence = Evidence()
    metadata_hash: str | None = None
    profile: str = ""
    declared: Declared | None = None
    enabled: bool | None = None
    repairs: int = 0
    standing: Standing = Standing.MOVES
    still_since: float | None = None
    probe: bool = False


def same(case: Case) -> bool:
    """Return whether the file equals what the entry says was sent; unknown reads as changed."""
    entry, local = case.entry, case.local
    if entry is None or entry.fingerprint is None or not isinstance(local, Present):
        return False
    if entry.fingerprint.settings != case.rules.settings:
        return False
    if local.content is None:
        # Not hashed: the stat at the time of reading stands for the content.
        return entry.stat == local.stat
    return entry.fingerprint.content == local.content


def trashed(case: Case) -> bool:
    """Return whether the document is in the trash."""
    entry = case.entry
    return entry is not None and entry.state is EntryState.TRASHED and entry.superseded is None


def entry_of(case: Case) -> LedgerEntry:
    """Return the entry of a case that has one."""
    assert case.entry is not None  # noqa: S101 - rows without an entry come first
    return case.entry


def absent(case: Case) -> bool:
    """Return whether the file is proved not to be there."""
    return isinstance(case.local, Absent)


def is_gone(local: FileState) -> bool:
    """Return whether a file is gone, and no mount is missing that it may stand on."""
    return isinstance(local, Absent) and local.unmounted is None


def may_prune_stale(case: Case) -> bool:
    """Return whether a person asked for a stale document to go, and the server is done with it."""
    return case.rules.prune_stale and not busy(case)


def busy(case: Case) -> bool:
    """Return whether the server still works on the ledger's document."""
    known = case.evidence.known
    return isinstance(known, RemoteDocument) and known.readiness.busy


def drifted(case: Case) -> bool:
    """Return whether the document changed at the server since we completed it."""
    if entry_of(case).state is not EntryState.SYNCED:
        return False
    return differs(case)


def differs(case: Case) -> bool:
    """Return whether the document is not what its entry says of it."""
    known, entry = case.evidence.known, entry_of(case)
    if not isinstance(known, RemoteDocument):
        return False
    if None in (known.word_count, entry.word_count):  # not counted: the rev alone decides
        return known.rev != entry.rev
    return (known.rev, known.word_count) != (entry.rev, entry.word_count)


def cause_of_change(case: Case) -> Cause:
    """Return why the file differs from its entry: UNKNOWN, SETTINGS or EDITED."""
    entry = entry_of(case)
    if entry.fingerprint is None:
        return Cause.UNKNOWN
    changed = entry.fingerprint.settings != case.rules.settings
    # Front matter that is left out now, or sent now, makes another text of the same file.
    declared = entry.profile != case.profile and _untouched(case)
    return Cause.SETTINGS if changed or declared else Cause.EDITED


def _untouched(case: Case) -> bool:
    """Return whether the file is the one that was sent, byte by byte, as far as its stat tells."""
    return isinstance(case.local, Present) and entry_of(case).stat == case.local.stat


def hash_equals(local: Present, mark: Mark | None, rules: DecisionRules) -> bool:
    """Return whether `mark` says the document was made of exactly this file and these settings."""
    if mark is None or local.content is None:
        return False
    return mark.fingerprint == Fingerprint(content=local.content, settings=rules.settings)


def rejected(case: Case) -> bool:
    """Return whether exactly this file was refused under these settings before."""
    refusal, local = case.rejection, case.local
    if refusal is None or not isinstance(local, Present):
        return False
    if refusal.reason[0] in OF_THE_BASE:  # an older version kept it, though any file was refused
        return False
    if refusal.fingerprint.settings != case.rules.settings:
        return False
    if local.content is None:
        return refusal.stat == local.stat
    return refusal.fingerprint.content == local.content
