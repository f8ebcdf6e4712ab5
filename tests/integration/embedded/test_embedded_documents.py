"""Same names, updates, status changes, deletions."""

from typing import Any

import anyio
import pytest
from embedded_client import AUTOMATIC, Base, custom

pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-0000-0000-000000000009"


async def test_duplicate_false_makes_a_twin_and_the_older_one_is_hit_later(base: Base) -> None:
    older = await base.indexed("same.md", "one")
    twin = await base.indexed("same.md", "two", AUTOMATIC | {"duplicate": False})
    assert twin != older
    assert await base.indexed("same.md", "three") == older
    assert await base.chunks(twin) == ["two"]


async def test_an_error_is_recovered_by_the_same_name_with_a_rule(base: Base) -> None:
    document = await base.indexed("e.md", "text", custom(max_tokens=10))
    refused = await base.update(document, "e.md", "fixed", {"process_rule": {"mode": "automatic"}})
    assert refused.json()["message"] == "Document is not available"
    assert await base.indexed("e.md", "fixed", {}) == document
    assert (await base.get(document))["indexing_status"] == "error"
    reply = await base.upload("e.md", "fixed")
    assert reply.json()["document"]["error"]  # the old one, until the new run is over
    found = await base.settled(document)
    assert (found["indexing_status"], found["error"]) == ("completed", None)
    progress = await base.http.get(f"{base.url}/documents/{reply.json()['batch']}/indexing-status")
    assert progress.json()["data"][0]["stopped_at"] is not None
    assert progress.json()["data"][0]["total_segments"] == 1


async def test_an_update_keeps_id_and_batch_and_changes_the_name(base: Base) -> None:
    created = (await base.upload("a.md", "one\n\ntwo", custom())).json()
    document = created["document"]["id"]
    await base.settled(document)
    updated = (await base.update(document, "b.txt", "three\n\nfour")).json()
    assert updated["batch"] == created["batch"]
    assert updated["document"]["id"] == document
    assert updated["document"]["name"] == "b.txt"
    assert updated["document"]["created_from"] == "web"
    assert updated["document"]["word_count"] == 6
    assert updated["document"]["indexing_status"] == "waiting"
    await base.settled(document)
    assert await base.chunks(document) == ["three", "four"]  # its own rule is kept
    assert (await base.upload("b.txt", "x")).json()["document"]["created_from"] == "api"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"name": "docs/sub/a:b*.md"}, "docs/sub/a:b*.md"),
        ({"name": None}, "file.md"),
        ({"duplicate": False, "original_document_id": UNKNOWN}, "file.md"),
        ({"indexing_technique": "high_quality"}, "file.md"),
    ],
)
async def test_names_of_updates(base: Base, options: dict[str, Any], name: str) -> None:
    document = await base.indexed("a.md", "one")
    reply = await base.update(document, "file.md", "two", options)
    assert reply.json()["document"]["name"] == name
    assert reply.json()["document"]["id"] == document


async def test_updates_that_are_refused(base: Base) -> None:
    document = await base.indexed("a.md", "one")
    url = f"{base.url}/documents/{document}/update-by-file"
    renamed = await base.http.post(url, files={"data": (None, '{"name": "only.md"}')})
    assert renamed.json()["message"] == "Data source or Process rule is required"
    broken = await base.http.post(url, files={"data": (None, "{x")})
    assert broken.json()["message"].startswith("Expecting property name")
    form = await base.update(document, "a.md", "two", {"doc_form": "qa_model"})
    assert form.json()["message"] == "doc_form is different from the dataset doc_form."
    assert (await base.get(document))["display_status"] == "available"


async def test_a_rule_alone_cuts_anew(base: Base) -> None:
    document = await base.indexed("a.txt", "one\n\ntwo")
    url = f"{base.url}/documents/{document}/update_by_text"
    rule = {"process_rule": custom()["process_rule"], "name": "renamed"}
    assert (await base.http.post(url, json=rule)).json()["document"]["name"] == "renamed"
    await base.settled(document)
    assert await base.chunks(document) == ["one", "two"]


async def test_update_by_text(base: Base) -> None:
    document = await base.indexed("a.md", "one")
    url = f"{base.url}/documents/{document}/update-by-text"
    unnamed = await base.http.post(url, json={"text": "two"})
    assert "name is required when text is provided" in unnamed.json()["message"]
    for body in ({}, {"name": "x"}, {"name": "x", "text": ""}):
        empty = await base.http.post(url, json=body)
        assert empty.json()["message"] == "Data source or Process rule is required"
    done = await base.http.post(url, json={"name": "b", "text": "two"})
    assert done.json()["document"]["data_source_detail_dict"]["upload_file"]["extension"] == "txt"
    await base.settled(document)
    assert await base.chunks(document) == ["two"]


async def test_original_document_id_turns_a_create_into_an_update(base: Base) -> None:
    created = (await base.upload("a.md", "one")).json()
    document = created["document"]["id"]
    await base.settled(document)
    options = AUTOMATIC | {"original_document_id": document}
    turned = (await base.upload("other.md", "two", options)).json()
    assert turned["batch"] == created["batch"]
    assert (turned["document"]["id"], turned["document"]["name"]) == (document, "other.md")
    unknown = await base.upload("x.md", "x", AUTOMATIC | {"original_document_id": UNKNOWN})
    assert unknown.status_code == 404
    assert unknown.json()["message"].startswith("Document not found. You have requested this URI")


async def test_what_one_document_answers(base: Base) -> None:
    document = await base.indexed("a.md", "one")
    url = f"{base.url}/documents/{document}"
    whole = await base.get(document)
    file = whole["data_source_info"]["upload_file"]
    assert (file["name"], file["size"], file["mime_type"]) == ("a.md", 3, "text/plain")
    assert whole["dataset_process_rule"]["rules"]["segmentation"]["delimiter"] == "\n"
    assert whole["document_process_rule"]["dataset_id"] == base.id
    assert whole["doc_metadata"] is None
    only = (await base.http.get(url, params={"metadata": "only"})).json()
    assert only == {"id": document, "doc_type": None, "doc_metadata": None}
    without = (await base.http.get(url, params={"metadata": "without"})).json()
    assert set(whole) - set(without) == {"doc_type", "doc_metadata"}


async def test_status_changes(base: Base) -> None:
    ids = [await base.indexed(f"{number}.md", "x") for number in range(4)]
    failed = await base.indexed("bad.pdf", "x")
    assert (await base.toggle("disable", ids[0], UNKNOWN)).json() == {"result": "success"}
    assert (await base.toggle("disable", ids[0])).json() == {"result": "success"}
    await base.toggle("archive", ids[1])
    assert (await base.get(ids[0]))["disabled_at"] is not None
    for status, names in [
        ("available", ["3.md", "2.md"]),
        ("ENABLED", ["3.md", "2.md"]),
        ("disabled", ["0.md"]),
        ("archived", ["1.md"]),
        ("error", ["bad.pdf"]),
        ("queuing", []),
        ("paused", []),
    ]:
        assert await base.names(status=status) == names
    assert len(await base.names(status="completed")) == 5
    refused = await base.toggle("disable", ids[2], failed)
    assert refused.json() == {
        "code": "invalid_action",
        "message": "Document: bad.pdf is not completed.",
        "status": 400,
    }
    assert (await base.get(ids[2]))["enabled"] is True  # one bad document aborts the list
    bogus = await base.toggle("foo", ids[2])
    assert bogus.json()["message"] == (
        "Invalid action: foo. Must be one of ['enable', 'disable', 'archive', 'un_archive']"
    )


async def test_a_newer_upload_ends_the_run_of_an_older_one(base: Base) -> None:
    """Without the quirk the last upload wins, whatever was still being indexed."""
    big = "\n\n".join(f"old paragraph {number}" for number in range(20_000))
    document = (await base.upload("a.txt", big, custom(max_tokens=50))).json()["document"]["id"]
    await base.reaches(document, "parsing", "cleaning", "splitting", "indexing", "completed")
    await base.upload("a.txt", "new")
    with anyio.fail_after(20):
        await base.settled(document)
    assert await base.chunks(document) == ["new"]
    assert await base.search("paragraph") == []
