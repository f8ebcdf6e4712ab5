"""Whether a key may be removed or embedded again now; nothing is carried out without this answer.

The guard judged a plan, but every key is decided anew when its turn comes, and the world may have
changed. A decision taken on the way must not remove or embed again what the plan did not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from kbsync.messages import Notice
from kbsync.messages import guard as say
from kbsync.model import Action, Create, Delete, DocKey, Trash, Update
from kbsync.planning.guard import Risk, risk_of
from kbsync.planning.guarded_plan import GuardedPlan


class Permits:
    """What the keys being worked on may do.

    Args:
        removals: keys whose document may be removed, whatever is granted later.
        uploads: keys whose file may be uploaded although it did not change, likewise.
        overwrites: keys whose file may be uploaded although a mount is missing above it, likewise.
    """

    def __init__(
        self,
        *,
        removals: AbstractSet[DocKey] = frozenset(),
        uploads: AbstractSet[DocKey] = frozenset(),
        overwrites: AbstractSet[DocKey] = frozenset(),
    ) -> None:
        self._planned_removals = removals
        self._planned_uploads = uploads
        self._overwrites = set(overwrites)
        self._removals: set[DocKey] = set()
        self._uploads: set[DocKey] = set()
        self._seen_present: set[DocKey] = set()
        self._risks: dict[DocKey, Risk] = {}

    def allowed(self, action: Action, *, present: bool, unmounted: bool = False) -> Notice | None:
        """Return why `action` has to wait; None when it may be carried out now.

        Args:
            action: what would be done.
            present: whether the file of its key is there. It is remembered: a file that was seen
                after its removal was planned, and is gone again, is for the next plan to judge.
            unmounted: what is there is below a recorded mount point that has no mount now.
        """
        key = action.key
        if present:
            self._seen_present.add(key)
        # What the guard does not count, an edit for example, needs no permit.
        match action, risk_of(action):
            case Delete() | Trash(), Risk.REMOVES:
                allowed = self._removable(key) and (present or key not in self._seen_present)
                return None if allowed else say.HELD_REMOVAL(path=key.path)
            case Create(cause=cause) | Update(cause=cause), Risk.REMAKES | Risk.REEMBEDS:
                allowed = key in self._planned_uploads or key in self._uploads
                return None if allowed else say.HELD_UPLOAD(path=key.path, cause=cause)
            case Update(), None if unmounted:
                return None if key in self._overwrites else say.HELD_UNMOUNTED(path=key.path)
        return None

    def expects_removal(self, key: DocKey) -> bool:
        """Whether nothing but a removal is to be expected of `key`."""
        return self._removable(key) and key not in self._seen_present

    def _removable(self, key: DocKey) -> bool:
        return key in self._planned_removals or key in self._removals

    def grant(self, keys: Iterable[DocKey], plan: GuardedPlan) -> None:
        """Let `keys` do what `plan` lets them do, beside what they may do already."""
        for key in keys:
            risk = plan.risks.get(key)
            if risk is not None:
                self._risks[key] = risk
            if risk is Risk.REMOVES:
                # The file was looked at for this plan: what was seen before no longer counts.
                self._removals.add(key)
                self._seen_present.discard(key)
            if key in plan.uploads:
                self._uploads.add(key)

    @property
    def risks(self) -> Mapping[DocKey, Risk]:
        """The keys whose removal or new embedding was granted and has not been made yet."""
        return self._risks

    @property
    def keys(self) -> Collection[DocKey]:
        """The keys that something is remembered of."""
        return self._removals | self._uploads | self._seen_present | self._risks.keys()

    def spent(self, key: DocKey) -> None:
        """Note that what was granted has been made."""
        self._risks.pop(key, None)

    def drop(self, key: DocKey) -> None:
        """Forget what was granted to `key`."""
        self._risks.pop(key, None)
        self._removals.discard(key)
        self._uploads.discard(key)
        # A planned removal outlives this: that its file was seen must outlive it too.
        if key not in self._planned_removals:
            self._seen_present.discard(key)
