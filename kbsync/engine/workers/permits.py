"""What keys under way may do and have behind them; a key that came to rest leaves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from kbsync.messages import Notice
from kbsync.model import Action, Delete, DocKey, Guard, Halted, Move, Present
from kbsync.planning.guard import Facts, Permit, Risk, objection, permit, released, waits_whole
from kbsync.planning.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a plan lets its keys do.

    Args:
        permit: what may be removed and uploaded again.
        risks: what the guard counted keys as.
        listed: the listing of the pass may be believed about them.
        seen: files as they were when they were hashed for the plan.
    """

    permit: Permit
    risks: Mapping[DocKey, Risk] = field(default_factory=dict)
    listed: bool = False
    seen: Mapping[DocKey, Present] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Charge:
    """One key under way.

    Args:
        removal: its document may be removed.
        stood: its file was seen standing since that was said: no more than what is too many goes.
        upload: its file may be uploaded although it did not change.
        listed: the listing may be believed about it.
        asked: the server contradicted the ledger: ask it first.
        tries: calls that did not take effect.
        seen: its file as it was when it was hashed.
    """

    removal: bool = False
    stood: bool = False
    upload: bool = False
    listed: bool = False
    asked: bool = False
    tries: int = 0
    seen: Present | None = None


class Charges:
    """The keys of a drive that are under way.

    Args:
        permit: what each key may do that no grant was given for; everything when None.
        listed: the listing may be believed about those.
    """

    def __init__(self, permit: Permit | None, *, listed: bool) -> None:
        self._permit = permit
        self._listed = listed
        self._charges: dict[DocKey, Charge] = {}
        self._risks: dict[DocKey, Risk] = {}

    def __len__(self) -> int:
        return len(self._charges)

    @property
    def risks(self) -> Mapping[DocKey, Risk]:
        """The keys whose removal or new embedding was allowed and has not been made yet."""
        return self._risks

    def of(self, key: DocKey) -> Charge:
        """Return the charge of `key`."""
        known = self._charges.get(key)
        return known or self._charges.setdefault(key, self._usual(key))

    def _usual(self, key: DocKey) -> Charge:
        free = self._permit
        return Charge(
            removal=free is None or key in free.removals,
            upload=free is None or key in free.uploads,
            listed=self._listed,
        )

    def give(self, keys: Iterable[DocKey], grant: Grant) -> None:
        """Let `keys` do what `grant` says, beside what they may do already."""
        for key in keys:
            charge = self.of(key)
            if key in grant.permit.removals:
                charge.removal, charge.stood = True, False
            charge.upload = charge.upload or key in grant.permit.uploads
            charge.listed = grant.listed
            charge.seen = grant.seen.get(key)
            risk = grant.risks.get(key)
            if risk is not None:
                self._risks[key] = risk

    def objection(self, action: Action, *, standing: bool) -> Notice | None:
        """Return why `action` has to wait; None when it may be carried out.

        It is remembered that the file was seen standing.

        Args:
            standing: the file of its key stands; one that stood before may not be believed to be
                gone for a plan that was made before it stood.
        """
        charge = self.of(action.key)
        charge.stood = charge.stood or standing
        removal = charge.removal and (standing or not charge.stood or self._permit is None)
        return objection(action, removal=removal, upload=charge.upload)

    def removes(self, key: DocKey) -> bool:
        """Whether nothing but a removal is to be expected of `key`."""
        charge = self.of(key)
        return charge.removal and not charge.stood

    def spent(self, key: DocKey) -> None:
        """Note that what was allowed has been made."""
        self._risks.pop(key, None)

    def rest(self, key: DocKey) -> None:
        """Forget what is behind `key`, and keep what it may do: it comes back."""
        charge = self.of(key)
        charge.tries, charge.asked = 0, False

    def drop(self, key: DocKey) -> None:
        """Forget `key`; where every key may believe the listing, not that this one may not."""
        self._risks.pop(key, None)
        if self._listed and not self.of(key).listed:
            self.rest(key)
        else:
            self._charges.pop(key, None)


# -- What of a plan may be carried out now: everything the guard does not hold back.


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What may be carried out.

    Args:
        actions: all of it, in the plan's order.
        guard: what the guard still holds back.
        permit: what the keys may do.
    """

    actions: tuple[Action, ...]
    guard: Guard
    permit: Permit
    risks: Mapping[DocKey, Risk]

    @property
    def held(self) -> AbstractSet[DocKey]:
        """The keys that are held back."""
        return self.guard.keys if isinstance(self.guard, Halted) else frozenset()

    def harmless(self) -> Cleared:
        """Return only what the guard counts as nothing."""
        actions = tuple(action for action in self.actions if action.key not in self.risks)
        return replace(self, actions=actions, risks={})

    @property
    def moves(self) -> list[Move]:
        """The renames, to be made before anything is sent."""
        return [action for action in self.actions if isinstance(action, Move)]

    @property
    def deletes(self) -> list[DocKey]:
        """Keys that come last."""
        return [action.key for action in self.actions if isinstance(action, Delete)]

    @property
    def others(self) -> list[DocKey]:
        """Keys that come first."""
        return [action.key for action in self.actions if not isinstance(action, Delete)]


def clear(plan: Plan, facts: Facts, guard: Guard, read: AbstractSet[str] = frozenset()) -> Cleared:
    """Return what of `plan` may be carried out.

    Args:
        plan: one mirror's.
        facts: what the guard knew beside the actions.
        guard: what it said.
        read: what somebody agreed to of what it held back.
    """
    decided = released(guard, read)
    held = decided.keys if isinstance(decided, Halted) else frozenset()
    actions = tuple(a for a in plan.actions if a.key not in held or not waits_whole(a))
    risks = ((a.key, facts.risk(a)) for a in actions if a.key not in held)
    return Cleared(
        actions=actions,
        guard=decided,
        permit=permit(actions, facts, held),
        risks={key: risk for key, risk in risks if risk is not None},
    )
