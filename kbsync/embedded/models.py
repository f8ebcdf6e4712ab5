"""The models of this server: one for embeddings, hashed words (docs/dify-api.md section 11)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .embedding import PLACES
from .replies import InternalFaultError, JsonReply, invalid
from .request_models import RetrievalModel

if TYPE_CHECKING:
    from .endpoint_call import EndpointCall
    from .quirks import Quirks

PROVIDER: Final = "kbsync"
MODEL: Final = "hashed-words"
EMBEDDING: Final = "text-embedding"
KINDS: Final = frozenset(
    {"llm", EMBEDDING, "rerank", "speech2text", "moderation", "tts"}
    | {"text-generation", "embeddings", "reranking"}
)
_PLUGIN_DAEMON: Final = "Failed to request plugin daemon, url: plugin/{}/management/models"


def listing(call: EndpointCall) -> JsonReply:
    """GET /workspaces/current/models/model-types/{type}."""
    kind = call.path["type"]
    if kind not in KINDS:
        raise invalid(call.profile.unknown_model_type.format(kind))
    need_plugin_daemon(call)
    ours = kind in {EMBEDDING, "embeddings"} and available(call.server.quirks)
    return JsonReply({"data": [_provider(call.server.store.tenant)] if ours else []})


def available(quirks: Quirks) -> bool:
    """Whether there is a model for embeddings; no other kind of model is here at all."""
    return "no-models" not in quirks


def need_plugin_daemon(call: EndpointCall) -> None:
    """Refuse what a real server cannot answer while its plugin daemon is away."""
    if "plugin-daemon-away" in call.server.quirks:
        raise invalid(_PLUGIN_DAEMON.format(call.server.store.tenant))


def check(quirks: Quirks, provider: object, model: object) -> None:
    """Refuse an embedding model that a request names and this server has not (section 4.4)."""
    if not provider:
        return
    if not model:
        raise InternalFaultError
    _need(quirks, provider, model, EMBEDDING)


def embedding_model(quirks: Quirks, provider: object, model: object) -> tuple[str, str]:
    """The provider and model of a base that becomes high quality: as named, or the default."""
    check(quirks, provider, model)
    if not available(quirks):
        raise invalid(f"Default model not found for {EMBEDDING}")
    return PROVIDER, MODEL


def check_retrieval(quirks: Quirks, model: RetrievalModel | None) -> None:
    """Refuse a retrieval model that names a reranking model: there is none here."""
    if model is not None:
        check_reranking(quirks, model.model_dump().get("reranking_model"))


def check_reranking(quirks: Quirks, named: object) -> None:
    """Refuse a reranking model that is named in full; half a name counts as none."""
    if not isinstance(named, Mapping):
        return
    provider, model = named.get("reranking_provider_name"), named.get("reranking_model_name")
    if provider and model:
        _need(quirks, provider, model, "rerank")


def check_base(quirks: Quirks, base: sqlite3.Row) -> None:
    """Refuse to work with a high-quality base whose model the server has no more (section 7)."""
    if base["technique"] == "high_quality":
        _need(quirks, base["embedding_provider"], base["embedding_model"], EMBEDDING)


def _need(quirks: Quirks, provider: object, model: object, kind: str) -> None:
    if provider != PROVIDER or not available(quirks):
        raise invalid(f"Provider {provider} does not exist.")
    if (model, kind) != (MODEL, EMBEDDING):
        raise invalid(f"Model {model} credentials is not initialized.")


def _provider(tenant: str) -> dict[str, object]:
    return {
        "tenant_id": tenant,
        "provider": PROVIDER,
        "label": _label("kbsync"),
        "icon_small": None,
        "icon_small_dark": None,
        "status": "active",
        "models": [
            {
                "model": MODEL,
                "label": _label("Hashed words: likeness of words, not of meaning"),
                "model_type": EMBEDDING,
                "features": None,
                "fetch_from": "predefined-model",
                "model_properties": {"embedding_dimensions": PLACES},
                "deprecated": False,
                "status": "active",
                "load_balancing_enabled": False,
                "has_invalid_load_balancing_configs": False,
            }
        ],
    }


def _label(text: str) -> dict[str, str]:
    return {"zh_Hans": text, "en_US": text}
