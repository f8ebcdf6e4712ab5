"""What a saved plan promised to send: hashed when it is saved, and again before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import anyio.from_thread
import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.observe.content_check import ContentCheck
from kbsync.messages import Notice
from kbsync.messages import guard as say
from kbsync.model import Action, Create, DocKey, Present, Update


async def hashes_to_send(check: ContentCheck, actions: Iterable[Action]) -> Mapping[DocKey, str]:
    """Read the files that `actions` would send; return what each holds, as sha256 (hex).

    A file that cannot be read, or is not as it was planned, is left out.

    Args:
        check: of the mirror.
        actions: of its plan.
    """
    uploads = [action for action in actions if isinstance(action, Create | Update)]
    hashes: dict[DocKey, str] = {}

    def work() -> None:
        for action in uploads:
            anyio.from_thread.check_cancelled()
            state = check.fresh(action.key)
            if isinstance(state, Present) and state.content and state.stat.agrees(action.stat):
                hashes[state.key] = state.content

    await anyio.to_thread.run_sync(work)
    return hashes


async def broken_promise(context: Context, key: DocKey) -> Notice | None:
    """Return why the file of `key` is not sent: it does not hold what was agreed to."""
    promised = context.promised.get(key)
    if promised is None:
        return None
    check = ContentCheck(
        context.mirror.name,
        context.mirror.source,
        context.ledger,
        context.mirror.document_rules,
    )
    now = await anyio.to_thread.run_sync(check.fresh, key)
    if isinstance(now, Present) and now.content == promised:
        return None
    return say.NOT_AS_PLANNED(path=key.path)
