"""Search in a knowledge base, and the models a server has (docs/dify-api.md sections 10, 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsync.dify.capabilities import Alternatives
from kbsync.dify.http import Exchange, mapped
from kbsync.dify.request import Subject, read
from kbsync.dify.schemas import Hit, KnowledgeBaseRow, Many, ModelProvider
from kbsync.model import Capability, Outcome


def by_keyword(top_k: int = 3) -> Mapping[str, object]:
    """Return the retrieval model an economy base needs in every search."""
    return {
        "search_method": "keyword_search",
        "reranking_enable": False,
        "top_k": top_k,
        "score_threshold_enabled": False,
    }


def by_meaning(top_k: int) -> Mapping[str, object]:
    """Return the retrieval model that a search by meaning takes, whatever the base prefers."""
    return {**by_keyword(top_k), "search_method": "semantic_search"}


def as_the_base_is(
    base: KnowledgeBaseRow, top: int, method: str | None = None
) -> Mapping[str, object]:
    """Return the retrieval model that a base is made for: an economy base knows keywords alone.

    Args:
        base: where is searched.
        top: how many chunks.
        method: the server's word for how; None leaves it to the base.
    """
    if method is not None:
        return {**by_keyword(top), "search_method": method}
    if base.technique != "high_quality":
        return by_keyword(top)
    # The base's own settings win over ours, but for the number of chunks.
    return {**by_keyword(), "search_method": "semantic_search", **base.retrieval, "top_k": top}


def having(field: str, value: str) -> Mapping[str, object]:
    """Return the condition that lets only documents through whose metadata has that value."""
    condition = {"name": field, "comparison_operator": "is", "value": value}
    return {"logical_operator": "and", "conditions": [condition]}


class Search:
    """What an application would find."""

    def __init__(self, exchange: Exchange, alternatives: Alternatives) -> None:
        self._exchange = exchange
        self._alternatives = alternatives

    async def retrieve(
        self, base_id: str, query: str, retrieval: Mapping[str, object] | None = None
    ) -> Outcome[Sequence[Hit]]:
        """Return the hits for `query`, best first.

        Args:
            query: 1 to 250 characters.
            retrieval: a whole retrieval model; None takes the base's own, which for an economy
                base may be semantic and find nothing.
        """
        path = ("datasets", base_id, "retrieve")
        call = read("search", Subject.SEARCH, *path, method="POST")
        body: dict[str, object] = {"query": query}
        if retrieval is not None:
            body["retrieval_model"] = dict(retrieval)
        hits = await self._alternatives.require(
            Capability.SEARCH,
            call.what,
            lambda: self._exchange.ask(call, Many[Hit], json=body),
        )
        return mapped(hits, lambda many: many.rows)

    async def models(self, kind: str = "text-embedding") -> Outcome[Sequence[ModelProvider]]:
        """Return the providers of models of a kind: ``text-embedding``, ``rerank``, ``llm``."""
        path = ("workspaces", "current", "models", "model-types", kind)
        call = read("list models", Subject.MODEL, *path)
        return mapped(await self._exchange.ask(call, Many[ModelProvider]), lambda many: many.rows)
