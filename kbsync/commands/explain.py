"""`kbsync explain PATH`: the decision for one file, and why."""

from __future__ import annotations

import json
from typing import Any

from kbsync.app import build
from kbsync.commands.base import CommandContext
from kbsync.commands.writing_verbs import Explain
from kbsync.config import Settings
from kbsync.messages import Exit, Problem
from kbsync.messages import command as say
from kbsync.planning.explain import explained, unheard_of


def prepared(settings: Settings, typed: dict[str, Any]) -> Explain:
    """Find the mirror that has the path: it is relative to where the verb was typed."""
    mirror, path = build.owner_of(settings, typed["path"], typed["mirror"])
    return Explain(**{**typed, "mirror": mirror, "path": path})


async def explain(command: Explain, context: CommandContext) -> int:
    """Explain one path; nothing is changed.

    Raises:
        Problem: nothing is known of it on any side.
    """
    # The controller goes on: nothing is written, and what it does is what is to be explained.
    async with context.opened([command.mirror], suspend=False) as opened:
        case, action = await opened.engines[0].explain(command.path)
    if unheard_of(case):
        raise Problem(say.NOTHING_KNOWN(path=command.path, mirror=command.mirror))
    explanation = explained(case, action)
    if command.as_json:
        context.say(json.dumps(explanation.as_json()))
        return Exit.OK
    for line in explanation.lines():
        context.say(line)
    return Exit.OK
