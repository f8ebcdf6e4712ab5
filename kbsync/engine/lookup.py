"""What a base holds, asked for by id: documents, in as few requests as it takes, and fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kbsync.engine.bases import base_must_answer, refuse
from kbsync.engine.mirror import World
from kbsync.model import Done, Gone, Rejected, RemoteDocument

A_PAGE = 100
FEW = 3


async def documents(world: World, ids: Collection[str]) -> dict[str, RemoteDocument]:
    """Return the documents of `ids` that are there, by id.

    List pages are read, newest documents first, while they are fewer requests than one for each
    document; the rest is asked for by id, which alone proves absence.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    found: dict[str, RemoteDocument] = {}
    number, left = 1, 1
    while left > 0 and len(ids) - len(found) > max(FEW, left):
        page = await world.remote.page(world.base_id or "", number)
        if not isinstance(page, Done):
            refuse(world.mirror, "reading documents", page)
        found |= {each.id: each for each in page.value.documents if each.id in ids}
        left = -(-page.value.total // A_PAGE) - number
        number += 1
    for document_id in sorted(set(ids) - found.keys()):
        document = await document_by_id(world, document_id)
        if document is not None:
            found[document_id] = document
    return found


async def document_by_id(world: World, document_id: str) -> RemoteDocument | None:
    """Return the document, None when it is gone.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    outcome = await world.remote.document(world.base_id or "", document_id)
    match outcome:
        case Done(value=document):
            return document
        case Gone():
            await base_must_answer(world)
            return None
    refuse(world.mirror, "reading a document", outcome)


async def metadata_fields(world: World) -> Mapping[str, str] | None:
    """Return the ids of the base's metadata fields by name.

    None without a base, and when the server has no metadata: its documents carry no marks.

    Raises:
        Problem: the server could not be asked.
    """
    if world.base_id is None:
        return None
    outcome = await world.remote.fields(world.base_id)
    match outcome:
        case Done(value=fields):
            return fields
        case Rejected() if not world.remote.capabilities.metadata:
            return None
    refuse(world.mirror, "listing metadata fields", outcome)
