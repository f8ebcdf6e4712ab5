"""What the trash and updates by swap lean on (docs/design.md section 7)."""

from __future__ import annotations

import pytest
from abilities import Ability, needs
from contract_server import Base
from test_contract_downloads import address, fetched

pytestmark = pytest.mark.anyio


@needs(Ability.SWITCH)
async def test_a_disabled_document_is_the_same_once_it_is_enabled(base: Base) -> None:
    document = (await base.indexed("k.md", "kernel scheduler threads"))["id"]
    before, chunks = await base.row(document), await base.chunks(document)
    for action, enabled in (("disable", False), ("enable", True)):
        reply = await base.switch(action, document)
        if reply.status_code == 400 and base.server.kind == "real":
            pytest.skip("a switch is locked for up to ten minutes")
        assert reply.status_code == 200, reply.text
        assert (await base.get(document))["enabled"] is enabled
    after = await base.row(document)
    same = ("id", "name", "word_count", "data_source_info", "doc_metadata", "indexing_status")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert await base.chunks(document) == chunks


@needs(Ability.SWITCH)
@needs(Ability.DOWNLOAD)
async def test_a_disabled_document_gives_its_bytes(base: Base) -> None:
    document = (await base.indexed("k.md", b"# Kernel\n\nthreads\n"))["id"]
    assert (await base.switch("disable", document)).status_code == 200
    reply = await fetched(base.server, await address(base, document))
    assert (reply.status_code, reply.content) == (200, b"# Kernel\n\nthreads\n")


@needs(Ability.SWITCH)
async def test_a_disabled_document_can_be_deleted(base: Base) -> None:
    document = (await base.indexed("k.md", "kernel"))["id"]
    assert (await base.switch("disable", document)).status_code == 200
    assert (await base.http.delete(f"{base.url}/documents/{document}")).is_success
    assert await base.listed() == []


@needs(Ability.SEARCH)
async def test_new_beside_old_both_are_found_until_the_old_one_goes(base: Base) -> None:
    old = (await base.indexed("k.md", "kernel scheduler threads"))["id"]
    reply = await base.upload("k.md", "kernel scheduler fibres", duplicate=False)
    new = reply.json()["document"]["id"]
    await base.settled(new)
    assert new != old
    assert {row["name"] for row in await base.listed()} == {"k.md"}
    assert set(await base.search("kernel")) == {
        "kernel scheduler threads",
        "kernel scheduler fibres",
    }
    assert (await base.http.delete(f"{base.url}/documents/{old}")).is_success
    assert await base.search("fibres") == ["kernel scheduler fibres"]
