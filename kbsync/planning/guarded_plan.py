"""What of a plan may be carried out now: everything the guard does not hold back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kbsync.lazy_dataclass import dataclass
from kbsync.model import Action, Adopt, Create, Delete, DocKey, Guard, Halted, Move, Trash, Update
from kbsync.planning.guard import Facts, Risk, released, waits_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedPlan:
    """The part of a plan that may be carried out.

    Args:
        actions: in the plan's order.
        guard: what the guard still holds back.
        risks: the keys that may be removed or embedded again, and what the guard counted them as.
        uploads: keys whose file may be uploaded although it did not change.
    """

    actions: tuple[Action, ...]
    guard: Guard
    risks: Mapping[DocKey, Risk]
    uploads: AbstractSet[DocKey]

    @property
    def removals(self) -> AbstractSet[DocKey]:
        """The keys whose document may be removed."""
        return {key for key, risk in self.risks.items() if risk is Risk.REMOVES}

    @property
    def overwrites(self) -> AbstractSet[DocKey]:
        """The keys that may be sent although a mount is missing above them: a person said so."""
        return {key for key, risk in self.risks.items() if risk is Risk.OVERWRITES}

    @property
    def held(self) -> AbstractSet[DocKey]:
        """The keys that are held back."""
        return self.guard.keys if isinstance(self.guard, Halted) else frozenset()

    @property
    def moves(self) -> list[Move]:
        """The renames, to be made before anything is sent."""
        return [action for action in self.actions if isinstance(action, Move)]

    @property
    def deletes(self) -> list[DocKey]:
        """The keys to be worked on last."""
        return [action.key for action in self.actions if isinstance(action, Delete | Trash)]

    @property
    def others(self) -> list[DocKey]:
        """The keys to be worked on first."""
        return [action.key for action in self.actions if not isinstance(action, Delete | Trash)]

    def harmless(self) -> GuardedPlan:
        """Return only the actions that the guard does not count."""
        actions = tuple(action for action in self.actions if action.key not in self.risks)
        return replace(self, actions=actions, risks={})


def guarded_plan(
    actions: Iterable[Action],
    facts: Facts,
    guard: Guard,
    read: AbstractSet[str] = frozenset(),
) -> GuardedPlan:
    """Return what of `actions` may be carried out.

    Args:
        actions: one mirror's plan.
        facts: what the guard knew beside the actions.
        guard: what it decided.
        read: the held-back changes that were released.
    """
    decided = released(guard, read)
    held = decided.keys if isinstance(decided, Halted) else frozenset[DocKey]()
    # A held key with an indexing document is still followed; only its removal waits.
    passed = tuple(a for a in actions if a.key not in held or not waits_whole(a))
    free = [action for action in passed if action.key not in held]
    risks = ((action.key, facts.risk(action)) for action in free)
    return GuardedPlan(
        actions=passed,
        guard=decided,
        risks={key: risk for key, risk in risks if risk is not None},
        uploads={action.key for action in free if _uploads(facts, action)},
    )


def _uploads(facts: Facts, action: Action) -> bool:
    """Whether `action` sends the key's file anyway, or leads to it."""
    return isinstance(facts.ahead(action), Create | Update | Adopt)
