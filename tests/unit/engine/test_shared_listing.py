"""Two mirrors on one base share its listing: while one takes it anew, it proves nothing."""

from __future__ import annotations

import pytest

from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.remote_state import refresh
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
