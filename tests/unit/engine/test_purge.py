"""Destroying a mirror: everything of ours goes, nothing else does, and what is left is said."""

from __future__ import annotations

import pytest

from kbsync.engine.execute.purge import destroy
from kbsync.messages import Problem
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import Intent, Op, Rejected, Unauthorized

from .fakes import Stage, stage
from .server import DROPPED, LOST, UNSENT
from .words import EPOCH, WHY, key_of

pytestmark = pytest.mark.anyio


def names(on: Stage) -> set[str]:
    return {each.name for each in on.server.documents.values()}


async def test_ours_goes_and_nothing_else() -> None:
    on = stage()
    for number in range(12):
        on.synced(f"{number}.md", b"ours")
    on.synced("gone.md", b"file deleted meanwhile")
    on.source.remove("gone.md")
    on.server.put("theirs.md", b"made by hand")
    copied = on.server.put("copied.md", b"bears copied metadata")
    on.server.mark(copied, "x.md")
    copied.metadata["kbsync_rev"] = "another"
    done = await destroy(on.world)
    assert (done.deleted, done.left) == (13, {})
    assert names(on) == {"theirs.md", "copied.md"}
    assert not on.ledger.held
    assert {line.action for line in on.ledger.journal} == {"delete"}
    assert on.server.peak <= 4


async def test_what_the_ledger_lost_but_marks_prove() -> None:
    on = stage()
    lost = on.server.put("lost.md", b"ours, once")
    on.server.mark(lost, "lost.md")
    other = on.server.put("other.md", b"of another kbsync")
    on.server.mark(other, "other.md")
    other.metadata["kbsync_owner"] = "another-owner"
    done = await destroy(on.world)
    assert done.deleted == 1
    assert names(on) == {"other.md"}


async def test_both_documents_of_a_swap() -> None:
    on = stage()
    old = on.server.put("a-old.md", b"old")
    on.synced("a.md", b"new", superseded=old.id)
    assert (await destroy(on.world)).deleted == 2
    assert not names(on)


@pytest.mark.parametrize("fault", [LOST, DROPPED, UNSENT])
async def test_a_call_that_did_not_come_through_is_made_again(fault: object) -> None:
    on = stage()
    on.synced("a.md", b"ours")
    on.server.faults["delete"].append(fault)  # type: ignore[arg-type]
    done = await destroy(on.world)
    assert (done.deleted, done.left) == (1, {})
    assert not on.ledger.intents


async def test_what_the_server_keeps_is_named() -> None:
    on = stage()
    on.synced("a.md", b"ours")
    on.synced("b.md", b"ours")
    archived = Rejected(remote_say.ARCHIVED(what="delete document"))
    on.server.faults["delete"].append(archived)
    done = await destroy(on.world)
    assert done.deleted == 1
    (left,) = done.left  # either of the two, as they are deleted side by side
    assert names(on) == {left.path}
    assert left in on.ledger.held


async def test_a_call_whose_end_was_not_seen_comes_first() -> None:
    on = stage()
    document = on.server.put("a.md", b"uploaded, and not seen")
    intent = Intent(key=key_of("a.md"), op=Op.CREATE, name="a.md", started_at=EPOCH)
    on.ledger.intents[intent.key] = intent
    assert (await destroy(on.world)).deleted == 1
    assert document.id not in on.server.documents


async def test_an_upload_that_may_still_appear_is_left() -> None:
    on = stage()
    intent = Intent(key=key_of("a.md"), op=Op.CREATE, name="a.md", started_at=EPOCH)
    on.ledger.intents[intent.key] = intent
    done = await destroy(on.world)
    assert done.left[intent.key].message is say.HELD_PENDING_CREATE
    assert on.ledger.intents == {intent.key: intent}


async def test_a_key_that_is_refused_ends_it_and_loses_nothing() -> None:
    on = stage()
    on.synced("a.md", b"ours")
    on.server.always["delete"] = Unauthorized(WHY)  # type: ignore[assignment]
    with pytest.raises(Problem):
        await destroy(on.world)
    assert key_of("a.md") in on.ledger.held


async def test_a_base_that_is_gone_is_no_proof_of_anything() -> None:
    on = stage()
    on.synced("a.md", b"ours")
    on.server.on_call["delete"] = lambda what: setattr(on.server, "base_there", False)
    with pytest.raises(Problem) as caught:
        await destroy(on.world)
    assert caught.value.notice.message is say.BASE_GONE
    assert key_of("a.md") in on.ledger.held
