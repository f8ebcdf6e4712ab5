"""A server that cannot be asked proves nothing: the pass ends, and the ledger stays as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.config import KnowledgeBaseConfig
from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.execute.recovery import find_resolution, resolve_intent
from kbsync.engine.observe.adoption import Trust
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.remote_state import documents, metadata_fields, refresh
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Problem
from kbsync.messages import command as command_say
from kbsync.model import Cause, Create, EntryState, Hold, Intent, NotSent, Op, Update
from kbsync.planning.recovery_table import StillPending

from .fakes import Stage, declaring, stage
from .server import UNSENT
from .words import EPOCH, WHY, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def engine_of(on: Stage, **words: object) -> Reconciler:
    return Reconciler(declaring(on.world.mirror, **words), on.ledger, on.server, on.clock)


async def unanswered(on: Stage, call: str, asking: object) -> None:
    """What asks `call` ends with the server's own sentence, and nothing is written down."""
    on.server.always[call] = UNSENT
    before = (dict(on.ledger.held), dict(on.ledger.intents), len(on.ledger.commits))
    with pytest.raises(Problem) as caught:
        await asking  # type: ignore[misc]
    assert caught.value.notice is WHY
    assert (dict(on.ledger.held), dict(on.ledger.intents), len(on.ledger.commits)) == before


async def test_a_page_that_did_not_come() -> None:
    on = stage()
    await unanswered(on, "page", refresh(on.world))


async def test_a_page_of_what_was_marked() -> None:
    on = stage()
    ids = {on.synced(f"{n}.md", b"%d" % n).document_id for n in range(9)}
    await unanswered(on, "page", documents(on.world, ids))


async def test_one_document_by_its_id() -> None:
    on = stage()
    entry = on.synced("a.md", b"a")
    await unanswered(on, "document", documents(on.world, {entry.document_id}))


async def test_the_fields() -> None:
    on = stage()
    await unanswered(on, "fields", metadata_fields(on.world))


async def test_the_document_of_a_decision() -> None:
    on = stage()
    on.synced("a.md", b"a")
    await unanswered(on, "document", EvidenceCollector(context=on.world).case(A, ask=True))


async def test_the_name_of_a_new_file() -> None:
    on = stage({"a.md": b"a"})
    await unanswered(on, "named", EvidenceCollector(context=on.world).case(A))


@pytest.mark.parametrize(
    ("op", "call"), [(Op.CREATE, "named"), (Op.UPDATE, "document"), (Op.DELETE, "document")]
)
async def test_what_became_of_a_call(op: Op, call: str) -> None:
    on = stage()
    target = None if op is Op.CREATE else on.synced("a.md", b"a").document_id
    intent = Intent(key=A, op=op, name="a.md", started_at=EPOCH, document_id=target)
    await unanswered(on, call, find_resolution(on.world, intent))


async def test_an_update_that_names_no_document_waits() -> None:
    on = stage()
    intent = Intent(key=A, op=Op.UPDATE, name="a.md", started_at=EPOCH)
    assert isinstance(await find_resolution(on.world, intent), StillPending)
    assert on.server.calls == []


async def test_how_far_indexing_is() -> None:
    on = stage()
    entry = on.synced("a.md", b"a")
    watch = IndexingTracker(on.world)
    watch.add(A, entry.document_id)
    on.server.always["named"] = NotSent(WHY)
    await unanswered(on, "document", watch.poll())


async def test_what_is_being_indexed() -> None:
    on = stage()
    watch = IndexingTracker(on.world)
    for n in range(9):
        watch.add(key_of(f"{n}.md"), on.synced(f"{n}.md", b"%d" % n).document_id)
    await unanswered(on, "page", watch.poll())


# -- where there is no base yet ------------------------------------------------------------------


async def test_without_a_base_nothing_is_asked_about_documents() -> None:
    on = stage({"a.md": b"a"})
    entry = on.synced("b.md", b"b")
    world = replace(on.world, base_id=None)
    new = await EvidenceCollector(context=world).case(A)
    known = await EvidenceCollector(context=world).case(entry.key, ask=True)
    assert (new.evidence.listed, new.evidence.namesakes) == (True, ())
    assert known.evidence.known is not None
    assert on.server.calls == []


async def test_nothing_is_offered_for_adoption_without_a_base() -> None:
    on = stage({"a.md": b"a"})
    on.server.base_there = False
    engine = engine_of(on, knowledge_base=KnowledgeBaseConfig(name="Docs"))
    with pytest.raises(Problem) as caught:
        await engine.offer(
            lambda files, documents: pytest.fail("no"), cause=Cause.NAME, trust=Trust.SIZE
        )
    assert caught.value.notice.message is command_say.BASE_UNMADE


async def test_an_empty_plan_makes_no_base() -> None:
    on = stage(settle=0.0)
    on.server.base_there = False
    engine = engine_of(on, knowledge_base=KnowledgeBaseConfig(name="Docs"), settle=0.0)
    report = await engine.apply(await engine.plan(), observe=lambda event: None)
    assert (report.done.total(), on.server.base_there, on.ledger.bindings) == (0, False, {})


# -- explain -------------------------------------------------------------------------------------


async def test_explain_asks_the_server_for_its_side() -> None:
    on = stage({"new.md": b"new"}, settle=0.0)
    on.synced("a.md", b"a")
    engine = engine_of(on)
    case, action = await engine.explain("a.md")
    assert case.evidence.known is not None
    on.source.write("a.md", b"edited")
    _, edited = await engine.explain("a.md")
    _, new = await engine.explain("new.md")
    assert (action.row, type(edited), type(new)) == ("T14", Update, Create)
    assert not on.ledger.commits
    next(iter(on.server.documents.values())).enabled = False
    _, off = await engine.explain("a.md")
    assert isinstance(off, Hold)
    assert {call for _, call, _ in on.server.calls} <= {"base", "fields", "document", "named"}


async def test_what_is_indexed_when_it_is_recovered_has_the_time_its_call_was_sent() -> None:
    """Its end may write over the keywords of what was proved since, and is looked for by that."""
    on = stage({"a.md": b"a"})
    made = on.server.model.new("a.md")
    on.server.model.put(made, "a.md", b"a", "English")
    made.ready_at = on.clock.now() + 600
    intent = Intent(key=A, op=Op.CREATE, name="a.md", started_at=on.clock.now() - 60)
    on.ledger.intents[A] = intent
    case = await EvidenceCollector(context=on.world).case(A)
    await resolve_intent(on.world, case, intent)
    entry = on.ledger.held[A]
    assert entry.state is EntryState.INDEXING
    assert (entry.sent_at, entry.progress_at) == (intent.started_at, on.clock.now())
