"""`retry`: what failed or was refused is tried again, and nothing else is."""

from __future__ import annotations

import pytest

from kbsync.commands.retry import forgive
from kbsync.model import EntryState, Rejection
from tests.model.stored_document import FAILS

from .fakes import Stage, run_pool, stage
from .server import REFUSED
from .words import EPOCH, MIRROR, fingerprint_of, key_of

pytestmark = pytest.mark.anyio


def failed(on: Stage, path: str, content: bytes) -> None:
    on.synced(path, content, state=EntryState.FAILED, failures=3, retry_at=EPOCH + 3600)
    on.server.by_name(on.world.mirror.document_name(path))[0].fate = FAILS


async def test_a_refused_file_is_sent_again_though_it_did_not_change() -> None:
    on = stage({"a.md": b"a"})
    on.server.faults["create"].append(REFUSED)
    assert (await run_pool(on, ["a.md"])).stopped
    await run_pool(on, ["a.md"])
    assert on.server.count("create") == 1
    assert forgive(on.ledger, MIRROR, ()) == [key_of("a.md")]
    assert not (await run_pool(on, ["a.md"])).stopped
    assert on.server.count("create") == 2


async def test_a_failed_file_is_sent_again_before_its_time() -> None:
    on = stage()
    failed(on, "a.md", b"a")
    assert (await run_pool(on, ["a.md"])).stopped
    assert forgive(on.ledger, MIRROR, ()) == [key_of("a.md")]
    await run_pool(on, ["a.md"])
    entry = on.ledger.held[key_of("a.md")]
    assert (entry.state, entry.failures, entry.retry_at) == (EntryState.SYNCED, 0, None)


async def test_only_the_paths_that_were_named_and_what_lies_under_them() -> None:
    on = stage()
    for path in ("in/a.md", "in/deep/b.md", "inside.md", "c.md"):
        failed(on, path, path.encode())
    on.synced("in/fine.md", b"fine")
    assert forgive(on.ledger, MIRROR, ["in/", "c.md"]) == [
        key_of("c.md"),
        key_of("in/a.md"),
        key_of("in/deep/b.md"),
    ]
    assert on.ledger.held[key_of("inside.md")].retry_at is not None
    assert on.ledger.held[key_of("in/fine.md")].fingerprint == fingerprint_of(b"fine")


async def test_a_key_that_failed_and_was_refused_is_named_once() -> None:
    on = stage()
    failed(on, "a.md", b"a")
    key = key_of("a.md")
    refusal = Rejection(key=key, fingerprint=fingerprint_of(b"a"), reason=("X", "no"), at=EPOCH)
    on.ledger.rejections[key] = refusal
    assert forgive(on.ledger, MIRROR, ()) == [key]
    assert on.ledger.rejections == {}
