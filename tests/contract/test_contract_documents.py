"""Section 6: read, poll, delete, enable and disable."""

from __future__ import annotations

import anyio
import pytest
from abilities import Ability, needs
from contract_server import AUTOMATIC, NOWHERE, Base, custom, emptied, refused

pytestmark = pytest.mark.anyio


async def test_6_1_status_by_batch(base: Base) -> None:
    created = (await base.upload("a.md")).json()
    await base.settled(created["document"]["id"])
    url = f"{base.url}/documents/{created['batch']}/indexing-status"
    (shown,) = (await base.http.get(url)).json()["data"]
    assert shown["id"] == created["document"]["id"]
    assert shown["indexing_status"] == "completed"
    assert shown["completed_segments"] == shown["total_segments"] == 1
    assert isinstance(shown["completed_at"], int)


async def test_6_1_an_error_is_told(base: Base) -> None:
    created = (await base.upload("a.md", "x", custom(max_tokens=10))).json()
    await base.settled(created["document"]["id"])
    url = f"{base.url}/documents/{created['batch']}/indexing-status"
    (shown,) = (await base.http.get(url)).json()["data"]
    assert shown["indexing_status"] == "error"
    assert shown["error"].startswith("Custom segment length")
    assert shown["stopped_at"] is not None


async def test_6_1_unknown_batch(base: Base) -> None:
    document = (await base.indexed())["id"]
    for batch in ("20000101000000000000", document):
        reply = await base.http.get(f"{base.url}/documents/{batch}/indexing-status")
        refused(reply, 404, "not_found")


async def test_6_2_order_and_rows(base: Base) -> None:
    for name in ("1.md", "2.md", "3.md"):
        await base.indexed(name, b"12345")
    rows = await base.listed()
    assert [row["name"] for row in rows] == ["3.md", "2.md", "1.md"]
    assert [row["position"] for row in rows] == [3, 2, 1]
    row = rows[0]
    assert set(row["data_source_info"]) == {"upload_file_id"}
    if base.can(Ability.FILE_SHOWN):
        assert row["data_source_detail_dict"]["upload_file"]["size"] == 5
    assert row["word_count"] == 5
    assert row["tokens"] == 0, "this is an economy base"
    assert "batch" not in row
    assert "updated_at" not in row


async def test_6_2_keyword_is_case_sensitive_with_wildcards(base: Base) -> None:
    for name in ("a_b.md", "axb.md", "100%.md", "100x.md", "A_B.md"):
        await base.indexed(name)

    async def found(keyword: str) -> set[str]:
        return {row["name"] for row in await base.listed(keyword=keyword)}

    assert await found("a_b.md") == {"a_b.md", "axb.md"}
    assert await found("100%.md") == {"100%.md", "100x.md"}
    assert await found("A_B") == {"A_B.md"}
    assert await found("nothing") == set()


@needs(Ability.STATUS_FILTER, Ability.SWITCH)
async def test_6_2_status_filter(base: Base) -> None:
    good = (await base.indexed("good.md"))["id"]
    bad = (await base.indexed("bad.md", "x", custom(max_tokens=10)))["id"]
    off = (await base.indexed("off.md"))["id"]
    await base.switch("disable", off)

    async def found(status: str) -> set[str]:
        return {row["id"] for row in await base.listed(status=status)}

    assert await found("error") == {bad}
    assert await found("available") == await found("AVAILABLE") == await found("enabled") == {good}
    assert await found("disabled") == {off}
    assert await found("queuing") == await found("indexing") == await found("paused") == set()
    assert await found("completed") == {good, bad, off}, "an unknown word filters nothing"


async def test_6_2_a_status_is_ignored_by_old_versions(base: Base) -> None:
    document = (await base.indexed())["id"]
    found = [row["id"] for row in await base.listed(status="error")]
    assert found == ([] if base.can(Ability.STATUS_FILTER) else [document])


@needs(Ability.GET_DOCUMENT)
async def test_6_3_get(base: Base) -> None:
    document = await base.indexed("a.md", b"12345")
    upload = document["data_source_info"]["upload_file"]
    assert (upload["name"], upload["size"]) == ("a.md", 5)
    assert upload["id"] == (await base.row(document["id"]))["data_source_info"]["upload_file_id"]
    assert document["segment_count"] == 1
    assert document["doc_language"]
    assert document["document_process_rule"]["mode"] == "automatic"
    assert isinstance(document["updated_at"], int)
    assert "word_count" not in document, "a get does not show it"


@needs(Ability.GET_DOCUMENT, Ability.MERGE)
async def test_6_3_get_while_the_chunks_are_replaced(base: Base) -> None:
    document = (await base.indexed("a.md", "old words"))["id"]
    replaced = anyio.Event()

    async def ask() -> None:
        while not replaced.is_set():
            reply = await base.http.get(f"{base.url}/documents/{document}")
            if reply.status_code != 200:
                refused(reply, 500, "unknown")
                assert base.server.kind == "real"

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
        for number in range(5):
            await base.indexed("a.md", f"new words {number}")
        replaced.set()
    assert await base.chunks(document) == ["new words 4"]


@needs(Ability.GET_DOCUMENT)
async def test_6_3_metadata_parameter(base: Base) -> None:
    document = (await base.indexed())["id"]
    url = f"{base.url}/documents/{document}"
    only = (await base.http.get(url, params={"metadata": "only"})).json()
    assert set(only) == {"id", "doc_type", "doc_metadata"}
    without = (await base.http.get(url, params={"metadata": "without"})).json()
    assert "doc_metadata" not in without
    refused(await base.http.get(url, params={"metadata": "bogus"}), 400, "invalid_metadata")


@needs(Ability.GET_DOCUMENT)
async def test_6_3_unknown_or_elsewhere(base: Base) -> None:
    document = (await base.indexed())["id"]
    other = await base.server.new_base()
    for url in (f"{base.url}/documents/{NOWHERE}", f"{other.url}/documents/{document}"):
        refused(await base.http.get(url), 404, "not_found", "Document not found.")


async def test_6_4_delete(base: Base) -> None:
    document = (await base.indexed())["id"]
    url = f"{base.url}/documents/{document}"
    emptied(await base.http.delete(url))
    refused(await base.http.delete(url), 404, "not_found", "Document Not Exists.")
    if base.can(Ability.GET_DOCUMENT):
        refused(await base.http.get(url), 404, "not_found")
    assert await base.listed() == []


async def test_6_4_delete_at_once_after_the_upload(base: Base) -> None:
    created = (await base.upload("a.md", "word " * 2000)).json()
    emptied(await base.http.delete(f"{base.url}/documents/{created['document']['id']}"))
    assert await base.listed() == []


@needs(Ability.SWITCH)
async def test_6_4_archived_documents_stay(base: Base) -> None:
    document = (await base.indexed())["id"]
    await base.switch("archive", document)
    url = f"{base.url}/documents/{document}"
    refused(await base.http.delete(url), 403, "archived_document_immutable")


@needs(Ability.SWITCH)
async def test_6_5_disable_and_search(base: Base) -> None:
    document = (await base.indexed("a.md", "kernel scheduler threads"))["id"]
    if base.can(Ability.SEARCH):
        assert await base.search("kernel") == ["kernel scheduler threads"]
    reply = await base.switch("disable", document)
    assert reply.json() == {"result": "success"}
    found = await base.get(document)
    assert (found["enabled"], found["display_status"]) == (False, "disabled")


@needs(Ability.SWITCH)
async def test_6_5_archive(base: Base) -> None:
    document = (await base.indexed())["id"]
    assert (await base.switch("archive", document)).status_code == 200
    assert (await base.get(document))["display_status"] == "archived"


@needs(Ability.SWITCH)
async def test_6_5_odd_lists(base: Base) -> None:
    document = (await base.indexed())["id"]
    assert (await base.switch("disable", NOWHERE)).status_code == 200, "skipped silently"
    assert (await base.switch("disable")).status_code == 200
    assert (await base.switch("bogus")).status_code == 200
    refused(await base.switch("bogus", document), 400, "invalid_action", "Invalid action")
    refused(await base.switch("disable", "no-uuid"), 500, "unknown")
    url = f"{base.url}/documents/status/disable"
    refused(await base.http.patch(url), 415, "unsupported_media_type")


@needs(Ability.SWITCH)
async def test_6_5_only_completed_ones_can_be_disabled(base: Base) -> None:
    document = (await base.indexed("e.md", "x", custom(max_tokens=10)))["id"]
    refused(await base.switch("disable", document), 400, "invalid_action", "Document: e.md is not")
    assert (await base.switch("archive", document)).status_code == 200, "any state can be archived"


@needs(Ability.SWITCH)
async def test_6_5_one_bad_document_aborts_the_list(base: Base) -> None:
    good = (await base.indexed("good.md"))["id"]
    bad = (await base.indexed("bad.md", "x", custom(max_tokens=10)))["id"]
    refused(await base.switch("disable", bad, good), 400, "invalid_action")


async def test_13_parallel_creates_get_positions_without_gaps(base: Base) -> None:
    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(base.upload, f"{number}.md", "words", AUTOMATIC)
    rows = await base.listed()
    assert sorted(row["position"] for row in rows) == [1, 2, 3, 4, 5, 6]
