"""Section 5: updating a document."""

from __future__ import annotations

import pytest
from abilities import Ability, needs
from contract_server import NOWHERE, Base, custom, refused, rev

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("updates")]


async def test_what_stays_and_what_changes(base: Base) -> None:
    created = (await base.upload("a.md", "old words")).json()
    before = await base.settled(created["document"]["id"])
    reply = await base.update(before["id"], "b.md", "new words")
    assert reply.status_code == 200, reply.text
    shown = reply.json()
    assert shown["batch"] == created["batch"]
    assert shown["document"]["id"] == before["id"]
    assert shown["document"]["created_from"] == "web"
    after = await base.settled(before["id"])
    assert after["position"] == before["position"]
    assert after["created_at"] == before["created_at"]
    assert after["name"] == "b.md", "the new file's name"
    assert rev(after) != rev(before)
    assert await base.chunks(before["id"]) == ["new words"]


async def test_the_old_batch_never_tells_a_stale_completed(base: Base) -> None:
    created = (await base.upload("a.md", "old words")).json()
    document = created["document"]["id"]
    await base.settled(document)
    await base.update(document, "a.md", "new words")
    url = f"{base.url}/documents/{created['batch']}/indexing-status"
    shown = (await base.http.get(url)).json()["data"][0]
    if shown["indexing_status"] == "completed":
        assert await base.chunks(document) == ["new words"]
    await base.settled(document)


async def test_name_in_data_wins_and_may_have_a_slash(base: Base) -> None:
    document = (await base.indexed())["id"]
    await base.update(document, "b.md", "words", {"name": "dir/c.md"})
    assert (await base.settled(document))["name"] == "dir/c.md"
    await base.update(document, "d.md", "words", {"name": ""})
    assert (await base.settled(document))["name"] == "d.md", "an empty one is ignored"


async def test_name_lengths(base: Base) -> None:
    document = (await base.indexed())["id"]
    reply = await base.update(document, "a.md", "words", {"name": "n" * 256})
    refused(reply, 500, "unknown")
    reply = await base.update(document, "a.md", "words", {"name": "n" * 255})
    assert reply.status_code == 200
    assert (await base.settled(document))["name"] == "n" * 255


async def test_only_available_documents(base: Base) -> None:
    broken = await base.indexed("broken.md", "x", custom(max_tokens=10))
    refused(
        await base.update(broken["id"], "a.md"), 400, "invalid_param", "Document is not available"
    )
    reply = await base.update(NOWHERE, "a.md")
    refused(reply, 404, "not_found", "Document not found")
    if not base.can(Ability.SWITCH):
        return
    disabled = (await base.indexed("disabled.md"))["id"]
    await base.switch("disable", disabled)
    refused(await base.update(disabled, "a.md"), 400, "invalid_param", "Document is not available")
    archived = (await base.indexed("archived.md"))["id"]
    await base.switch("archive", archived)
    refused(await base.update(archived, "a.md"), 400, "invalid_param", "Document is not available")


async def test_rules_are_kept_or_replaced(base: Base) -> None:
    text = "alpha " * 30
    document = (await base.indexed("a.txt", text, custom(max_tokens=50)))["id"]
    many = len(await base.chunks(document))
    assert many > 1
    await base.indexed("other.txt", text, custom(max_tokens=1000))
    await base.update(document, "a.txt", text)
    await base.settled(document)
    assert len(await base.chunks(document)) == many, "its own rule, not the newest"
    rule = {"process_rule": custom(max_tokens=1000)["process_rule"]}
    await base.update(document, "a.txt", text, rule)
    await base.settled(document)
    assert len(await base.chunks(document)) == 1


async def test_without_a_file(base: Base) -> None:
    document = (await base.indexed("a.txt", "alpha " * 30, custom(max_tokens=1000)))["id"]
    reply = await base.update(document, None)
    refused(reply, 400, "invalid_param", "Data source or Process rule is required")
    reply = await base.update(document, None, options=custom(max_tokens=50))
    assert reply.status_code == 200, reply.text
    await base.settled(document)
    assert len(await base.chunks(document)) > 1, "chunked again"


async def test_by_text(base: Base) -> None:
    document = (await base.indexed())["id"]
    url = base.call("update", "text", document)
    refused(await base.http.post(url, json={"text": "words"}), 400, "invalid_param")
    reply = await base.http.post(url, json={"name": "c", "text": "new words"})
    assert reply.status_code == 200, reply.text
    assert (await base.settled(document))["name"] == "c"
    assert await base.chunks(document) == ["new words"]


async def test_file_errors_differ_from_create(base: Base) -> None:
    document = (await base.indexed())["id"]
    refused(await base.update(document, "a.json"), 415, "unsupported_file_type")
    refused(await base.update(document, "noextension"), 415, "unsupported_file_type")
    if not base.can(Ability.ANY_PATH):
        reply = await base.update(document, "a\\b.md")
        refused(reply, 400, "invalid_param", "Filename contains invalid characters")
    reply = await base.update(document, "a.txt", b"x" * (15 * 1024 * 1024 + 1))
    if base.server.kind == "real" and reply.status_code == 200:
        pytest.skip("this server takes larger files")
    refused(reply, 413, "file_too_large")


@needs(Ability.METADATA)
async def test_metadata_survives(base: Base) -> None:
    document = (await base.indexed())["id"]
    field = await base.field("path")
    await base.assign(document, {"id": field, "name": "path", "value": "a"})
    await base.update(document, "b.md")
    await base.settled(document)
    assert await base.values(document) == {"path": "a"}


async def test_zero_chunks_are_updated_too(base: Base) -> None:
    document = (await base.indexed("a.md", b""))["id"]
    await base.update(document, "a.md", "words at last")
    await base.settled(document)
    assert await base.chunks(document) == ["words at last"]


async def test_other_methods(base: Base) -> None:
    document = (await base.indexed())["id"]
    for method in ("PATCH", "PUT"):
        url = base.call("update", "file", document)
        refused(await base.http.request(method, url), 405, "method_not_allowed")
