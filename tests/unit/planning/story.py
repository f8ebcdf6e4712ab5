"""One story of the truth table: what stood where, and what the design says to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Story:
    """One case of a row of the design's table.

    Args:
        row: the row the design names.
        description: what happened, in a sentence.
        given: the words of the case, as `stories.case` takes them.
        action: the type of the action.
        cause: an action's cause, or what a Hold or Conflict says: a message, or a whole notice.
        also: other attributes the action has.
    """

    row: str
    description: str
    given: Mapping[str, Any]
    action: type
    cause: object = None
    also: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.row}: {self.description}"
