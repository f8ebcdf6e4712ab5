"""How far what is followed is, asked for all of it at once.

The first rows of the list, newest first, answer for what was just made. What is not among them is
looked for in lists by status, or by its batch on servers whose lists know no status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from kbsync.engine.context import Context
from kbsync.engine.execute.standstill import TrackedDocument
from kbsync.engine.observe.knowledge_base import base_must_answer, refuse
from kbsync.engine.observe.remote_state import A_PAGE
from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    Capability,
    DocKey,
    DocumentPage,
    Done,
    Gone,
    LedgerEntry,
    Progress,
    Readiness,
    RemoteDocument,
)

# So many are asked for one by one: that is cheaper than a list for each status.
FEW = 3
# What is being sent meanwhile comes first in the list: a row for each, and some for other writers.
MORE_ROWS = 10
UNFINISHED = (("queuing", Readiness.WAITING), ("indexing", Readiness.INDEXING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """What one poll said.

    Args:
        rows: documents as they are listed, by id.
        busy: what is known not to be indexed yet, by id; it needs no look of its own.
    """

    rows: Mapping[str, RemoteDocument] = field(default_factory=dict)
    busy: Mapping[str, Readiness] = field(default_factory=dict)


async def statuses(context: Context, tracked: Mapping[DocKey, TrackedDocument]) -> Statuses:
    """Return what is known of `tracked` without asking for each of them.

    Raises:
        Problem: the server could not be asked.
    """
    if context.base_id is None:
        return Statuses()
    rows = await _newest(context, context.base_id, tracked)
    if len(tracked) <= FEW:  # how far each of them is, is asked for anyhow
        return Statuses(rows=rows)
    busy = {each.id: each.readiness for each in rows.values() if each.readiness.busy}
    missing = {key: each for key, each in tracked.items() if each.document_id not in rows}
    if len(missing) > FEW:
        busy |= await _unfinished(context, context.base_id, missing)
    return Statuses(rows=rows, busy=busy)


async def progress_of(context: Context, entry: LedgerEntry) -> Progress | None:
    """Return how many chunks of the document of `entry` are done, None where no answer says so."""
    if entry.batch is None:
        return None
    base_id = context.base_id or ""
    outcome = await context.remote.progress(base_id, entry.document_id, entry.batch)
    return outcome.value if isinstance(outcome, Done) else None


async def chunks_of(context: Context, entry: LedgerEntry) -> Progress | None:
    """Return how many chunks a document has that came to its end.

    None where its upload has no batch any more, as one that was written over has none. A 404 says
    so when it is given again once the base has answered: of a base that is away for a moment
    nothing is known.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    if entry.batch is None:
        return None
    for base_answered in (False, True):
        base_id = context.base_id or ""
        outcome = await context.remote.progress(base_id, entry.document_id, entry.batch)
        match outcome:
            case Done(value=progress):
                return progress
            case Gone():
                if not base_answered:
                    await base_must_answer(context)
            case _:
                refuse(context.mirror, "asking how many chunks a document has", outcome)
    return None


async def _newest(
    context: Context, base_id: str, tracked: Mapping[DocKey, TrackedDocument]
) -> Mapping[str, RemoteDocument]:
    """Return the rows of what was made since the pool began, as far as they are the newest."""
    made = {each.document_id for each in tracked.values() if each.made}
    if len(made) < 2:
        return {}
    rows = min(A_PAGE, len(made) + MORE_ROWS)
    page = await _page(context, base_id, 1, rows=rows)
    return {each.id: each for each in page.documents if each.id in made}


async def _unfinished(
    context: Context, base_id: str, missing: Mapping[DocKey, TrackedDocument]
) -> Mapping[str, Readiness]:
    if Capability.LIST_BY_STATUS not in context.remote.capabilities:
        return await _busy_by_batch(context, missing)
    found: dict[str, Readiness] = {}
    for status, readiness in UNFINISHED:
        found |= dict.fromkeys(await _all_with(context, base_id, status), readiness)
    return found


async def _busy_by_batch(
    context: Context, missing: Mapping[DocKey, TrackedDocument]
) -> Mapping[str, Readiness]:
    """Return the documents whose batch says that they are in progress."""
    found: dict[str, Readiness] = {}
    for key, tracked in missing.items():
        entry = context.ledger.entry(key)
        progress = await progress_of(context, entry) if entry else None
        if progress is not None and progress.readiness.busy:
            found[tracked.document_id] = progress.readiness
    return found


async def _all_with(context: Context, base_id: str, status: str) -> set[str]:
    ids: set[str] = set()
    number = 1
    while True:
        page = await _page(context, base_id, number, status=status)
        ids.update(document.id for document in page.documents)
        if not page.documents or number * A_PAGE >= page.total:
            return ids
        number += 1


async def _page(
    context: Context, base_id: str, number: int, *, status: str | None = None, rows: int = A_PAGE
) -> DocumentPage:
    outcome = await context.remote.page(base_id, number, status=status, rows=rows)
    if isinstance(outcome, Done):
        return outcome.value
    refuse(context.mirror, "asking what is being indexed", outcome)
