"""A look into new files before they are in a plan: what cannot be sent is known without sending."""

from __future__ import annotations

from collections.abc import Iterable

import anyio.to_thread

from kbsync.engine.ports import Source
from kbsync.model import Action, Cause, Create, Hold, Unknown


async def glanced(source: Source, actions: Iterable[Action]) -> list[Action]:
    """Return `actions` with a Hold for each new document whose file cannot be sent as it is."""
    return await anyio.to_thread.run_sync(lambda: [_glanced(source, each) for each in actions])


def _glanced(source: Source, action: Action) -> Action:
    if not isinstance(action, Create):
        return action
    state = source.glance(action.key.path)
    if not isinstance(state, Unknown):
        return action
    return Hold(key=action.key, row="T1", cause=Cause.UNREADABLE, why=state.why)
