"""What `kbsync explain` wants done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from kbsync.commands.base import Command, CommandContext
from kbsync.planning.explain import explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain(Command):
    """Tell the decision for one file, and why.

    Args:
        mirror: whose file it is.
        path: relative to the source.
        as_json: tell one JSON object.
    """

    verb: ClassVar[str] = "explain"
    mirror: str
    path: str
    as_json: bool = False

    async def run(self, desk: CommandContext) -> int:
        """Do it; nothing is changed."""
        async with desk.opened([self.mirror], rest=False) as opened:
            case, action = await opened.engines[0].explain(self.path)
        explanation = explained(case, action)
        if self.as_json:
            desk.say(json.dumps(explanation.as_json()))
            return 0
        for line in explanation.lines():
            desk.say(line)
        return 0
