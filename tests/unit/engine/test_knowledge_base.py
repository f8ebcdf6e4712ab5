"""First the base: which one a mirror is tied to, and every reason to decide nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from declared import base_by_id

from kbsync.config import KnowledgeBaseConfig, ServerConfig
from kbsync.config.chunking import ChunkingSection
from kbsync.engine.context import Mirror
from kbsync.engine.observe.knowledge_base import (
    ensure_base,
    find_base,
    models_must_be_there,
    pipeline_decides,
)
from kbsync.engine.ports import Chunking
from kbsync.messages import Exit, Message, Problem
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import (
    UNDECLARED,
    Base,
    BaseSettings,
    Binding,
    Done,
    Gone,
    Intent,
    Op,
    Outcome,
    Unauthorized,
)

from .fakes import Stage, declaring, stage
from .server import UNSENT, ScriptedRemote
from .words import BASE, EPOCH, MIRROR, WHY, VirtualClock, key_of

pytestmark = pytest.mark.anyio
HERE, ELSEWHERE = "http://fake/v1", "http://elsewhere/v1"
DOCS, WIKI = KnowledgeBaseConfig(name="Docs"), KnowledgeBaseConfig(name="Wiki")


class Bases(ScriptedRemote):
    """A server with several bases, by id."""

    def __init__(self, *bases: Base) -> None:
        super().__init__(VirtualClock())
        self.bases = {base.id: base for base in bases}

    async def base(self, base_id: str) -> Outcome[Base]:
        fault = await self._begin("base", base_id)
        if fault is not None:
            return fault  # type: ignore[return-value]
        return Done(self.bases[base_id]) if base_id in self.bases else Gone()

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        await self._begin("bases_named", name)
        return Done(tuple(each for each in self.bases.values() if each.name == name))

    async def make_base(
        self, name: str, chunking: Chunking, settings: BaseSettings = UNDECLARED
    ) -> Outcome[Base]:
        fault = await self._begin("make_base", name)
        if fault is not None:
            return fault  # type: ignore[return-value]
        made = self.bases["made"] = Base(id="made", name=name, documents=0, form=chunking.form)
        return Done(made)


def base(id_: str = BASE, name: str = "Docs", **more: object) -> Base:
    return Base(id=id_, name=name, documents=0, **more)  # type: ignore[arg-type]


def declared(on: Stage, wanted: KnowledgeBaseConfig = DOCS, *, server: str = HERE) -> Mirror:
    """The stage's mirror with the base `wanted`."""
    mirror = replace(on.world.mirror, server=ServerConfig(url=server))
    return declaring(mirror, knowledge_base=wanted)


def bound(on: Stage, *, name: str = "Docs", server: str = HERE, device: int | None = None) -> None:
    binding = Binding(
        mirror=MIRROR, server=server, base_id=BASE, base_name=name, source="/fake", device=device
    )
    on.ledger.bind(binding)
    on.synced("a.md", b"sent under this binding")


async def refused(on: Stage, mirror: Mirror, server: ScriptedRemote) -> tuple[Message, Exit]:
    """Why nothing is decided; the ledger stays as it was."""
    before = (dict(on.ledger.bindings), dict(on.ledger.held), len(on.ledger.commits))
    with pytest.raises(Problem) as caught:
        await find_base(mirror, on.ledger, server)
    assert (dict(on.ledger.bindings), dict(on.ledger.held), len(on.ledger.commits)) == before
    assert caught.value.notice.next
    return caught.value.notice.message, caught.value.exit


# -- not bound yet -------------------------------------------------------------------------------


async def test_a_base_that_is_missing_is_made_once_and_bound() -> None:
    on, server = stage(), Bases()
    mirror = declared(on)
    assert await find_base(mirror, on.ledger, server) is None
    made = await ensure_base(mirror, on.ledger, server, on.clock)
    assert (made.id, on.ledger.bindings[MIRROR].base_id) == ("made", "made")
    assert (await ensure_base(mirror, on.ledger, server, on.clock)).id == "made"
    assert server.count("make_base") == 1


async def test_the_one_base_of_the_name_is_taken() -> None:
    on, server = stage(), Bases(base(), base("other", "Wiki"))
    assert (await ensure_base(declared(on), on.ledger, server, on.clock)).id == BASE
    assert server.count("make_base") == 0


async def test_a_base_that_cannot_be_made_binds_nothing() -> None:
    on, server = stage(), Bases()
    server.faults["make_base"].append(Unauthorized(WHY))  # type: ignore[arg-type]
    with pytest.raises(Problem) as caught:
        await ensure_base(declared(on), on.ledger, server, on.clock)
    assert caught.value.notice is WHY
    assert on.ledger.bindings == {}


def embedded_by(on: Stage, model: str | None) -> Mirror:
    """The stage's mirror, whose base is made with `model`, or with the server's own."""
    provider = "theirs" if model else None
    section = ChunkingSection(
        indexing_technique="high_quality", embedding_model=model, embedding_provider=provider
    )
    return declaring(declared(on), chunking=section)


@pytest.mark.parametrize("model", [None, "a-model"])
async def test_a_model_that_the_server_has_is_enough(model: str | None) -> None:
    on, server = stage(), Bases()
    await models_must_be_there(embedded_by(on, model), server)
    assert server.count("embedding_models") == 1


@pytest.mark.parametrize("model", [None, "another"])
async def test_without_its_model_no_base_is_planned(model: str | None) -> None:
    on, server = stage(), Bases()
    server.model.models = frozenset({"a-model"} if model else ())
    with pytest.raises(Problem) as caught:
        await models_must_be_there(embedded_by(on, model), server)
    assert caught.value.notice.message is remote_say.NO_MODEL
    assert caught.value.exit is Exit.REFUSED


async def test_models_that_are_not_listed_are_believed_in() -> None:
    on, server = stage(), Bases()
    server.faults["embedding_models"].append(Unauthorized(WHY))  # type: ignore[arg-type]
    await models_must_be_there(embedded_by(on, "another"), server)


async def test_an_economy_base_needs_no_model() -> None:
    on, server = stage(), Bases()
    await models_must_be_there(declared(on), server)
    assert server.count("embedding_models") == 0


async def test_two_of_the_name_are_not_chosen_between() -> None:
    on, server = stage(), Bases(base("one"), base("two"))
    assert await refused(on, declared(on), server) == (say.BASE_AMBIGUOUS, Exit.REFUSED)


async def test_an_id_that_is_unknown() -> None:
    on = stage()
    mirror = declared(on, base_by_id("typo"))
    assert (await refused(on, mirror, Bases(base())))[0] is say.BASE_UNKNOWN


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (base(mode="external"), say.BASE_MODE),
        (base(form="qa_model"), say.BASE_FORM),
        (base(mode="pipeline", refusal=WHY), say.BASE_PIPELINE),
    ],
)
async def test_a_base_of_another_kind_takes_nothing(found: Base, message: Message) -> None:
    on = stage()
    assert (await refused(on, declared(on), Bases(found)))[0] is message


async def test_a_pipeline_decides_the_form_and_that_is_said() -> None:
    on = stage()
    mirror = declared(on)
    found = await find_base(mirror, on.ledger, Bases(base(mode="pipeline", form="qa_model")))
    assert found is not None
    said = pipeline_decides(mirror, found)
    assert said is not None
    assert said.message is say.PIPELINE_DECIDES
    assert pipeline_decides(mirror, base()) is None


# -- bound ---------------------------------------------------------------------------------------


async def test_the_bound_base_is_asked_for_by_its_id() -> None:
    on, server = stage(), Bases(base(), base("twin"))
    bound(on)
    found = await find_base(declared(on), on.ledger, server)
    assert found is not None
    assert found.id == BASE


async def test_a_base_that_was_renamed_there_stays_the_base() -> None:
    on = stage()
    bound(on)
    found = await find_base(declared(on), on.ledger, Bases(base(name="Docs, new")))
    assert found is not None
    assert found.id == BASE


async def test_a_base_that_was_renamed_while_another_took_its_name() -> None:
    on = stage()
    bound(on)
    server = Bases(base(name="Docs, old"), base("usurper", "Docs"))
    assert (await refused(on, declared(on), server))[0] is say.BASE_REPLACED


async def test_another_name_is_declared_than_the_bound_one() -> None:
    on, server = stage(), Bases(base(), base("wiki", "Wiki"))
    bound(on)
    assert (await refused(on, declared(on, WIKI), server))[0] is say.MIRROR_MOVED_BASE
    assert server.count("bases_named") == 0


async def test_another_id_is_declared_than_the_bound_one() -> None:
    on, server = stage(), Bases(base(), base("wiki", "Wiki"))
    bound(on)
    mirror = declared(on, base_by_id("wiki"))
    assert (await refused(on, mirror, server))[0] is say.MIRROR_MOVED_BASE
    assert server.count("base") == 0


@pytest.mark.parametrize(
    ("wanted", "server", "others", "message"),
    [
        (DOCS, HERE, (), say.BASE_GONE),
        (base_by_id(BASE), HERE, (), say.BASE_GONE),
        (DOCS, HERE, (base("again"),), say.BASE_REMADE),
        (WIKI, HERE, (), say.MIRROR_MOVED_BASE),
        (DOCS, ELSEWHERE, (), say.MIRROR_MOVED_SERVER),
    ],
)
async def test_a_base_that_is_gone_is_told_by_what_took_its_place(
    wanted: KnowledgeBaseConfig, server: str, others: tuple[Base, ...], message: Message
) -> None:
    on = stage()
    bound(on)
    mirror = declared(on, wanted, server=server)
    assert await refused(on, mirror, Bases(*others)) == (message, Exit.REFUSED)


async def test_a_server_that_only_changed_its_address_keeps_its_base() -> None:
    on = stage()
    bound(on, device=7)
    mirror = declared(on, server=ELSEWHERE)
    assert (await ensure_base(mirror, on.ledger, Bases(base()), on.clock)).id == BASE
    kept = on.ledger.bindings[MIRROR]
    assert (kept.server, kept.device) == ("http://elsewhere/v1", 7)


async def test_a_binding_under_which_nothing_was_sent_gives_way() -> None:
    on = stage()
    bound(on)
    on.ledger.held.clear()
    found = await find_base(declared(on, WIKI), on.ledger, Bases(base("w", "Wiki")))
    assert found is not None
    assert found.id == "w"


async def test_a_binding_with_a_call_that_may_still_land_does_not() -> None:
    on = stage()
    bound(on)
    on.ledger.held.clear()
    call = Intent(key=key_of("b.md"), op=Op.CREATE, name="b.md", started_at=EPOCH)
    on.ledger.intents[call.key] = call
    mirror = declared(on, WIKI)
    assert (await refused(on, mirror, Bases(base(), base("w", "Wiki"))))[0] is say.MIRROR_MOVED_BASE


async def test_a_server_that_cannot_be_asked_proves_nothing() -> None:
    on, server = stage(), Bases(base())
    bound(on)
    server.faults["base"].append(UNSENT)
    with pytest.raises(Problem) as caught:
        await find_base(declared(on), on.ledger, server)
    assert caught.value.notice is WHY
