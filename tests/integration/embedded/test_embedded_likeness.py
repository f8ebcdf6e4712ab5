"""The embedding, and search by it: semantic, full text, hybrid, and their settings."""

import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from embedded_client import KEYWORD_SEARCH, SEMANTIC, Base, contents, found, high_base, running

from kbsync.embedded.embedding import PLACES, QueryVector, embed

pytestmark = pytest.mark.anyio
TEXTS = {
    "kernel.md": "The kernel schedules threads on the processor with a fair queue.",
    "apple.md": "An apple orchard needs sun, water and patience.",
    "harbour.md": "Ships wait in the harbour until the tide turns and the pilot comes aboard.",
    "release.md": "To publish a release, tag the commit and push the tag to the server.",
    "cjk.md": "地球は太陽の周りを公転しています。月は地球の衛星です。",
    "korean.md": "대한민국의 수도는 서울이다.",
    "accents.md": "Das Öl für die Mühle kommt aus Süßkirschen.",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Base]:
    async with running(tmp_path_factory.mktemp("library") / "store.db") as http:
        base = await high_base(http)
        for name, text in TEXTS.items():
            await base.indexed(name, text)
        yield base


def likeness(query: str, text: str) -> float:
    stored = embed(text)
    assert stored is not None
    return QueryVector(query).likeness(stored)


def test_a_text_is_most_like_itself() -> None:
    for text in TEXTS.values():
        assert likeness(text, text) == pytest.approx(1.0, abs=0.001)
        assert likeness(text.upper(), text) == pytest.approx(1.0, abs=0.001)
        assert all(likeness(text, other) < 0.5 for other in TEXTS.values() if other != text)


def test_word_forms_are_like_each_other_and_common_words_hardly_count() -> None:
    text = "the kernel schedules threads"
    assert likeness("scheduling thread", text) > 0.2 > abs(likeness("boiling egg", text))
    assert likeness("the of and", "the kernel of and") < likeness("kernel", "the kernel of and")


@pytest.mark.parametrize("text", ["", "  \n", "...", "\ufeff", "🚀"])
def test_a_text_without_words_has_no_vector(text: str) -> None:
    assert embed(text) is None
    assert not QueryVector(text)


def test_the_vector_of_a_text_is_the_same_in_every_process() -> None:
    program = (
        "import hashlib, sys; from kbsync.embedded.embedding import embed;"
        "print(hashlib.sha256(embed(sys.argv[1]).places).hexdigest())"
    )
    text = TEXTS["accents.md"] + TEXTS["cjk.md"]
    command = [sys.executable, "-X", "utf8", "-c", program, text]
    others = {
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, text=True, stdout=subprocess.PIPE,
                       check=True).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    stored = embed(text)
    assert stored is not None
    assert len(stored.places) == PLACES
    assert others == {hashlib.sha256(stored.places).hexdigest()}


QUERIES = [
    ("thread scheduling", "kernel.md"),
    ("How does the kernel schedule which of the threads is run next?", "kernel.md"),
    ("publishing releases", "release.md"),
    ("when does the pilot come aboard a waiting ship", "harbour.md"),
    ("太陽", "cjk.md"),
    ("月は何ですか、地球の衛星", "cjk.md"),
    ("수도", "korean.md"),
    ("muhle", "accents.md"),
]


@pytest.mark.parametrize("method", ["semantic_search", "hybrid_search"])
@pytest.mark.parametrize(("query", "name"), QUERIES)
async def test_the_best_chunk_comes_first(
    library: Base, query: str, name: str, method: str
) -> None:
    records = await found(library, query, search_method=method)
    assert contents(records)[0] == TEXTS[name]
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)
    assert 1.0 >= scores[0] > 0.1


async def test_word_forms_are_found_by_likeness_where_words_are_not(library: Base) -> None:
    query = "orchardist"
    assert contents(await found(library, query, top_k=1)) == [TEXTS["apple.md"]]
    assert await found(library, query, search_method="full_text_search") == []


async def test_top_k_and_threshold(library: Base) -> None:
    query = "the kernel, apples, ships and tags"
    for method in ("semantic_search", "hybrid_search"):
        whole = await found(library, query, search_method=method, top_k=10)
        assert len(await found(library, query, search_method=method, top_k=2)) == 2
        least = whole[1]["score"]
        limited = await found(
            library, query, search_method=method, top_k=10,
            score_threshold_enabled=True, score_threshold=least,
        )  # fmt: skip
        assert limited == whole[:2]
        ignored = await found(library, query, search_method=method, top_k=10, score_threshold=0.99)
        assert ignored == whole


async def test_full_text_finds_words_alone(library: Base) -> None:
    records = await found(library, "ships and harbours", search_method="full_text_search")
    assert contents(records) == [TEXTS["harbour.md"]]
    assert records[0]["score"] == 1.0
    assert await found(library, "xylophone", search_method="full_text_search") == []


async def test_a_high_quality_base_has_no_keywords(library: Base) -> None:
    assert await found(library, "kernel", search_method="keyword_search") == []


def weighted(likeness_counts: float, words_count: float, **more: Any) -> dict[str, Any]:
    vector = {"vector_weight": likeness_counts} | more
    weights = {"vector_setting": vector, "keyword_setting": {"keyword_weight": words_count}}
    return {
        "search_method": "hybrid_search",
        "reranking_mode": "weighted_score",
        "weights": weights,
    }


async def test_weights_of_a_hybrid_search(library: Base) -> None:
    query = "kernel orchardist"
    (by_words,) = await found(library, query, **weighted(0.0, 1.0), score_threshold_enabled=True,
                              score_threshold=0.1)  # fmt: skip
    assert (by_words["segment"]["content"], by_words["score"]) == (TEXTS["kernel.md"], 1.0)
    alike = await found(library, query, top_k=1)
    by_likeness = await found(library, query, **weighted(1.0, 0.0), top_k=1)
    assert by_likeness == alike
    halves = await found(library, query, **weighted(0.5, 0.5), top_k=1)
    assert halves[0]["score"] > 0.5
    unsaid = await found(library, query, search_method="hybrid_search", top_k=1)
    assert unsaid == await found(library, query, **weighted(0.7, 0.3), top_k=1)


RERANK = {"reranking_provider_name": "cohere", "reranking_model_name": "rerank"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"reranking_enable": True, "reranking_model": RERANK}, "Provider cohere does not exist."),
    (weighted(0.5, 0.5, embedding_provider_name="nope", embedding_model_name="m"),
     "Provider nope does not exist."),
    (weighted(0.5, 0.5, embedding_provider_name="kbsync", embedding_model_name="m"),
     "Model m credentials is not initialized."),
]  # fmt: skip


@pytest.mark.parametrize(("model", "message"), REFUSED)
async def test_searches_that_need_a_model_which_is_not_here(
    library: Base, model: dict[str, Any], message: str
) -> None:
    body = {"query": "kernel", "retrieval_model": SEMANTIC | model}
    reply = await library.http.post(f"{library.url}/retrieve", json=body)
    assert (reply.status_code, reply.json()["message"]) == (400, message)


async def test_reranking_without_a_model_is_no_reranking(library: Base) -> None:
    empty = {"reranking_provider_name": "", "reranking_model_name": ""}
    for model in ({"reranking_enable": True, "reranking_model": empty},
                  {"reranking_enable": True},
                  {"reranking_model": RERANK}):  # fmt: skip
        assert contents(await found(library, "kernel", **model))[0] == TEXTS["kernel.md"]


@pytest.mark.parametrize("query", ['"', "a AND", "NEAR(a b)", "\\", "   ", "kernel\0", "🚀", "-"])
async def test_no_query_is_an_error(library: Base, query: str) -> None:
    for method in ("semantic_search", "hybrid_search", "full_text_search"):
        records = await found(library, query, search_method=method)
        assert set(contents(records)) <= set(TEXTS.values())


async def test_what_is_switched_off_or_filtered_is_not_found(tmp_path: Path) -> None:
    async with running(tmp_path / "store.db") as http:
        base = await high_base(http)
        made = await http.post(f"{base.url}/metadata", json={"name": "path", "type": "string"})
        ids = {name: await base.indexed(name, TEXTS[name]) for name in ("kernel.md", "apple.md")}
        value = {"id": made.json()["id"], "name": "path", "value": "fruit"}
        row = {"document_id": ids["apple.md"], "metadata_list": [value]}
        await http.post(f"{base.url}/documents/metadata", json={"operation_data": [row]})
        condition = {"name": "path", "comparison_operator": "is", "value": "fruit"}
        for method in ("semantic_search", "hybrid_search", "full_text_search"):
            both = {"search_method": method, "top_k": 9}
            filters = {"logical_operator": "and", "conditions": [condition]}
            query = "kernel apple"
            assert len(await found(base, query, **both)) == 2
            some = await found(base, query, **both, metadata_filtering_conditions=filters)
            assert contents(some) == [TEXTS["apple.md"]]
            for off, on in (("disable", "enable"), ("archive", "un_archive")):
                await base.toggle(off, ids["kernel.md"])
                assert contents(await found(base, query, **both)) == [TEXTS["apple.md"]]
                await base.toggle(on, ids["kernel.md"])


async def test_the_stored_settings_are_used_by_default(tmp_path: Path) -> None:
    async with running(tmp_path / "store.db") as http:
        stored = SEMANTIC | {"top_k": 1, "score_threshold_enabled": True, "score_threshold": 0.2}
        base = await high_base(http, retrieval_model=stored)
        for name in ("kernel.md", "apple.md"):
            await base.indexed(name, TEXTS[name])
        assert len(await found(base, "kernel apple")) == 1
        assert await found(base, "zebra") == []
        await http.patch(base.url, json={"retrieval_model": stored | {"top_k": 5}})
        assert len(await found(base, "kernel apple")) == 2
        body = {"query": "kernel", "retrieval_model": KEYWORD_SEARCH}
        reply = await http.post(f"{base.url}/retrieve", json=body)
        assert reply.json()["records"] == []
