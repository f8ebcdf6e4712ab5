"""Sections 4.1 to 4.7: creating documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from abilities import Ability, needs
from contract_server import AUTOMATIC, Base, Server, custom, emptied, refused, rev

pytestmark = pytest.mark.anyio


async def raw(base: Base, files: Any, data: Any = None) -> Any:
    return await base.http.post(base.call("create", "file"), files=files, data=data)


async def test_4_1_parts(base: Base) -> None:
    file = ("file", ("a.md", b"words", "text/plain"))
    options = json.dumps(AUTOMATIC)
    as_json = [file, ("data", (None, options.encode(), "application/json"))]
    assert (await raw(base, as_json)).status_code == 200
    refused(
        await raw(base, [file, ("data", ("data.json", options.encode()))]), 400, "too_many_files"
    )
    refused(await raw(base, [file, ("other", ("b.md", b"x"))]), 400, "too_many_files")
    refused(await raw(base, [("data", (None, options))]), 400, "no_file_uploaded")
    refused(
        await raw(base, [("upload", file[1]), ("data", (None, options))]), 400, "no_file_uploaded"
    )


async def test_4_1_data_that_is_no_object(base: Base) -> None:
    file = [("file", ("a.md", b"words", "text/plain"))]
    refused(await raw(base, file, {"data": "{"}), 400, "invalid_param")
    refused(await raw(base, file, {"data": "[]"}), 500, "unknown")


async def test_4_1_data_too_large(base: Base) -> None:
    reply = await base.upload("a.md", "words", AUTOMATIC, unknown="x" * 600_000)
    refused(reply, 413, "request_entity_too_large")
    reply = await base.upload("a.md", "words", AUTOMATIC, unknown="x" * 490_000)
    assert reply.status_code == 200


async def test_4_1_name_in_data_is_ignored_on_create(base: Base) -> None:
    document = await base.indexed("a.md", "words", {**AUTOMATIC, "name": "b.md"})
    assert document["name"] == "a.md"


async def test_4_2_by_text(base: Base) -> None:
    reply = await base.text("x.md", "# One\n\nalpha\n\n# Two\n\nbeta")
    assert reply.status_code == 200, reply.text
    found = reply.json()["document"]
    assert found["name"] == "x.md"
    if base.can(Ability.FILE_SHOWN):
        assert found["data_source_detail_dict"]["upload_file"]["extension"] == "txt"
    await base.settled(found["id"])
    assert len(await base.chunks(found["id"])) == 1, "headings are not parsed"
    by_file = await base.indexed("y.md", "# One\n\nalpha\n\n# Two\n\nbeta")
    assert len(await base.chunks(by_file["id"])) == 2, "by file they are"


async def test_4_2_by_text_needs_the_technique_every_time(base: Base) -> None:
    url = base.call("create", "text")
    reply = await base.http.post(url, json={"name": "a", "text": "words"})
    if base.can(Ability.TECHNIQUE_FAULT):
        refused(reply, 500, "unknown")
    else:
        refused(reply, 400, "invalid_param", "indexing_technique is required.")
    await base.indexed()
    reply = await base.http.post(url, json={"name": "a", "text": "words"})
    refused(reply, 400, "invalid_param")


async def test_4_2_by_text_needs_no_rule(base: Base) -> None:
    body = {"name": "a", "text": "words", "indexing_technique": "economy"}
    reply = await base.http.post(base.call("create", "text"), json=body)
    assert reply.status_code == 200


async def test_4_2_names_by_text(base: Base) -> None:
    for name, stored in (("a/b\t.md", "a/b\t.md"), ("", ""), ("n" * 250, "n" * 200)):
        reply = await base.text(name, "words")
        assert reply.status_code == 200, reply.text
        assert reply.json()["document"]["name"] == stored
    refused(await base.text("a\0b", "words"), 400, "invalid_param")
    reply = await base.text("nul", "wo\0rds")
    assert (await base.settled(reply.json()["document"]["id"]))["indexing_status"] == "completed"


async def test_4_3_the_reply(base: Base) -> None:
    reply = await base.upload("first.md", b"12345678")
    body = reply.json()
    found = body["document"]
    assert len(body["batch"]) == 20
    assert body["batch"].isdigit()
    assert found["name"] == "first.md"
    assert found["position"] == 1
    assert found["created_from"] == "api"
    assert found["indexing_status"] in ("waiting", "parsing")
    assert found["display_status"] in ("queuing", "indexing")
    assert found["enabled"] is True
    assert found.get("doc_metadata") == ([] if base.can(Ability.NO_MARKS_IS_LIST) else None)
    assert set(found["data_source_info"]) == {"upload_file_id"}
    if base.can(Ability.FILE_SHOWN):
        upload = found["data_source_detail_dict"]["upload_file"]
        assert upload["id"] == rev(found)
        assert (upload["size"], upload["extension"]) == (8, "md")


async def test_4_4_what_a_new_base_needs(base: Base) -> None:
    refused(
        await base.upload("a.md", "x", None), 400, "invalid_param", "indexing_technique is required"
    )
    reply = await base.upload("a.md", "x", {"indexing_technique": "economy"})
    refused(reply, 400, "invalid_param", "process_rule is required")
    reply = await base.upload("a.md", "x", {**AUTOMATIC, "indexing_technique": "cheap"})
    refused(reply, 400, "invalid_param")


async def test_4_4_a_base_with_documents_needs_nothing(base: Base) -> None:
    await base.indexed("a.md")
    assert (await base.indexed("b.md", "x", None))["indexing_status"] == "completed"


async def test_4_4_another_technique_is_ignored(base: Base) -> None:
    await base.indexed("a.md")
    reply = await base.upload("b.md", "x", AUTOMATIC, indexing_technique="high_quality")
    assert reply.status_code == 200
    assert (await base.shown())["indexing_technique"] == "economy"


@pytest.mark.parametrize(
    "rule",
    [
        {"mode": "custom"},
        {"mode": "custom", "rules": {"segmentation": {"separator": "x", "max_tokens": 100}}},
        {"mode": "custom", "rules": {"pre_processing_rules": []}},
        {
            "mode": "custom",
            "rules": {"pre_processing_rules": [], "segmentation": {"separator": "x"}},
        },
        {"mode": "fancy"},
    ],
)
async def test_4_4_rules_with_parts_missing(base: Base, rule: Any) -> None:
    options = {"indexing_technique": "economy", "process_rule": rule}
    refused(await base.upload("a.md", "x", options), 400, "invalid_param")


@pytest.mark.parametrize("length", [49, 4001])
async def test_4_4_chunk_length_out_of_bounds_is_found_late(base: Base, length: int) -> None:
    document = await base.indexed("a.md", "x", custom(max_tokens=length))
    assert document["indexing_status"] == "error"
    assert document["error"] == "Custom segment length should be between 50 and 4000."
    assert (await base.shown())["indexing_technique"] == "economy", "fixed all the same"


async def test_4_4_partial_retrieval_model(base: Base) -> None:
    reply = await base.upload(
        "a.md", "x", AUTOMATIC, retrieval_model={"search_method": "keyword_search"}
    )
    refused(reply, 400, "invalid_param")


async def test_4_4_provider_without_model(base: Base) -> None:
    reply = await base.upload("a.md", "x", AUTOMATIC, embedding_model_provider="nobody")
    refused(reply, 500, "unknown")


async def test_4_5_custom_rules_shape_the_chunks(base: Base) -> None:
    text = "alpha one\n\nbeta two\n\ngamma three"
    document = await base.indexed("a.txt", text, custom(separator="\n\n", max_tokens=50))
    assert document["indexing_status"] == "completed"
    chunks = await base.chunks(document["id"])
    assert " ".join(chunks).split() == text.split()


async def test_4_6_form_of_an_established_base(base: Base) -> None:
    await base.indexed("a.md")
    reply = await base.upload("b.md", "x", AUTOMATIC, doc_form="hierarchical_model")
    refused(reply, 400, "invalid_param", "doc_form is different from the dataset doc_form.")


async def test_4_6_garbage_form(base: Base) -> None:
    if base.can(Ability.FORMS_KNOWN):
        reply = await base.upload("a.md", "x", AUTOMATIC, doc_form="garbage")
        refused(reply, 400, "invalid_param")
        assert await base.listed() == []
        return
    document = await base.indexed("a.md", "x", AUTOMATIC, doc_form="garbage")
    assert document["indexing_status"] == "error"
    assert document["error"] == "Index type garbage is not supported."
    assert (await base.shown()).get("doc_form", "garbage") == "garbage"
    emptied(await base.http.delete(f"{base.url}/documents/{document['id']}"))
    assert (await base.shown()).get("doc_form") is None


async def test_4_6_questions_without_a_model_complete_with_nothing(base: Base) -> None:
    if base.server.kind == "real":
        pytest.skip("a real server may have a model that answers")
    document = await base.indexed("a.md", "some words", AUTOMATIC, doc_form="qa_model")
    assert document["indexing_status"] == "completed"
    assert await base.chunks(document["id"]) == []
    assert document["error"] is None


@needs(Ability.HIERARCHICAL)
async def test_4_6_default_form_is_text_not_the_bases(base: Base) -> None:
    hierarchical = {
        "mode": "hierarchical",
        "rules": {
            "pre_processing_rules": [],
            "segmentation": {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0},
            "parent_mode": "paragraph",
            "subchunk_segmentation": {"separator": "\n", "max_tokens": 200, "chunk_overlap": 0},
        },
    }
    options = {"indexing_technique": "economy", "process_rule": hierarchical,
               "doc_form": "hierarchical_model"}  # fmt: skip
    await base.indexed("a.md", "one\ntwo\n\nthree", options)
    refused(
        await base.upload("b.md", "x", AUTOMATIC), 400, "invalid_param", "doc_form is different"
    )
    assert (await base.upload("b.md", "one", options)).status_code == 200


@needs(Ability.MERGE)
async def test_4_7_same_name_writes_over(base: Base) -> None:
    first = await base.upload("a.md", "old words")
    before = first.json()["document"]
    await base.settled(before["id"])
    second = await base.upload("a.md", "new words")
    after = second.json()["document"]
    assert after["id"] == before["id"]
    assert after["position"] == before["position"]
    assert after["created_at"] == before["created_at"]
    assert after["created_from"] == "api"
    assert after["data_source_info"] != before["data_source_info"], "a new rev"
    assert second.json()["batch"] != first.json()["batch"]
    old = await base.http.get(f"{base.url}/documents/{first.json()['batch']}/indexing-status")
    refused(old, 404, "not_found")
    await base.settled(after["id"])
    assert await base.chunks(after["id"]) == ["new words"]
    assert len(await base.listed()) == 1


@needs(Ability.MERGE_WHEN_ASKED)
async def test_4_7_same_name_writes_over_only_when_asked(base: Base) -> None:
    first = await base.indexed("a.md", "old words")
    assert (await base.indexed("a.md", "twin"))["id"] != first["id"]
    assert (await base.indexed("a.md", "new words", duplicate=True))["id"] == first["id"]
    assert await base.chunks(first["id"]) == ["new words"]
    assert len(await base.listed()) == 2
    await base.settled((await base.text("by text", "x")).json()["document"]["id"])
    await base.settled((await base.text("by text", "x", duplicate=True)).json()["document"]["id"])
    assert len(await base.listed(keyword="by text")) == 2, "by text it never does"


@needs(Ability.NO_MERGE)
async def test_4_7_what_never_writes_over_makes_twins(base: Base) -> None:
    first = await base.indexed("a.md", "old words")
    assert (await base.indexed("a.md", "new words", duplicate=True))["id"] != first["id"]


@needs(Ability.MERGE)
async def test_4_7_same_name_recovers_an_error_and_needs_its_own_rule(base: Base) -> None:
    broken = await base.indexed("a.md", "words", custom(max_tokens=10))
    assert broken["indexing_status"] == "error"
    inherited = await base.indexed("a.md", "words", None)
    assert (inherited["id"], inherited["indexing_status"]) == (broken["id"], "error")
    mended = await base.indexed("a.md", "words")
    assert (mended["id"], mended["indexing_status"]) == (broken["id"], "completed")


@needs(Ability.MERGE)
async def test_4_7_twins_on_demand(base: Base) -> None:
    first = await base.indexed("a.md", "old words")
    second = await base.indexed("a.md", "new words", AUTOMATIC, duplicate=False)
    assert first["id"] != second["id"]
    third = await base.indexed("a.md", "newest words")
    assert third["id"] in (first["id"], second["id"])


@needs(Ability.MERGE, Ability.SWITCH)
async def test_4_7_a_disabled_one_is_not_matched(base: Base) -> None:
    first = await base.indexed("a.md")
    assert (await base.switch("disable", first["id"])).status_code == 200
    second = await base.indexed("a.md")
    assert second["id"] != first["id"]


@needs(Ability.MERGE, Ability.SWITCH)
async def test_4_7_an_archived_one_is_and_stays_archived(base: Base) -> None:
    first = await base.indexed("a.md", "old words")
    assert (await base.switch("archive", first["id"])).status_code == 200
    second = await base.indexed("a.md", "new words")
    assert second["id"] == first["id"]
    assert second["archived"] is True
    assert second["display_status"] == "archived"
    if (await base.switch("un_archive", first["id"])).status_code == 200:
        assert (await base.get(first["id"]))["archived"] is False


async def test_4_7_names_compare_exactly(base: Base) -> None:
    ids = {(await base.indexed(name))["id"] for name in ("a.md", "A.md", "é.md", "e\u0301.md")}
    assert len(ids) == 4


@needs(Ability.MERGE, Ability.METADATA)
async def test_4_7_metadata_survives(base: Base) -> None:
    document = await base.indexed("a.md")
    field = await base.field("source_path")
    value = {"id": field, "name": "source_path", "value": "docs/a.md"}
    assert (await base.assign(document["id"], value)).status_code == 200
    reply = await base.upload("a.md", "new words")
    shown = reply.json()["document"]["doc_metadata"]
    assert "docs/a.md" in [row["value"] for row in shown], "shown in the reply already"
    await base.settled(document["id"])
    assert await base.values(document["id"]) == {"source_path": "docs/a.md"}


async def test_4_7_original_document_id_makes_an_update(
    server: Server, base: Base, updates: None
) -> None:
    document = await base.indexed("a.md")
    reply = await base.upload("b.md", "new words", AUTOMATIC, original_document_id=document["id"])
    assert reply.status_code == 200
    assert reply.json()["document"]["id"] == document["id"]
    await base.settled(document["id"])
