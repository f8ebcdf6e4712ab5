"""Two mirrors on one base share its listing: while one takes it anew, it proves nothing."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.remote_state import is_kept, refresh
from kbsync.engine.ports import ObservedListing
from kbsync.model import Capability, RemoteDocument

from .fakes import stage
from .words import key_of

pytestmark = pytest.mark.anyio


async def test_a_document_is_not_gone_because_its_base_is_listed_anew() -> None:
    on = stage()
    # By id it could not be asked for, so that a listing has to tell.
    on.server.capabilities = on.server.capabilities.noting(Capability.GET_DOCUMENT, False)
    entry = on.synced("a.md", b"x")
    on.source.remove("a.md")
    listing = await refresh(on.world)
    on.ledger.begin_listing(on.world.base_id or "")
    case = await EvidenceCollector(context=on.world, listing=listing).case(entry.key)
    assert isinstance(case.evidence.known, RemoteDocument)


async def test_a_name_is_not_free_because_its_base_is_listed_anew() -> None:
    on = stage({"a.md": b"x"})
    stranger = on.server.put("a.md", b"made by hand")
    listing = await refresh(on.world)
    on.ledger.begin_listing(on.world.base_id or "")
    case = await EvidenceCollector(context=on.world, listing=listing).case(key_of("a.md"))
    assert [each.id for each in case.evidence.namesakes] == [stranger.id]


async def test_a_listing_that_another_began_amid_says_nothing_of_what_the_ledger_has() -> None:
    on = stage()
    on.server.capabilities = on.server.capabilities.noting(Capability.GET_DOCUMENT, False)
    entries = [on.synced(f"{number}.md", b"x") for number in range(101)]
    on.server.latency = 2.0
    listings: list[ObservedListing] = []

    async def listed(after: float) -> None:
        await anyio.sleep(after)
        listings.append(await refresh(on.world))
        assert listings[-1].complete
        for entry in entries:
            on.source.files.pop(entry.key.path, None)
            case = await EvidenceCollector(context=on.world, listing=listings[-1]).case(entry.key)
            assert isinstance(case.evidence.known, RemoteDocument)

    async with anyio.create_task_group() as group:
        for after in (0.0, 3.0):  # the second begins between the pages of the first
            group.start_soon(listed, after)
    assert not is_kept(on.world, replace(listings[0], complete=False))
    assert all(is_kept(on.world, each) for each in listings)
