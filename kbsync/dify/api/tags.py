"""Calls about tags, as far as servers have them working (docs/dify-api.md section 9)."""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.dify.capabilities import Alternatives
from kbsync.dify.http import Exchange
from kbsync.dify.reading import M
from kbsync.dify.request import ApiCall, Subject, read, write
from kbsync.dify.schemas import Tag, TagArray
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Capability, Done, Failure, Outcome, Rejected

# 1.12.1 makes or renames the tag and then stumbles over its own reply.
STUMBLE = "binding_count"


class Tags:
    """The tags of the workspace."""

    def __init__(self, exchange: Exchange, alternatives: Alternatives) -> None:
        self._exchange = exchange
        self._alternatives = alternatives

    async def _ask(self, call: ApiCall, shape: type[M], *, json: object = None) -> Outcome[M]:
        return await self._alternatives.require(
            Capability.TAGS, call.what, lambda: self._exchange.ask(call, shape, json=json)
        )

    async def _tell(self, call: ApiCall, *, json: object) -> Outcome[None]:
        return await self._alternatives.require(
            Capability.TAGS, call.what, lambda: self._exchange.tell(call, json=json)
        )

    async def list(self) -> Outcome[Sequence[Tag]]:
        """Return all tags; `Rejected` on servers that cannot list them."""
        call = read("list tags", Subject.TAG, "datasets", "tags")
        reply = await self._ask(call, TagArray)
        if isinstance(reply, Done):
            return Done(reply.value.root)
        return Rejected(messages.TAGS_BROKEN(what=call.what)) if _stumbled(reply) else reply

    async def create(self, name: str) -> Outcome[Tag | None]:
        """Make a tag; None when it was made but the server could not tell its id."""
        return await self._named(
            write("make tag", Subject.TAG, "POST", "datasets", "tags"), {"name": name}
        )

    async def rename(self, tag_id: str, name: str) -> Outcome[Tag | None]:
        """Rename a tag; None when it was done but the server could not tell."""
        call = write("rename tag", Subject.TAG, "PATCH", "datasets", "tags")
        return await self._named(call, {"name": name, "tag_id": tag_id})

    async def _named(self, call: ApiCall, body: dict[str, str]) -> Outcome[Tag | None]:
        outcome = await self._ask(call, Tag, json=body)
        if isinstance(outcome, Done):
            return Done(outcome.value)
        return Done(None) if _stumbled(outcome) else outcome

    async def delete(self, tag_id: str) -> Outcome[None]:
        """Delete a tag."""
        call = write("delete tag", Subject.TAG, "DELETE", "datasets", "tags")
        return await self._tell(call, json={"tag_id": tag_id})

    async def bind(self, base_id: str, tag_ids: Sequence[str]) -> Outcome[None]:
        """Put tags on a knowledge base."""
        call = write("bind tags", Subject.TAG, "POST", "datasets", "tags", "binding")
        return await self._tell(call, json={"tag_ids": list(tag_ids), "target_id": base_id})

    async def unbind(self, base_id: str, tag_id: str) -> Outcome[None]:
        """Take a tag off a knowledge base."""
        call = write("unbind tag", Subject.TAG, "POST", "datasets", "tags", "unbinding")
        return await self._tell(call, json={"tag_id": tag_id, "target_id": base_id})


def _stumbled(outcome: Failure) -> bool:
    match outcome:
        case Rejected(why=Notice(words=words)):
            return STUMBLE in words.get("words", "")
        case _:
            return False
