"""Tags of one knowledge base, by name: the API knows them by id (docs/dify-api.md section 9)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kbsync.dify.client import DifyClient
from kbsync.messages import remote as messages
from kbsync.model import Done, Outcome, Rejected

PUT_ON = "put tags on knowledge base"


async def tag_base(
    client: DifyClient, base_id: str, *, on: AbstractSet[str], off: AbstractSet[str]
) -> Outcome[None]:
    """Put the tags `on` on a base, each made when it is missing, and take `off` off it.

    `Rejected` on a server that does not tell the ids of its tags, or has none.
    """
    if on:
        put = await _put_on(client, base_id, on)
        if not isinstance(put, Done):
            return put
    return await _take_off(client, base_id, off) if off else Done(None)


async def _put_on(client: DifyClient, base_id: str, names: AbstractSet[str]) -> Outcome[None]:
    listed = await client.tags.list()
    if not isinstance(listed, Done):
        return listed
    ids = {tag.name: tag.id for tag in listed.value}
    for name in sorted(names - ids.keys()):
        made = await client.tags.create(name)
        if not isinstance(made, Done):
            return made
        if made.value is None:
            return Rejected(messages.TAGS_BROKEN(what=PUT_ON))
        ids[name] = made.value.id
    return await client.tags.bind(base_id, [ids[name] for name in sorted(names)])


async def _take_off(client: DifyClient, base_id: str, names: AbstractSet[str]) -> Outcome[None]:
    listed = await client.bases.tags(base_id)
    if not isinstance(listed, Done):
        return listed
    for tag in listed.value:
        if tag.name in names:
            taken = await client.tags.unbind(base_id, tag.id)
            if not isinstance(taken, Done):
                return taken
    return Done(None)
