"""Models: there are none, and files are not given back (docs/dify-api.md sections 2 and 11)."""

from __future__ import annotations

from typing import Final

from .call import Call
from .envelope import Reply, invalid, reply, unauthorized
from .knowledge_bases import need_plugin_daemon

TYPES: Final = frozenset(
    {"llm", "text-embedding", "rerank", "speech2text", "moderation", "tts"}
    | {"text-generation", "embeddings", "reranking"}
)


def listing(call: Call) -> Reply:
    """GET /workspaces/current/models/model-types/{type}."""
    kind = call.path["type"]
    if kind not in TYPES:
        raise invalid(f"invalid origin model type {kind}")
    need_plugin_daemon(call)
    return reply({"data": []})


def file_preview(call: Call) -> Reply:
    """GET /files/{id}/preview: no key of a knowledge base opens it."""
    del call
    raise unauthorized("Access token is invalid")
