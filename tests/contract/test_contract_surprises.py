"""Section 15: every surprise a sync client has to handle, by its number.

What no real server does at will (a fork's fault, an outage, a crash) is shown on an embedded server
with the quirk of that name.
"""

from __future__ import annotations

import json
from itertools import count

import anyio
import httpx
import pytest
from abilities import Ability, needs
from anyio.abc import ByteStream
from contract_server import (
    AUTOMATIC,
    KEYWORD_SEARCH,
    NOWHERE,
    Base,
    Quirky,
    Server,
    custom,
    emptied,
    refused,
    rev,
)

pytestmark = pytest.mark.anyio


async def test_surprise_01_update_wedges_the_worker(quirky: Quirky) -> None:
    async with quirky("wedging-update") as server:
        assert server.version == "1.12.1"
        base = await server.new_base()
        document = (await base.indexed("a.md", "old words"))["id"]
        assert (await base.update(document, "a.md", "new words")).status_code == 200
        empty = (await base.indexed("empty.md", b""))["id"]
        assert (await base.get(document))["indexing_status"] != "completed", "for ever"
        assert (await base.get(document))["display_status"] in ("queuing", "indexing")
        await base.update(empty, "empty.md", "words")
        assert (await base.settled(empty))["indexing_status"] == "completed", "no chunks, no wedge"
        emptied(await server.http.delete(base.url))


async def test_surprise_01_same_name_create_avoids_it(quirky: Quirky) -> None:
    async with quirky("wedging-update") as server:
        base = await server.new_base()
        first = await base.indexed("a.md", "old words")
        second = await base.indexed("a.md", "new words")
        assert (second["id"], second["indexing_status"]) == (first["id"], "completed")


async def test_surprise_02_successful_delete_is_200_with_204(base: Base) -> None:
    document = (await base.indexed())["id"]
    emptied(await base.http.delete(f"{base.url}/documents/{document}"))


@needs(Ability.MERGE)
async def test_surprise_03_create_writes_over_an_existing_name(base: Base) -> None:
    first = (await base.upload("a.md", "words of another")).json()
    await base.settled(first["document"]["id"])
    second = (await base.upload("a.md", "our words")).json()
    await base.settled(second["document"]["id"])
    assert second["document"]["id"] == first["document"]["id"]
    assert second["batch"] != first["batch"]
    assert await base.chunks(second["document"]["id"]) == ["our words"]


async def test_surprise_04_names_are_flat_and_cut_at_the_first_dot(base: Base) -> None:
    if not base.can(Ability.ANY_PATH):
        refused(await base.upload("guides/install.md"), 400, "invalid_param", "Filename contains")
    first = await base.indexed("v1." + "a" * 210 + ".md", "one")
    second = await base.indexed("v1." + "b" * 210 + ".md", "two")
    assert first["name"] == second["name"] == "v1.md"
    assert (first["id"] == second["id"]) is base.can(Ability.MERGE), "one is lost"


async def test_surprise_05_overlapping_uploads_leave_doubled_chunks(quirky: Quirky) -> None:
    async with quirky("overlapping-uploads", delay=0.2) as server:
        base = await server.new_base()
        first = (await base.upload("a.md", "old words")).json()["document"]["id"]
        second = (await base.upload("a.md", "new words")).json()["document"]["id"]
        assert first == second
        assert (await base.settled(first))["indexing_status"] == "completed"
        assert len(await base.chunks(first)) > 1


async def test_surprise_06_completed_is_no_proof(base: Base) -> None:
    for name, content in (("empty.md", b""), ("header.csv", b"a,b\n")):
        created = (await base.upload(name, content)).json()
        document = await base.settled(created["document"]["id"])
        assert document["indexing_status"] == "completed"
        url = f"{base.url}/documents/{created['batch']}/indexing-status"
        (shown,) = (await base.http.get(url)).json()["data"]
        assert shown["total_segments"] == shown["completed_segments"] == 0
        assert (await base.row(document["id"]))["word_count"] == 0


async def test_surprise_06_an_index_that_stays_empty(quirky: Quirky) -> None:
    async with quirky("empty-index") as server:
        base = await server.new_base()
        document = await base.indexed("a.md", "words that should be there")
        assert (document["indexing_status"], document["segment_count"]) == ("completed", 0)


@needs(Ability.MERGE)
async def test_surprise_07_update_works_only_on_available_documents(
    base: Base, updates: None
) -> None:
    broken = await base.indexed("a.md", "x", custom(max_tokens=10))
    refused(
        await base.update(broken["id"], "a.md"), 400, "invalid_param", "Document is not available"
    )
    mended = await base.indexed("a.md", "x")
    assert (mended["id"], mended["indexing_status"]) == (broken["id"], "completed")


@needs(Ability.SWITCH)
async def test_surprise_07_a_disabled_document_gets_a_twin(base: Base) -> None:
    first = (await base.indexed("a.md"))["id"]
    await base.switch("disable", first)
    assert (await base.indexed("a.md"))["id"] != first


async def test_surprise_08_create_refuses_type_and_size_without_a_word(base: Base) -> None:
    reply = await base.upload("a.json")
    if base.can(Ability.NAMED_REFUSALS):
        refused(reply, 415, "unsupported_file_type")
    else:
        refused(reply, 400, "invalid_param")
        assert reply.json()["message"] == ""


async def test_surprise_08_update_says_which(base: Base, updates: None) -> None:
    document = (await base.indexed())["id"]
    refused(await base.update(document, "a.json"), 415, "unsupported_file_type")


async def test_surprise_09_no_hash_comes_back(base: Base) -> None:
    document = await base.indexed("a.md", b"12345678")
    shown = str(document) + str(await base.row(document["id"]))
    assert "hash" not in shown
    assert "sha" not in shown.replace("shared", "")
    reply = await base.text("b", "äöü")
    if base.can(Ability.FILE_SHOWN):
        upload = reply.json()["document"]["data_source_detail_dict"]["upload_file"]
        assert upload["size"] == (6 if base.can(Ability.TEXT_IN_BYTES) else 3), "characters"


@needs(Ability.METADATA)
async def test_surprise_09_assignments_that_store_nothing_answer_success(base: Base) -> None:
    document = (await base.indexed())["id"]
    reply = await base.assign(document, {"id": "no-uuid", "name": "x", "value": "y"})
    if base.can(Ability.GONE_IS_404):
        refused(reply, 400, "invalid_param")
    elif base.can(Ability.METADATA_REFUSED):
        refused(reply, 500, "unknown")
    else:
        assert reply.status_code == 200
    assert await base.values(document) == {}


async def test_surprise_09_dropped_assignments(quirky: Quirky) -> None:
    async with quirky("dropped-metadata") as server:
        base = await server.new_base()
        document = (await base.indexed())["id"]
        field = await base.field("path")
        reply = await base.assign(document, {"id": field, "name": "path", "value": "a"})
        assert reply.json() == {"result": "success"}
        assert await base.values(document) == {}


async def test_surprise_10_pages_lie(base: Base) -> None:
    for number in range(2):
        await base.indexed(f"{number}.md")
    url = f"{base.url}/documents"
    full = (await base.http.get(url, params={"limit": 2})).json()
    assert (len(full["data"]), full["has_more"], full["total"]) == (2, True, 2)
    past = (await base.http.get(url, params={"limit": 2, "page": 2})).json()
    assert (past["data"], past["has_more"]) == ([], False)
    large = (await base.http.get(url, params={"limit": 1000})).json()
    assert (large["limit"], large["has_more"]) == (1000, False)


@pytest.mark.timeout(600)
async def test_surprise_10_a_larger_limit_truncates_silently(base: Base) -> None:
    limiter = anyio.CapacityLimiter(4)

    async def create(number: int) -> None:
        async with limiter:
            assert (await base.upload(f"{number}.md", b"x")).status_code == 200

    async with anyio.create_task_group() as group:
        for number in range(102):
            group.start_soon(create, number)
    reply = await base.http.get(f"{base.url}/documents", params={"limit": 102})
    body = reply.json()
    assert (len(body["data"]), body["has_more"], body["total"]) == (100, False, 102)


@needs(Ability.MERGE)
async def test_surprise_11_batches(base: Base) -> None:
    first = (await base.upload("a.md")).json()
    document = await base.settled(first["document"]["id"])
    assert "batch" not in document
    assert "batch" not in await base.row(document["id"])
    second = (await base.upload("a.md")).json()
    assert second["batch"] != first["batch"]
    url = f"{base.url}/documents"
    refused(await base.http.get(f"{url}/{first['batch']}/indexing-status"), 404, "not_found")
    assert (await base.http.get(f"{url}/{second['batch']}/indexing-status")).status_code == 200
    await base.settled(document["id"])


async def test_surprise_11_an_update_keeps_its_batch(base: Base, updates: None) -> None:
    created = (await base.upload("a.md")).json()
    await base.settled(created["document"]["id"])
    updated = (await base.update(created["document"]["id"], "a.md")).json()
    assert updated["batch"] == created["batch"]
    await base.settled(created["document"]["id"])


async def test_surprise_12_created_from_turns_to_web(base: Base, updates: None) -> None:
    document = await base.indexed()
    assert document["created_from"] == "api"
    await base.update(document["id"], "a.md")
    assert (await base.settled(document["id"]))["created_from"] == "web"


async def test_surprise_13_what_has_to_be_said_each_time(base: Base) -> None:
    await base.indexed("a.md")
    assert (await base.upload("b.md", "x", None)).status_code == 200, "by file inherits"
    reply = await base.http.post(base.call("create", "text"), json={"name": "c", "text": "x"})
    refused(reply, 400, "invalid_param")
    reply = await base.upload("d.md", "x", AUTOMATIC, indexing_technique="high_quality")
    assert reply.status_code == 200, "ignored without notice"
    assert (await base.shown())["indexing_technique"] == "economy"


async def test_surprise_14_the_newest_rule_of_any_upload_is_inherited(base: Base) -> None:
    text = "alpha " * 30
    first = await base.indexed("long.txt", text, custom(max_tokens=1000))
    for number in count():
        later = await base.indexed(f"short{number}.txt", text, custom(max_tokens=50))
        # On a real server, rules of one second have no order among themselves (4.4).
        if base.server.kind != "real" or later["created_at"] >= first["created_at"] + 2:
            break
    inherited = await base.indexed("inherits.txt", text, None)
    assert len(await base.chunks(inherited["id"])) > 1
    explicit = await base.indexed("says.txt", text, custom(max_tokens=1000))
    assert len(await base.chunks(explicit["id"])) == 1


async def test_surprise_14_a_ruleless_update_keeps_its_own(base: Base, updates: None) -> None:
    text = "alpha " * 30
    document = await base.indexed("long.txt", text, custom(max_tokens=1000))
    await base.indexed("short.txt", text, custom(max_tokens=50))
    await base.update(document["id"], "long.txt", text)
    await base.settled(document["id"])
    assert len(await base.chunks(document["id"])) == 1


@needs(Ability.GET_BASE)
async def test_surprise_15_base_names(server: Server, base: Base) -> None:
    refused(await server.http.post("/datasets", json={"name": "x" * 41}), 400, "invalid_param")
    again = await server.http.post("/datasets", json={"name": base.name})
    refused(again, 409, "dataset_name_duplicate")
    other = await server.new_base(name=base.name.upper())
    renamed = await server.http.patch(other.url, json={"name": base.name})
    refused(renamed, 400, "invalid_param")
    params = {"keyword": base.name, "include_all": "true"}
    found = (await server.http.get("/datasets", params=params)).json()["data"]
    assert {row["id"] for row in found} == {base.id, other.id}


async def test_surprise_16_404_before_401_and_as_a_web_page(server: Server) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    reply = await server.http.get(f"/datasets/{NOWHERE}/documents", headers=wrong)
    assert reply.status_code == (401 if server.can(Ability.KEY_FIRST) else 404)
    refused(await server.http.get("/datasets", headers=wrong), 401, "unauthorized")
    page = await server.http.get("/datasets/no-uuid")
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")


@needs(Ability.GET_DOCUMENT)
async def test_surprise_16_404_messages_vary(base: Base) -> None:
    url = f"{base.url}/documents/{NOWHERE}"
    got, deleted = await base.http.get(url), await base.http.delete(url)
    assert got.json()["code"] == deleted.json()["code"] == "not_found"
    assert got.json()["message"] != deleted.json()["message"]


async def test_surprise_17_throttling_is_a_403_and_refusals_prolong_it(quirky: Quirky) -> None:
    async with quirky("cloud-throttle=3") as server:
        base = await server.new_base()
        replies = [await base.upload(f"{number}.md") for number in range(5)]
        assert [reply.status_code for reply in replies] == [200, 200, 403, 403, 403]
        refused(replies[-1], 403, "forbidden", "Sorry, you have reached the knowledge base request")
        assert "Retry-After" not in replies[-1].headers
        assert len(await base.listed()) == 2, "reads are free"
        body = {"query": "x", "retrieval_model": KEYWORD_SEARCH}
        refused(await base.http.post(f"{base.url}/retrieve", json=body), 403, "forbidden")
        assert (await base.switch("disable", NOWHERE)).status_code == 200, "switches are free"


async def test_surprise_18_plugin_daemon_away(quirky: Quirky) -> None:
    async with quirky("plugin-daemon-away") as server:
        base = await server.new_base()
        for path in ("/datasets", base.url, "/workspaces/current/models/model-types/rerank"):
            reply = await server.http.get(path)
            refused(reply, 400, "invalid_param", "Failed to request plugin daemon")
        assert (await base.indexed("a.md"))["indexing_status"] == "completed"
        assert len(await base.listed()) == 1


async def test_surprise_19_switches_lock_a_document(quirky: Quirky) -> None:
    async with quirky("locking-toggles=600") as server:
        base = await server.new_base()
        document = (await base.indexed("a.md"))["id"]
        assert (await base.switch("disable", document)).status_code == 200
        locked = await base.switch("enable", document)
        refused(locked, 400, "invalid_action", "Document:a.md is being indexed, please try again")


@needs(Ability.SWITCH)
async def test_surprise_19_archived_documents_cannot_be_deleted(base: Base) -> None:
    document = (await base.indexed())["id"]
    assert (await base.switch("archive", document)).status_code == 200
    reply = await base.http.delete(f"{base.url}/documents/{document}")
    refused(reply, 403, "archived_document_immutable")


@needs(Ability.MERGE)
async def test_surprise_20_what_is_safe_to_repeat(base: Base) -> None:
    first = (await base.indexed("a.md"))["id"]
    assert (await base.indexed("a.md"))["id"] == first, "a repeated create is the same document"
    url = f"{base.url}/documents/{first}"
    emptied(await base.http.delete(url))
    refused(await base.http.delete(url), 404, "not_found")


async def test_surprise_20_a_client_that_hangs_up_has_created_all_the_same(base: Base) -> None:
    if base.server.kind == "in process":
        pytest.skip("there is no socket to hang up")
    url = httpx.URL(base.server.url)
    request = base.http.build_request(
        "POST",
        base.call("create", "file"),
        files={"file": ("a.md", b"words", "text/plain")},
        data={"data": json.dumps(AUTOMATIC)},
    )
    lines = [b"POST %b HTTP/1.1" % request.url.raw_path]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    port = url.port or (443 if url.scheme == "https" else 80)
    stream: ByteStream
    if url.scheme == "https":
        stream = await anyio.connect_tcp(url.host, port, tls=True)
    else:
        stream = await anyio.connect_tcp(url.host, port)
    await stream.send(b"\r\n".join(lines) + b"\r\n\r\n" + await request.aread())
    await stream.aclose()
    await base.appears("a.md")


async def test_surprise_21_every_upload_is_a_new_file(base: Base) -> None:
    revs = set()
    for _ in range(3):
        document = await base.indexed("a.md", "the same words")
        revs.add(rev(document))
    assert len(revs) == 3, "identical bytes are indexed again"


async def test_surprise_22_indexing_is_asynchronous(quirky: Quirky) -> None:
    async with quirky(delay=0.3) as server:
        base = await server.new_base()
        document = (await base.upload("a.md")).json()["document"]["id"]
        seen = set()
        with anyio.fail_after(30):
            while "completed" not in seen:
                seen.add((await base.get(document))["indexing_status"])
                await anyio.sleep(0.005)
        assert seen & {"waiting", "parsing", "cleaning", "splitting", "indexing"}


async def test_surprise_22_a_queue_that_never_moves(quirky: Quirky) -> None:
    async with quirky("stuck-indexing") as server:
        base = await server.new_base()
        document = (await base.upload("a.md")).json()["document"]["id"]
        found = await base.get(document)
        assert (found["indexing_status"], found["display_status"]) == ("waiting", "queuing")
        assert [row["id"] for row in await base.listed(status="queuing")] == [document]
        emptied(await base.http.delete(f"{base.url}/documents/{document}"))


async def test_surprise_23_the_key_may_come_back_as_a_cookie(server: Server) -> None:
    """Only a fork does it; its clients must get the same answers from us without the cookie."""
    first = await server.http.get("/datasets", params={"limit": 1})
    server.http.cookies.clear()
    second = await server.http.get("/datasets", params={"limit": 1})
    assert first.status_code == second.status_code == 200


async def test_9_broken_tags(quirky: Quirky) -> None:
    async with quirky("broken-tags") as server:
        assert (await server.http.get("/datasets/tags")).json() == []
        made = await server.http.post("/datasets/tags", json={"name": "guides"})
        refused(made, 400, "invalid_param")
        assert "binding_count" in made.json()["message"]
        again = await server.http.post("/datasets/tags", json={"name": "guides"})
        refused(again, 400, "invalid_param", "Tag name already exists")
        refused(await server.http.get("/datasets/tags"), 400, "invalid_param")


async def test_old_servers_make_twins(quirky: Quirky) -> None:
    async with quirky("no-merge", "version=0.9.2") as server:
        assert server.version == "0.9.2"
        base = await server.new_base()
        first = await base.indexed("a.md")
        assert (await base.indexed("a.md"))["id"] != first["id"]


async def test_old_servers_replace_metadata(quirky: Quirky) -> None:
    async with quirky("no-partial-update") as server:
        base = await server.new_base()
        document = (await base.indexed())["id"]
        one, two = await base.field("one"), await base.field("two")
        await base.assign(document, {"id": one, "name": "one", "value": "1"})
        await base.assign(document, {"id": two, "name": "two", "value": "2"}, merge=True)
        assert await base.values(document) == {"two": "2"}


async def test_old_servers_have_no_metadata(quirky: Quirky) -> None:
    async with quirky("no-metadata") as server:
        base = await server.new_base()
        for method, path in (("GET", "/metadata"), ("POST", "/documents/metadata")):
            reply = await server.http.request(method, base.url + path, json={})
            assert reply.status_code == 404
            assert reply.headers["Content-Type"].startswith("text/html")
