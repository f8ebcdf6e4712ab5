"""High quality: bases with an embedding model, hierarchical documents, changes of the technique."""

import sqlite3
from pathlib import Path
from typing import Any

import anyio
import pytest
from embedded_client import (
    AUTOMATIC,
    HIGH,
    NAMED,
    SEMANTIC,
    Base,
    children,
    contents,
    custom,
    found,
    high_base,
    new_base,
    running,
)

from kbsync.embedded.sqlite_store import _TABLES

pytestmark = pytest.mark.anyio
TREE = "Ships of the line\nwait for the tide\n\nApple trees\nneed sun"


def hierarchical(parent_mode: str = "paragraph", **more: Any) -> dict[str, Any]:
    children = {"separator": "\n", "max_tokens": 200, "chunk_overlap": 0}
    parents = {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0}
    rules = {
        "pre_processing_rules": [],
        "segmentation": parents,
        "parent_mode": parent_mode,
        "subchunk_segmentation": children | more,
    }
    return {
        "indexing_technique": "high_quality",
        "doc_form": "hierarchical_model",
        "process_rule": {"mode": "hierarchical", "rules": rules},
    }


async def segments(base: Base, document: str) -> list[dict[str, Any]]:
    reply = await base.http.get(f"{base.url}/documents/{document}/segments")
    assert reply.status_code == 200, reply.text
    rows: list[dict[str, Any]] = reply.json()["data"]
    return rows


async def test_a_base_with_the_model_named_and_with_the_default(base: Base) -> None:
    for body in (HIGH, {"indexing_technique": "high_quality"}):
        reply = await base.http.post("/datasets", json={"name": str(len(body)), **body})
        made = reply.json()
        assert made["indexing_technique"] == "high_quality"
        assert {name: made[name] for name in NAMED} == NAMED
        assert made["embedding_available"] is None
        assert made["retrieval_model_dict"]["search_method"] == "semantic_search"
        shown = (await base.http.get(f"/datasets/{made['id']}")).json()
        assert shown["embedding_available"] is True
        assert shown["retrieval_model_dict"]["search_method"] == "semantic_search"


RERANK = {"reranking_provider_name": "nope", "reranking_model_name": "nope"}
UNKNOWN_MODEL = HIGH | {"embedding_model": "nope"}
REFUSED: list[tuple[dict[str, Any], int, str]] = [
    (HIGH | {"embedding_model_provider": "nope"}, 400, "Provider nope does not exist."),
    (UNKNOWN_MODEL, 400, "Model nope credentials is not initialized."),
    ({"indexing_technique": "high_quality", "embedding_model_provider": "x"}, 500, "Internal"),
    (HIGH | {"retrieval_model": SEMANTIC | {"reranking_enable": True, "reranking_model": RERANK}},
     400, "Provider nope does not exist."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "message"), REFUSED)
async def test_bases_that_are_refused(
    base: Base, body: dict[str, Any], status: int, message: str
) -> None:
    reply = await base.http.post("/datasets", json={"name": "New", **body})
    assert (reply.status_code, reply.json()["message"][: len(message)]) == (status, message)
    assert (await base.http.get("/datasets")).json()["total"] == 1


async def test_without_models_high_quality_is_refused(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", ["no-models"]) as base:
        url = "/workspaces/current/models/model-types/text-embedding"
        assert (await base.http.get(url)).json() == {"data": []}
        default = await base.http.post(
            "/datasets", json={"name": "X", "indexing_technique": "high_quality"}
        )
        assert default.json()["message"] == "Default model not found for text-embedding"
        named = await base.http.post("/datasets", json={"name": "X", **HIGH})
        assert named.json()["message"] == "Provider kbsync does not exist."
        first = await base.upload("a.md", "x", AUTOMATIC | {"indexing_technique": "high_quality"})
        assert first.json()["message"] == "Default model not found for text-embedding"
        assert (await base.http.get(base.url)).json()["indexing_technique"] is None


async def test_without_models_no_child_chunk_can_be_deleted(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", ["no-models"]) as base:
        document = await base.indexed("a.md", "words")
        (chunk,) = await segments(base, document)
        url = f"{base.url}/documents/{document}/segments/{chunk['id']}/child_chunks"
        child = (await base.http.post(url, json={"content": "child"})).json()["data"]["id"]
        refused = await base.http.delete(f"{url}/{child}")
        assert refused.json()["message"] == "Default model not found for text-embedding"
        assert (await base.http.get(url)).json()["total"] == 1


async def test_the_first_upload_makes_a_base_high_quality(base: Base) -> None:
    options = AUTOMATIC | HIGH | {"retrieval_model": SEMANTIC | {"top_k": 7}}
    document = await base.indexed("a.txt", "The kernel schedules threads.", options)
    shown = (await base.http.get(base.url)).json()
    assert {name: shown[name] for name in NAMED} == NAMED
    assert shown["retrieval_model_dict"]["top_k"] == 7
    (chunk,) = await segments(base, document)
    assert (chunk["keywords"], chunk["tokens"]) == (None, 4)
    assert (await base.get(document))["tokens"] == 4
    assert contents(await found(base, "kernel")) == ["The kernel schedules threads."]


async def test_another_technique_of_an_upload_is_ignored(base: Base) -> None:
    high = await high_base(base.http)
    await high.indexed("a.txt", "threads of the kernel")
    assert contents(await found(high, "thread")) == ["threads of the kernel"]


async def test_an_update_replaces_the_vectors(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("a.txt", "threads of the kernel")
    await high.update(document, "a.txt", "apple orchard")
    await high.settled(document)
    (record,) = await found(high, "apple orchard")
    assert record["segment"]["content"] == "apple orchard"
    assert record["score"] == pytest.approx(1.0, abs=0.001)
    assert await found(high, "threads of the kernel", score_threshold_enabled=True,
                       score_threshold=0.3) == []  # fmt: skip


async def test_chunks_made_by_hand_are_embedded(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("a.txt", "threads of the kernel")
    url = f"{high.url}/documents/{document}/segments"
    added = await base.http.post(url, json={"segments": [{"content": "a lighthouse lamp"}]})
    (chunk,) = added.json()["data"]
    assert contents(await found(high, "lighthouse", top_k=1)) == ["a lighthouse lamp"]
    await base.http.post(f"{url}/{chunk['id']}", json={"segment": {"content": "a fog horn"}})
    assert contents(await found(high, "fog horn", top_k=1)) == ["a fog horn"]
    await base.http.delete(f"{url}/{chunk['id']}")
    assert contents(await found(high, "fog horn of the kernel")) == ["threads of the kernel"]


async def test_hierarchical_documents_complete_and_are_found_by_their_children(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("t.txt", TREE, hierarchical())
    ships, apples = await segments(high, document)
    assert [chunk["status"] for chunk in (ships, apples)] == ["completed"] * 2
    assert [child["content"] for child in ships["child_chunks"]] == [
        "Ships of the line",
        "wait for the tide",
    ]
    first, *others = await found(high, "tide")
    assert first["segment"]["content"] == "Ships of the line\nwait for the tide"
    assert children(first)[0] == "wait for the tide"
    assert first["score"] == first["child_chunks"][0]["score"] > 0.3
    assert list(first["child_chunks"][0]) == ["id", "content", "position", "score"]
    assert all(record["score"] <= first["score"] for record in others)


async def test_a_whole_document_can_be_the_parent(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("t.txt", TREE, hierarchical("full-doc"))
    (whole,) = await segments(high, document)
    assert whole["content"] == TREE
    assert len(whole["child_chunks"]) == 4
    (record,) = await found(high, "apple trees", top_k=2)
    assert children(record)[0] == "Apple trees"


async def test_child_chunks_are_embedded_as_they_change(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("t.txt", TREE, hierarchical())
    ships, _ = await segments(high, document)
    url = f"{high.url}/documents/{document}/segments/{ships['id']}/child_chunks"
    child = (await base.http.post(url, json={"content": "a lighthouse"})).json()["data"]
    assert children((await found(high, "lighthouse", top_k=1))[0]) == ["a lighthouse"]
    await base.http.patch(f"{url}/{child['id']}", json={"content": "fog horns"})
    for method in ("semantic_search", "full_text_search", "hybrid_search"):
        (record,) = await found(high, "fog horn", top_k=1, search_method=method)
        assert children(record) == ["fog horns"]
    gone = await base.http.delete(f"{url}/{child['id']}")
    assert gone.status_code == 204
    assert await found(high, "fog", search_method="full_text_search") == []


async def test_a_parent_made_by_hand_gets_children_and_new_ones_on_demand(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("t.txt", TREE, hierarchical())
    url = f"{high.url}/documents/{document}/segments"
    made = await base.http.post(url, json={"segments": [{"content": "fog\nhorn"}]})
    (chunk,) = made.json()["data"]
    assert [child["content"] for child in chunk["child_chunks"]] == ["fog", "horn"]
    for regenerate, wanted in ((False, ["fog", "horn"]), (True, ["lamp", "room"])):
        change = {"content": "lamp\nroom", "regenerate_child_chunks": regenerate}
        reply = await base.http.post(f"{url}/{chunk['id']}", json={"segment": change})
        assert [child["content"] for child in reply.json()["data"]["child_chunks"]] == wanted
    assert children((await found(high, "lamp", top_k=1))[0]) == ["lamp"]


async def test_questions_and_answers_still_need_a_language_model(base: Base) -> None:
    high = await high_base(base.http)
    document = await high.indexed("q.txt", "text", AUTOMATIC | {"doc_form": "qa_model"})
    assert (await high.get(document))["segment_count"] == 0


async def test_economy_becomes_high_quality_and_back(base: Base) -> None:
    document = await base.indexed("a.txt", "threads\n\nof the kernel", custom())
    url = f"{base.url}/documents/{document}/segments"
    await base.http.post(url, json={"segments": [{"content": "made by hand"}]})
    before = await segments(base, document)
    missing = await base.http.patch(base.url, json={"indexing_technique": "high_quality"})
    assert missing.status_code == 500
    reply = await base.http.patch(base.url, json=HIGH)
    assert {name: reply.json()[name] for name in NAMED} == NAMED
    assert (await base.settled(document))["tokens"] == 7
    after = await segments(base, document)
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert {row["keywords"] for row in after} == {None}
    assert contents(await found(base, "hand", top_k=1)) == ["made by hand"]
    again = await base.http.patch(base.url, json={"indexing_technique": "high_quality"})
    assert (again.status_code, again.json()["embedding_model"]) == (200, "hashed-words")
    reply = await base.http.patch(base.url, json={"indexing_technique": "economy"})
    assert reply.json()["embedding_model"] is None
    back = await segments(base, document)
    assert [(row["id"], row["keywords"]) for row in back] == [
        (row["id"], row["keywords"]) for row in before
    ]
    assert await found(base, "hand") == []
    assert await base.search("hand") == ["made by hand"]


async def test_hierarchical_documents_of_an_economy_base_complete_with_high_quality(
    base: Base,
) -> None:
    document = await base.indexed("t.txt", TREE, hierarchical() | {"indexing_technique": "economy"})
    assert {row["status"] for row in await segments(base, document)} == {"indexing"}
    await base.http.patch(base.url, json=HIGH)
    await base.settled(document)
    rows = await segments(base, document)
    assert {(row["status"], row["enabled"]) for row in rows} == {("completed", True)}
    assert children((await found(base, "apple", top_k=1))[0]) == ["Apple trees"]
    await base.http.patch(base.url, json={"indexing_technique": "economy"})
    assert await base.search("apple") == []


async def test_a_change_of_technique_meets_a_document_that_is_being_indexed(
    tmp_path: Path,
) -> None:
    async with new_base(tmp_path / "store.db", indexing_delay=0.4) as base:
        document = (await base.upload("a.txt", "threads of the kernel")).json()["document"]["id"]
        await base.reaches(document, "splitting", "indexing")
        await base.http.patch(base.url, json=HIGH)
        assert (await base.settled(document))["indexing_status"] == "completed"
        assert contents(await found(base, "kernel")) == ["threads of the kernel"]
        assert len(await base.chunks(document)) == 1


async def test_a_stop_while_chunks_are_embedded_is_made_good(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with new_base(store) as base:
        document = await base.indexed("a.txt", "threads of the kernel")
        url = f"{base.url}/documents/{document}/segments"
        await base.http.post(url, json={"segments": [{"content": "made by hand"}]})
    async with running(store, indexing_delay=60.0) as http:
        await http.patch(base.url, json=HIGH)
        await Base(http, base.id).reaches(document, "indexing")
    async with running(store) as http:
        again = Base(http, base.id)
        assert (await again.settled(document))["indexing_status"] == "completed"
        assert contents(await found(again, "hand", top_k=1)) == ["made by hand"]


async def test_a_base_whose_model_is_gone(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with running(store) as http:
        document = await (await high_base(http)).indexed("a.txt", "threads of the kernel")
        base_id = (await http.get("/datasets")).json()["data"][0]["id"]
    async with running(store, ["no-models"]) as http:
        base = Base(http, base_id)
        assert (await http.get(base.url)).json()["embedding_available"] is False
        replies = [
            await http.get(f"{base.url}/documents/{document}/segments"),
            await base.update(document, "a.txt", "x"),
            await base.toggle("disable", document),
            await http.post(f"{base.url}/retrieve", json={"query": "kernel"}),
        ]
        for reply in replies:
            assert reply.status_code == 400
            assert reply.json()["message"] == "Provider kbsync does not exist."
        failed = await base.indexed("b.txt", "x")
        assert (await base.get(failed))["error"] == "Provider kbsync does not exist."
        gone = await http.delete(f"{base.url}/documents/{document}")
        assert gone.status_code == 204


async def test_a_data_file_of_format_1_is_brought_up_to_date(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with sqlite3.connect(store) as db:
        db.executescript(_TABLES)
        db.execute("INSERT INTO workspace VALUES ('t', 'o')")
        db.execute(
            "INSERT INTO child_chunk (id, segment, position, content, word_count, type,"
            " created_at, updated_at) VALUES ('c', 's', 1, '地球 lamp', 7, 'automatic', 0, 0)"
        )
        db.execute("PRAGMA user_version = 1")
    db.close()
    async with running(store) as http:
        high = await high_base(http)
        await high.indexed("a.txt", "threads of the kernel")
        assert contents(await found(high, "kernel")) == ["threads of the kernel"]
    with sqlite3.connect(store) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 3
        words = db.execute("SELECT words FROM child_text").fetchone()[0]
    db.close()
    assert words.split() == ["地", "球", "lamp"]


async def test_many_uploads_at_once_are_all_embedded(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db") as base:
        high = await high_base(base.http)
        texts = {f"{number}.txt": f"lantern number{number}x of the tower" for number in range(24)}
        async with anyio.create_task_group() as group:
            for name, text in texts.items():
                group.start_soon(high.indexed, name, text)
        for number in (0, 11, 23):
            query = f"lantern number{number}x of the tower"
            assert contents(await found(high, query, top_k=1)) == [query]


async def test_deleting_leaves_no_vectors(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with running(store) as http:
        first, second = await high_base(http, "One"), await high_base(http, "Two")
        document = await first.indexed("t.txt", TREE, hierarchical())
        await second.indexed("a.txt", "text")
        await http.delete(f"{first.url}/documents/{document}")
        await http.delete(second.url)
    with sqlite3.connect(store) as db:
        left = [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("vector", "child_text", "child_chunk", "segment_text", "segment")
        ]
    db.close()
    assert left == [0] * 5
