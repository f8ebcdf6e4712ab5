"""What of a plan may be carried out now: everything the guard does not hold back."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from kbsync.model import Action, Delete, DocKey, Guard, Halted, Move
from kbsync.planning.guard import Facts, Permit, Risk, permit, released, waits_whole
from kbsync.planning.plan import Plan


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
