"""The guard: how much an hour may remove and embed again (docs/design.md section 7).

Pure: the plan's actions, the last hour and the limits go in; what is held back comes out.
"""

from __future__ import annotations

import enum
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import TypeVar

from kbsync.config.guard import GuardConfig, ReembeddingLimits, RemovalLimits
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Message, Notice, Problem
from kbsync.messages import guard as say
from kbsync.model import (
    Action,
    Adopt,
    Allowed,
    Cause,
    Create,
    Delete,
    DocKey,
    Forget,
    Guard,
    Halted,
    Trash,
    Update,
)
from kbsync.planning.mount_points import innermost_above

T = TypeVar("T")

OUT_OF_THE_TRASH = frozenset({Cause.EXPIRED, Cause.EMPTIED})
REMOVALS = OUT_OF_THE_TRASH | {
    *(Cause.REMOVED, Cause.ORPHAN, Cause.EXTRA, Cause.EXCLUDED, Cause.STALE),
}
REEMBEDDINGS = frozenset({Cause.MISSING, Cause.DRIFT, Cause.SETTINGS, Cause.UNKNOWN})
AN_HOUR = 3600.0
SHOWN = 12


class Risk(enum.StrEnum):
    """What the guard counts an action as."""

    REMOVES = "removes"
    REMAKES = "remakes"
    REEMBEDS = "re-embeds"
    FORGETS = "forgets"
    OVERWRITES = "overwrites"


def risk_of(action: Action) -> Risk | None:
    """Return what the guard counts `action` as; None for what passes freely."""
    match action:
        case Delete(cause=cause) | Trash(cause=cause) if cause in REMOVALS:
            return Risk.REMOVES
        # Both a loss at the server and a re-embedding: it counts for both limits.
        case Create(cause=Cause.MISSING):
            return Risk.REMAKES
        case Update(cause=cause) if cause in REEMBEDDINGS:
            return Risk.REEMBEDS
        case Adopt(fingerprint=None):
            return Risk.REEMBEDS  # adopted with unknown content, it is uploaded in the next step
        case Forget():
            return Risk.FORGETS
    return None


# -- the limits ----------------------------------------------------------------------------------


def allowance(limits: RemovalLimits | ReembeddingLimits, documents: int) -> int:
    """Return how many pass: max(least, min(share of the documents, most)).

    Args:
        limits: as declared; re-embeddings have no `most`.
        documents: of the mirror.
    """
    by_share = math.floor(limits.share * documents + 1e-9)  # 0.29 * 100 is 28.999...
    if isinstance(limits, RemovalLimits):
        by_share = min(by_share, limits.most)
    return max(limits.least, by_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was done in the last hour, or since the last release in it.

    Args:
        removals: deletions, and documents found missing and created again.
        reembeddings: uploads of files that did not change.
        deleted: documents that left the mirror: they still count for its size.
    """

    removals: int = 0
    reembeddings: int = 0
    deleted: int = 0


def with_under_way(history: History, risks: Iterable[Risk]) -> History:
    """Return `history` as it will be once what is allowed and under way is done.

    Args:
        history: what is done.
        risks: what the guard counted those keys as.
    """
    number = Counter(risks)
    remade = number[Risk.REMAKES]
    return History(
        removals=history.removals + number[Risk.REMOVES] + remade,
        reembeddings=history.reembeddings + number[Risk.REEMBEDS] + remade,
        deleted=history.deleted,
    )


def history_of(done: Mapping[tuple[str, str], int]) -> History:
    """Return the history that the journal shows.

    Args:
        done: number of calls that took effect, by action and cause.
    """
    removed = deleted = missing = uploads = 0
    for (action, cause), number in done.items():
        # Swaps and recoveries delete too, and lose nothing that search can find.
        if action in ("delete", "trash") and cause in REMOVALS:
            removed += number
            deleted += number if cause not in OUT_OF_THE_TRASH else 0
        elif action in ("create", "update") and cause in REEMBEDDINGS:
            uploads += number
            missing += number if cause == Cause.MISSING else 0
    return History(removals=removed + missing, reembeddings=uploads, deleted=deleted)


# -- the source ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """What a walk found in a source.

    Args:
        files: files that passed the filters.
        recorded: paths the ledger knows.
        found: those of them that are there, or cannot be proved to be gone.
        fault: the first reason why something could not be listed.
        device: number of the device the root is on; None when unknown.
        device_before: the same at an earlier pass.
    """

    files: int
    recorded: int
    found: int
    fault: Notice | None = None
    device: int | None = None
    device_before: int | None = None

    @property
    def moved(self) -> bool:
        """Whether it is on another device now, without most of its files.

        A remount often gives another number to the same files, so the number alone says nothing.
        """
        known = None not in (self.device, self.device_before)
        return known and self.device != self.device_before and 2 * self.found < self.recorded


def root_fault(root: Root) -> Notice | None:
    """Return why an absence in this source proves nothing; None when it does."""
    if root.fault is not None:
        return say.ROOT_UNLISTED(reason=root.fault.text)
    # An unmounted or emptied folder looks like the deletion of everything.
    if root.files == 0:
        return say.ROOT_EMPTY()
    # Another folder was mounted in its place.
    if root.recorded and not root.found:
        return say.ROOT_STRANGE(recorded=root.recorded)
    return say.ROOT_DEVICE() if root.moved else None


# -- the guard -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the guard knows of a mirror beside its actions.

    Args:
        documents: entries of the ledger that are not in the trash.
        root: why an absence in the source proves nothing.
        foreseen: what follows a key's action, where that action only prepares it.
        unproved: mount points below the root where an absence proves nothing, and why.
    """

    mirror: str
    documents: int
    root: Notice | None = None
    foreseen: Mapping[DocKey, Action] = field(default_factory=dict)
    unproved: Mapping[str, Notice] = field(default_factory=dict)

    def risk(self, action: Action) -> Risk | None:
        """Return what `action`, and what follows from it, counts as."""
        follows = self.ahead(action)
        # What stands below a mount point without its mount may be another file of that name.
        if isinstance(follows, Update) and self.mount_above(action) is not None:
            return Risk.OVERWRITES
        return risk_of(follows)

    def mount_above(self, action: Action) -> str | None:
        """Return the mount point above it where an absence proves nothing; None for none."""
        return innermost_above(action.key.path, self.unproved) if self.unproved else None

    def ahead(self, action: Action) -> Action:
        """Return what follows `action`: itself, unless something else is foreseen."""
        return self.foreseen.get(action.key, action)


def guard(actions: Iterable[Action], facts: Facts, history: History, config: GuardConfig) -> Guard:
    """Return what of `actions` is held back until a person releases it.

    Args:
        actions: one mirror's plan.
        facts: what else is known of the mirror.
        history: the hour before.
        config: the mirror's limits.
    """
    risks: dict[Risk | None, list[Action]] = defaultdict(list)
    for action in actions:
        risks[facts.risk(action)].append(action)
    gone = risks[Risk.REMOVES] + risks[Risk.FORGETS]
    removing = [each for each in risks[Risk.REMOVES] if facts.mount_above(each) is None]
    remade = risks[Risk.REMAKES]
    # The share is of the mirror as it was: what went in this hour still counts.
    documents = facts.documents + history.deleted
    halts = [
        # Without proof of absence not even an entry may go, however few they are.
        _by_root(facts, gone),
        *_by_mount(facts, gone + risks[Risk.OVERWRITES]),
        _by_number(
            say.HALTED_REMOVALS,
            removing + remade,
            history.removals,
            allowance(config.removals, documents),
        ),
        _by_number(
            say.HALTED_UPLOADS,
            remade + risks[Risk.REEMBEDS],
            history.reembeddings,
            allowance(config.reembeddings, documents),
        ),
    ]
    found = [halt for halt in halts if halt is not None]
    return _halted(facts, documents, found) if found else Allowed()


@dataclass(frozen=True, slots=True)
class _Halt:
    """A set that is held back, and the message, to be filled in with the digest of all sets."""

    actions: Sequence[Action]
    message: Message
    values: Mapping[str, object]


def _by_root(facts: Facts, gone: Sequence[Action]) -> _Halt | None:
    if facts.root is None or not gone:
        return None
    values = {"reason": facts.root.text, "count": len(gone)}
    return _Halt(gone, say.HALTED_ROOT, values)


def _by_mount(facts: Facts, actions: Sequence[Action]) -> Iterator[_Halt]:
    below: dict[str, list[Action]] = defaultdict(list)
    for action in actions:
        point = facts.mount_above(action)
        if point is not None:
            below[point].append(action)
    for point, held in sorted(below.items()):
        values = {"reason": facts.unproved[point].text, "count": len(held)}
        yield _Halt(held, say.HALTED_MOUNT, values)


def _by_number(
    message: Message, actions: Sequence[Action], recent: int, passes: int
) -> _Halt | None:
    if not actions or len(actions) + recent <= passes:
        return None
    return _Halt(actions, message, {"count": len(actions), "recent": recent, "limit": passes})


def _halted(facts: Facts, documents: int, halts: Sequence[_Halt]) -> Halted:
    # Named by what follows: the release has to be valid once the server is done indexing.
    held = {each.key: facts.ahead(each) for halt in halts for each in halt.actions}
    members = frozenset(map(_member, held.values()))
    digest = digest_of_members(members)
    values = {"mirror": facts.mirror, "documents": documents, "digest": digest[:SHOWN]}
    return Halted(
        mirror=facts.mirror,
        why=tuple(halt.message(**values, **halt.values) for halt in halts),
        digest=digest,
        keys=frozenset(held),
        members=members,
    )


def digest_of_members(members: AbstractSet[str]) -> str:
    """Return the name of a set of held-back changes, as sha256 (hex)."""
    return hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()


def named_by(release: str, find: Callable[[str], Mapping[str, T]]) -> T:
    """Return the one set of held-back changes that a person has named.

    Args:
        release: its digest, or at least the first 8 digits: few enough to copy by hand.
        find: returns, by digest, the sets whose digest starts so.

    Raises:
        Problem: it is no digest (KB-G020), or does not name one set that is held back (KB-G021).
    """
    if not re.fullmatch(r"[0-9a-f]{8,64}", release):
        raise Problem(say.BAD_RELEASE(release=release))
    found = find(release)
    if len(found) != 1:
        raise Problem(say.NO_SUCH_HALT(release=release))
    return next(iter(found.values()))


def _member(action: Action) -> str:
    """Return the name of one held-back change; its cause does not count."""
    match action:
        # Stat and cause may change between plan and release; the document at stake must not.
        case Adopt(document=document):
            target = document.id
        case Delete(document_id=target) | Trash(document_id=target) | Update(document_id=target):
            pass
        case _:
            target = ""
    change = [risk_of(action), action.key.mirror, action.key.path, target]
    return hashlib.sha256(json.dumps(change).encode()).hexdigest()[:32]


def released(decided: Guard, read: AbstractSet[str]) -> Guard:
    """Return what is still held back once a person agreed to the changes `read`.

    A release is good for any subset of what was read; with one change more all of it is held back.
    """
    match decided:
        case Halted(members=members) if members <= read:
            return Allowed()
    return decided


def waits_whole(action: Action) -> bool:
    """Whether a held-back key has nothing to do meanwhile: a look at it would be for nothing."""
    return isinstance(action, Create | Update | Delete | Trash | Forget)
