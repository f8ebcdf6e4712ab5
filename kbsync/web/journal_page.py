"""The journal, the newest line first, with a filter."""

from __future__ import annotations

import time
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from kbsync.config.types import seconds_of
from kbsync.ledger.folder_rows import JournalFilter
from kbsync.web.rendering import url
from kbsync.web.site import Site, asked, asked_number

A_PAGE = 100
ACTIONS = (
    *("create", "update", "index", "move", "delete", "trash", "restore", "switch"),
    *("set_metadata", "adopt", "forget", "set_base"),
)


async def journal_page(site: Site, request: Request) -> Response:
    """Answer with the lines that the URL asks for."""
    chosen = {key: asked(request, key) for key in ("mirror", "action", "path", "since", "failed")}
    back = seconds_of(chosen["since"]) if chosen["since"] else None
    wanted = JournalFilter(
        mirror=chosen["mirror"],
        action=chosen["action"],
        path=chosen["path"],
        since=time.time() - back if back else 0.0,
        failed=bool(chosen["failed"]),
    )
    before = asked_number(request, "before")
    reading = partial(site.rows.journal, wanted, before=before, limit=A_PAGE)
    lines, following = await anyio.to_thread.run_sync(reading)
    return site.page(
        request,
        "journal.html",
        lines=lines,
        chosen=chosen,
        misread=bool(chosen["since"]) and back is None,
        actions=ACTIONS,
        more=url("journal", **chosen, before=following) if following is not None else "",
    )
