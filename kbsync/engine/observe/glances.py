"""A look into new files before they are in a plan: what cannot be sent is known without sending."""

from __future__ import annotations

from collections.abc import Iterable

import anyio.to_thread

from kbsync.engine.ports import Source
from kbsync.model import Action, Cause, Create, Hold, Skipped, Unknown, Update


async def glanced(source: Source, actions: Iterable[Action]) -> tuple[list[Action], list[Skipped]]:
    """Look into the files of new documents.

    Returns:
        `actions`, with a Hold for each new document whose file cannot be sent as it is, and
        without those whose file is skipped; and those files.
    """

    def work() -> list[Action | Skipped]:
        return [_glanced(source, each) for each in actions]

    found = await anyio.to_thread.run_sync(work)
    skipped = [each for each in found if isinstance(each, Skipped)]
    return [each for each in found if not isinstance(each, Skipped)], skipped


async def losing(source: Source, actions: Iterable[Action]) -> list[str]:
    """Return the paths of files that are sent because they are new or changed, and lose text."""

    def work() -> list[str]:
        sent = (each for each in actions if isinstance(each, Create | Update))
        return [each.key.path for each in sent if source.loses_text(each.key.path)]

    return await anyio.to_thread.run_sync(work)


def _glanced(source: Source, action: Action) -> Action | Skipped:
    if not isinstance(action, Create):
        return action
    state = source.glance(action.key.path)
    if isinstance(state, Skipped):
        return state
    if not isinstance(state, Unknown):
        return action
    return Hold(key=action.key, row="T1", cause=Cause.UNREADABLE, why=state.why)
