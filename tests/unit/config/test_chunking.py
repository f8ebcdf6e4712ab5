"""The chunking section, as it reaches the server and as it is fingerprinted."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kbsync.config.chunking import ChunkingSection, Reranking, Retrieval, settings_hash
from kbsync.engine.ports import Chunking

PLAIN = "b2aefb8c5885cc07de3fcbcaf6b5e387b09b55d7e6f454a73330ee2cc9e2fbdd"


def hashed(convert: str = "utf-8", **keys: object) -> str:
    return settings_hash(ChunkingSection.model_validate(keys).declared(), convert)


def test_automatic() -> None:
    assert ChunkingSection().declared() == Chunking(
        process_rule={"mode": "automatic"},
        retrieval={
            "search_method": "keyword_search",
            "reranking_enable": False,
            "top_k": 3,
            "score_threshold_enabled": False,
        },
    )


def test_custom() -> None:
    section = ChunkingSection(mode="custom", separator="\n", remove_urls_emails=True, form="qa")
    declared = section.declared()
    assert declared.form == "qa_model"
    assert declared.process_rule == {
        "mode": "custom",
        "rules": {
            "pre_processing_rules": [
                {"id": "remove_extra_spaces", "enabled": True},
                {"id": "remove_urls_emails", "enabled": True},
            ],
            "segmentation": {"separator": "\n", "max_tokens": 500, "chunk_overlap": 50},
        },
    }


def test_hierarchical() -> None:
    section = ChunkingSection(mode="hierarchical", indexing_technique="high_quality")
    declared = section.declared()
    rules = declared.process_rule["rules"]
    assert isinstance(rules, dict)
    assert (declared.form, declared.technique) == ("hierarchical_model", "high_quality")
    assert rules["parent_mode"] == "paragraph"
    assert rules["subchunk_segmentation"] == {
        "separator": "\n",
        "max_tokens": 200,
        "chunk_overlap": 0,
    }
    assert declared.retrieval is None


def test_retrieval() -> None:
    reranking = Reranking(provider="p", model="m")
    retrieval = Retrieval(search_method="hybrid_search", score_threshold=0.5, reranking=reranking)
    assert retrieval.wire() == {
        "search_method": "hybrid_search",
        "reranking_enable": True,
        "reranking_model": {"reranking_provider_name": "p", "reranking_model_name": "m"},
        "top_k": 3,
        "score_threshold_enabled": True,
        "score_threshold": 0.5,
    }


def test_the_hash_is_pinned() -> None:
    # A new value here uploads every document of every installation again.
    assert hashed() == PLAIN


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_hash_is_the_same_in_every_process(seed: str) -> None:
    program = (
        "from kbsync.config.chunking import ChunkingSection, settings_hash\n"
        "print(settings_hash(ChunkingSection().declared(), 'utf-8'))"
    )
    environ = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == PLAIN


@pytest.mark.parametrize(
    "keys",
    [
        {"convert": "none"},
        {"language": "French"},
        {"form": "qa"},
        {"mode": "custom"},
        {"mode": "custom", "max_tokens": 400},
        {"mode": "custom", "separator": "\n"},
        {"mode": "custom", "chunk_overlap": 0},
        {"mode": "custom", "remove_extra_spaces": False},
        {"mode": "hierarchical"},
        {"mode": "hierarchical", "parent_mode": "full-doc"},
        {"mode": "hierarchical", "subchunks": {"max_tokens": 100}},
    ],
)
def test_what_shapes_chunks_is_in_the_hash(keys: dict[str, object]) -> None:
    mode = {"mode": keys["mode"]} if len(keys) > 1 else {}
    assert hashed(**keys) != hashed(**mode)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys",
    [
        {"indexing_technique": "high_quality"},
        {"indexing_technique": "high_quality", "embedding_model": "m", "embedding_provider": "p"},
        {"retrieval": {"search_method": "keyword_search", "top_k": 9}},
    ],
)
def test_what_belongs_to_the_base_is_not(keys: dict[str, object]) -> None:
    assert hashed(**keys) == PLAIN  # type: ignore[arg-type]
