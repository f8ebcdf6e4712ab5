"""Calls about knowledge bases (docs/dify-api.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsync.dify.capabilities import Alternatives
from kbsync.dify.http import Exchange, mapped
from kbsync.dify.paging import PAGE_LIMIT, page_params, row_of, rows_named
from kbsync.dify.request import Subject, read, write
from kbsync.dify.schemas import KnowledgeBaseRow, ListPage, Many, Tag
from kbsync.model import Capability, Done, Outcome


class KnowledgeBases:
    """Every call returns an `Outcome`; an unknown id is `Gone`."""

    def __init__(self, exchange: Exchange, alternatives: Alternatives) -> None:
        self._exchange = exchange
        self._alternatives = alternatives

    async def create(
        self,
        name: str,
        *,
        description: str | None = None,
        technique: str | None = None,
        permission: str | None = None,
        provider: str | None = None,
        embedding_model: str | None = None,
        embedding_provider: str | None = None,
        retrieval: Mapping[str, object] | None = None,
        external: Mapping[str, str] | None = None,
    ) -> Outcome[KnowledgeBaseRow]:
        """Make one. None leaves a choice to the server (permission: ``only_me``).

        Args:
            name: 1 to 40 code points, not trimmed; a taken one is `Rejected`.
            technique: ``economy`` or ``high_quality``.
            external: ``external_knowledge_id`` and ``external_knowledge_api_id``.
        """
        body = _given(
            name=name,
            description=description,
            indexing_technique=technique,
            permission=permission,
            provider=provider,
            embedding_model=embedding_model,
            embedding_model_provider=embedding_provider,
            retrieval_model=retrieval,
            **(external or {}),
        )
        call = write("make knowledge base", Subject.BASE, "POST", "datasets")
        made = await self._exchange.ask(call, KnowledgeBaseRow, json=body)
        if isinstance(made, Done):
            self._alternatives.learn(made.value)
        return made

    async def list(
        self,
        *,
        page: int = 1,
        limit: int = PAGE_LIMIT,
        keyword: str = "",
        all_members: bool = True,
    ) -> Outcome[ListPage[KnowledgeBaseRow]]:
        """Return one page, newest first.

        Args:
            limit: at most 100 is sent: more would silently truncate (docs/dify-api.md 1.4).
            keyword: part of the name, whatever its case.
            all_members: also the ``only_me`` bases of other members.
        """
        params = page_params(page, limit, keyword)
        if all_members:
            params["include_all"] = "true"
        call = read("list knowledge bases", Subject.BASE, "datasets")
        listed = await self._exchange.ask(call, ListPage[KnowledgeBaseRow], params=params)
        if isinstance(listed, Done):
            self._alternatives.learn(*listed.value.rows)
        return listed

    async def named(self, name: str) -> Outcome[tuple[KnowledgeBaseRow, ...]]:
        """Return every base of exactly this name, those of other members too."""
        return await rows_named(name, lambda page: self.list(page=page, keyword=name))

    async def get(self, base_id: str) -> Outcome[KnowledgeBaseRow]:
        """Return one by id; on a server that cannot get one, its row of the list."""
        call = read("get knowledge base", Subject.BASE, "datasets", base_id)
        return await self._alternatives.choose(
            Capability.GET_BASE,
            lambda: self._exchange.ask(call, KnowledgeBaseRow),
            lambda: row_of(base_id, lambda page: self.list(page=page)),
        )

    async def change(
        self, base_id: str, changes: Mapping[str, object]
    ) -> Outcome[KnowledgeBaseRow]:
        """Change some properties, by the API's own names (docs/dify-api.md section 3, PATCH)."""
        call = write("change knowledge base", Subject.BASE, "PATCH", "datasets", base_id)
        return await self._alternatives.require(
            Capability.GET_BASE,
            call.what,
            lambda: self._exchange.ask(call, KnowledgeBaseRow, json=dict(changes)),
        )

    async def delete(self, base_id: str) -> Outcome[None]:
        """Delete one with everything in it; the server does not ask back."""
        call = write("delete knowledge base", Subject.BASE, "DELETE", "datasets", base_id)
        return await self._alternatives.require(
            Capability.DELETE_BASE, call.what, lambda: self._exchange.tell(call)
        )

    async def tags(self, base_id: str) -> Outcome[Sequence[Tag]]:
        """Return the tags of one."""
        call = read("list tags of knowledge base", Subject.TAG, "datasets", base_id, "tags")
        found = await self._alternatives.require(
            Capability.TAGS, call.what, lambda: self._exchange.ask(call, Many[Tag])
        )
        return mapped(found, lambda many: many.rows)


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
