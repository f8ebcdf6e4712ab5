"""Section 7: segments and child chunks."""

from __future__ import annotations

from typing import Any

import pytest
from abilities import Ability, needs
from contract_server import AUTOMATIC, NOWHERE, Base, custom, emptied, refused, rev

from kbsync.model.document_rule import CHUNK_SEPARATOR
from kbsync.source.cutting import chunks_of

pytestmark = pytest.mark.anyio


async def add(base: Base, document: str, *segments: Any) -> Any:
    return await base.http.post(
        f"{base.url}/documents/{document}/segments", json={"segments": list(segments)}
    )


async def test_list(base: Base) -> None:
    document = (await base.indexed("a.txt", "alpha one\n\nbeta two", custom(50)))["id"]
    url = f"{base.url}/documents/{document}/segments"
    body = (await base.http.get(url)).json()
    assert body["doc_form"] == "text_model"
    assert body["total"] == len(body["data"])
    for row in body["data"]:
        assert row["document_id"] == document
        assert row["status"] == "completed"
        assert row["enabled"] is True
        assert row["word_count"] == len(row["content"])
        assert row["keywords"]
    by_word = (await base.http.get(url, params={"keyword": "BETA"})).json()["data"]
    assert [row for row in by_word if "beta" in row["content"]] == by_word != []
    none = (await base.http.get(url, params={"status": "error"})).json()["data"]
    assert none == []


async def test_add_is_verbatim_last_and_found_at_once(base: Base) -> None:
    document = (await base.indexed())["id"]
    content = "# verbatim <tag> zebra\n" + "long " * 2000
    reply = await add(base, document, {"content": content, "keywords": ["zebra"]})
    assert reply.status_code == 200, reply.text
    (row,) = reply.json()["data"]
    assert row["content"] == content
    assert row["position"] == 2
    assert row["status"] == "completed"
    if base.can(Ability.SEARCH):
        assert content in await base.search("zebra")
    assert (await base.row(document))["word_count"] > 2000, "the count follows"


async def test_add_refusals(base: Base) -> None:
    document = (await base.indexed())["id"]
    blank, nothing = await add(base, document, {"content": "  "}), await add(base, document)
    if base.can(Ability.CHUNKS_VALIDATED):
        for reply in (blank, nothing):
            assert reply.status_code == 400
            assert set(reply.json()) == {"error"}, "no envelope, no code"
    else:
        refused(blank, 400, "invalid_param", "Content is empty")
        assert nothing.status_code == 200, "an empty list is fine"
    if base.can(Ability.SWITCH):
        await base.switch("disable", document)
        reply = await add(base, document, {"content": "x"})
        refused(reply, 404, "not_found", "Document is disabled.")
    broken = (await base.indexed("b.md", "x", custom(max_tokens=10)))["id"]
    reply = await add(base, broken, {"content": "x"})
    refused(reply, 404, "not_found", "Document is not completed.")


async def test_get_change_and_delete(base: Base) -> None:
    document = (await base.indexed())["id"]
    (row,) = (await add(base, document, {"content": "old words"})).json()["data"]
    url = f"{base.url}/documents/{document}/segments/{row['id']}"
    assert (await base.chunks(document))[-1] == "old words"
    if base.can(Ability.GET_CHUNK):
        assert (await base.http.get(url)).json()["data"]["content"] == "old words"
    reply = await base.http.post(url, json={"segment": {"content": "new zebra words"}})
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"]["content"] == "new zebra words"
    refused(await base.http.post(url, json={}), 400, "invalid_param")
    refused(await base.http.patch(url, json={}), 405, "method_not_allowed")
    emptied(await base.http.delete(url))
    refused(await base.http.delete(url), 404, "not_found", "Segment not found.")
    if base.can(Ability.GET_CHUNK):
        refused(await base.http.get(url), 404, "not_found", "Segment not found.")


async def test_a_change_without_text(base: Base) -> None:
    document = (await base.indexed("a.md", "some words"))["id"]
    url = f"{base.url}/documents/{document}/segments"
    row = (await base.http.get(url)).json()["data"][0]
    for change in ({"content": ""}, {"keywords": ["zebra"]}):
        reply = await base.http.post(f"{url}/{row['id']}", json={"segment": change})
        if base.can(Ability.CHUNK_KEEPS_TEXT):
            changed = reply.json()["data"]
            assert changed["content"] == "some words"
            assert set(changed["keywords"]) == set(change.get("keywords", row["keywords"]))
        else:
            refused(reply, 400, "invalid_param", "Content is empty")


@needs(Ability.GET_CHUNK)
async def test_a_chunk_through_another_document(base: Base) -> None:
    document, other = (await base.indexed("a.md"))["id"], (await base.indexed("b.md"))["id"]
    row = (await base.http.get(f"{base.url}/documents/{document}/segments")).json()["data"][0]
    reply = await base.http.get(f"{base.url}/documents/{other}/segments/{row['id']}")
    if base.can(Ability.OWN_CHUNKS):
        refused(reply, 404, "not_found", "Segment not found.")
    else:
        assert reply.json()["data"]["id"] == row["id"]


async def test_word_count_of_a_document_whose_chunks_were_deleted(base: Base) -> None:
    document = (await base.indexed())["id"]
    before = await base.row(document)
    url = f"{base.url}/documents/{document}/segments"
    for row in (await base.http.get(url)).json()["data"]:
        emptied(await base.http.delete(f"{url}/{row['id']}"))
    after = await base.row(document)
    assert after["word_count"] == 0
    assert after["data_source_info"] == before["data_source_info"], "the rev stays"


@needs(Ability.MERGE)
async def test_edits_are_lost_at_the_next_upload(base: Base) -> None:
    document = (await base.indexed("a.md", "words"))["id"]
    await add(base, document, {"content": "added by hand"})
    await base.indexed("a.md", "words")
    assert await base.chunks(document) == ["words"]


HIERARCHICAL = {
    "indexing_technique": "economy",
    "doc_form": "hierarchical_model",
    "process_rule": {
        "mode": "hierarchical",
        "rules": {
            "pre_processing_rules": [],
            "segmentation": {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0},
            "parent_mode": "paragraph",
            "subchunk_segmentation": {"separator": "\n", "max_tokens": 200, "chunk_overlap": 0},
        },
    },
}


@needs(Ability.HIERARCHICAL)
async def test_hierarchical_in_economy_completes_with_nothing_done(base: Base) -> None:
    text = "parent one line a\nline b\n\nparent two line c"
    created = (await base.upload("a.txt", text, HIERARCHICAL)).json()
    document = created["document"]["id"]
    assert (await base.settled(document))["indexing_status"] == "completed"
    url = f"{base.url}/documents/{created['batch']}/indexing-status"
    (shown,) = (await base.http.get(url)).json()["data"]
    assert shown["completed_segments"] == 0
    assert shown["total_segments"] >= 1
    if base.can(Ability.SEARCH):
        assert await base.search("parent") == []


@needs(Ability.CHILD_CHUNKS)
async def test_child_chunks(base: Base) -> None:
    document = (await base.indexed("a.txt", "parent line a\nline b", HIERARCHICAL))["id"]
    url = f"{base.url}/documents/{document}/segments"
    segment = (await base.http.get(url)).json()["data"][0]
    children = f"{url}/{segment['id']}/child_chunks"
    listed = (await base.http.get(children)).json()
    assert listed["total"] == len(listed["data"]) >= 1
    assert "total_pages" in listed
    assert listed["data"][0]["type"] == "automatic"
    refused(await base.http.get(children, params={"limit": 0}), 400, "invalid_param")


@needs(Ability.CHILD_CHUNKS)
async def test_child_chunks_of_a_text_chunk(base: Base) -> None:
    document = (await base.indexed("a.md", "words", AUTOMATIC))["id"]
    url = f"{base.url}/documents/{document}/segments"
    segment = (await base.http.get(url)).json()["data"][0]
    children = f"{url}/{segment['id']}/child_chunks"
    reply = await base.http.post(children, json={"content": "child text"})
    assert reply.status_code == 200, reply.text
    child = reply.json()["data"]
    assert (child["type"], child["position"]) == ("customized", 1)
    reply = await base.http.patch(f"{children}/{child['id']}", json={"content": "patched"})
    assert reply.json()["data"]["content"] == "patched"
    gone = await base.http.delete(f"{children}/{NOWHERE}")
    refused(gone, 404, "not_found", "Child chunk not found.")


@needs(Ability.CHILD_CHUNKS)
async def test_7_a_child_chunk_is_deleted_only_where_there_is_an_embedding_model(
    base: Base,
) -> None:
    document = (await base.indexed("a.md", "words", AUTOMATIC))["id"]
    url = f"{base.url}/documents/{document}/segments"
    segment = (await base.http.get(url)).json()["data"][0]
    children = f"{url}/{segment['id']}/child_chunks"
    child = (await base.http.post(children, json={"content": "child text"})).json()["data"]
    reply = await base.http.delete(f"{children}/{child['id']}")
    left = (await base.http.get(children)).json()["data"]
    if await base.server.embeds():
        emptied(reply)
        assert left == []
    else:
        refused(reply, 400, "invalid_param", "Default model not found for text-embedding")
        assert [row["id"] for row in left] == [child["id"]], "and it is still there"
    emptied(await base.http.delete(f"{url}/{segment['id']}"))
    gone = await base.http.delete(f"{children}/{child['id']}")
    refused(gone, 404, "not_found", "Segment not found.")


@needs(Ability.CHILD_CHUNKS)
async def test_7_child_chunks_are_changed_through_their_own_document(base: Base) -> None:
    document = (await base.indexed("a.md", "words", AUTOMATIC))["id"]
    other = (await base.indexed("b.md", "words", AUTOMATIC))["id"]
    url = f"{base.url}/documents/{document}/segments"
    segment = (await base.http.get(url)).json()["data"][0]["id"]
    children = f"{url}/{segment}/child_chunks"
    child = (await base.http.post(children, json={"content": "child"})).json()["data"]["id"]
    elsewhere = f"{base.url}/documents/{other}/segments/{segment}/child_chunks/{child}"
    reply = await base.http.patch(elsewhere, json={"content": "patched"})
    refused(reply, 404, "not_found", "Segment not found.")
    whose = "Segment" if base.can(Ability.OWN_CHUNKS) else "Document"
    refused(await base.http.delete(elsewhere), 404, "not_found", f"{whose} not found.")


TEXT = """\
# Granite

Granite is a rock; see `__init__` and /usr/bin.

- first
- second

## Basalt

| a | b |
|---|---|
| 1 | 2 |

```sh
# no heading
ls | wc
```

naïve words, "quotes" … 「日本語」
"""


async def test_a_text_that_kbsync_cuts_comes_back_chunk_by_chunk_as_it_was_cut(base: Base) -> None:
    wanted = list(chunks_of([TEXT * 5], longest=80, markdown=True))
    sent = "".join(chunk + CHUNK_SEPARATOR for chunk in wanted)
    document = (await base.indexed("cut.md.txt", sent, custom(4000, CHUNK_SEPARATOR)))["id"]
    there = await base.chunks(document)
    # Old servers drop this letter (section 16); such a document is always sent as a whole.
    old = "ï" not in "".join(there)
    assert there == [chunk.replace("ï", "") if old else chunk for chunk in wanted]


async def test_a_chunk_is_added_before_another_goes_and_the_upload_stays(base: Base) -> None:
    document = (await base.indexed("a.txt", "granite one"))["id"]
    before = await base.row(document)
    url = f"{base.url}/documents/{document}/segments"
    (old,) = (await base.http.get(url)).json()["data"]
    (row,) = (await add(base, document, {"content": "obsidian two"})).json()["data"]
    assert row["status"] == "completed"
    assert sorted(await base.chunks(document)) == ["granite one", "obsidian two"]
    emptied(await base.http.delete(f"{url}/{old['id']}"))
    assert await base.chunks(document) == ["obsidian two"]
    after = await base.row(document)
    assert rev(after) == rev(before)
    assert after["word_count"] != before["word_count"]
    if base.can(Ability.SEARCH):
        assert await base.search("obsidian") == ["obsidian two"]
        assert "granite one" not in await base.search("granite")
