"""Declared values are written with marks and read back; a switch that is locked is waited out."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from declared import one_rule

from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.messages import source as source_say
from kbsync.model import Capability, Gone, NotReady, Rejected, Sidecar, Throttled, Typed
from kbsync.model.declared import OFF, UNSETTLED
from kbsync.planning.marks import values_hash

from .fakes import Stage, run_pool, stage
from .server import DROPPED, LOST, REFUSED, UNSENT, Late
from .words import BASE, SETTINGS, WHY, key_of

pytestmark = pytest.mark.anyio


def declaring(
    files: dict[str, bytes] | None = None, *, enabled: bool | None = None, **metadata: object
) -> Stage:
    """A stage whose server keeps metadata, and a mirror that declares some."""
    on = stage(files)
    on.world = replace(on.world, fields={}, owner="ours")
    declare(on, enabled=enabled, **metadata)
    return on


def declare(on: Stage, *, enabled: bool | None = None, **metadata: object) -> None:
    off = OFF if enabled is False else ""
    profile = (
        f"{sorted(metadata.items())} {enabled}{off}" if metadata or enabled is not None else ""
    )
    rules = one_rule(SETTINGS, metadata=metadata, enabled=enabled, profile=profile)
    on.world = replace(on.world, mirror=replace(on.world.mirror, document_rules=rules))


def held(on: Stage, path: str) -> dict[str, str]:
    """What the document of `path` carries beside its mark."""
    document = on.server.documents[on.ledger.held[key_of(path)].document_id]
    return {n: v for n, v in document.metadata.items() if not n.startswith("kbsync_")}


async def again(on: Stage, *paths: str):  # type: ignore[no-untyped-def]
    on.world = replace(on.world, fields=dict(on.server.field_ids))
    return await run_pool(on, paths)


async def test_values_come_with_the_mark_of_an_upload() -> None:
    on = declaring({"a.md": b"a", "d/b.md": b"b"}, team="docs", where="{parent}", size="{size}")
    report = await run_pool(on, ["a.md", "d/b.md"])
    assert report.exit == 0
    assert held(on, "a.md") == {"team": "docs", "size": "1"}
    assert held(on, "d/b.md") == {"team": "docs", "where": "d", "size": "1"}
    assert on.server.count("assign") == 1
    entry = on.ledger.held[key_of("a.md")]
    assert entry.metadata == {"team": "docs", "size": 1}
    assert entry.profile == on.world.mirror.rule_of("a.md").profile
    assert on.server.model.kinds == {**on.server.model.kinds, "team": "string", "size": "number"}


async def test_what_is_declared_otherwise_is_written_and_nothing_is_sent() -> None:
    on = declaring({"a.md": b"a"}, team="docs", kind="page")
    await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    document.metadata["theirs"] = "kept"
    uploads = on.server.count("create")
    declare(on, team="web")
    report = await again(on, "a.md")
    assert report.done == {"set_metadata": 1}
    assert held(on, "a.md") == {"team": "web", "theirs": "kept"}
    assert on.server.count("create") == uploads
    assert on.server.count("update") == 0
    declare(on)
    await again(on, "a.md")
    assert held(on, "a.md") == {"theirs": "kept"}
    assert on.ledger.held[key_of("a.md")].profile == ""


async def test_others_keep_theirs_on_a_server_that_drops_what_is_not_sent() -> None:
    on = declaring({"a.md": b"a"}, team="docs")
    on.server.model.able = on.server.model.able.noting(Capability.MERGE_METADATA, able=False)
    await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    on.server.model.make_field(BASE, "theirs")
    document.metadata["theirs"] = "kept"
    declare(on, team="web")
    await again(on, "a.md")
    assert held(on, "a.md") == {"team": "web", "theirs": "kept"}


async def test_a_field_of_another_type_is_named_and_the_others_are_written() -> None:
    on = declaring({"a.md": b"a", "b.md": b"b"}, team="docs", rank=1)
    on.server.model.make_field(BASE, "rank", "string")
    report = await run_pool(on, ["a.md", "b.md"])
    whys = {key.path: why.message for key, (_, why) in report.stopped.items()}
    assert whys == dict.fromkeys(["a.md", "b.md"], say.FIELD_OF_OTHER_TYPE)
    assert held(on, "a.md") == {"team": "docs"}
    report = await again(on, "a.md")
    assert {why.message for _, why in report.stopped.values()} == {say.FIELD_OF_OTHER_TYPE}
    assert report.exit == 3


async def test_a_field_that_was_deleted_there_is_made_again_with_its_type() -> None:
    on = declaring({"a.md": b"a"}, team="docs", rank=1)
    await run_pool(on, ["a.md"])
    del on.server.model.fields["rank"], on.server.model.kinds["rank"]
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    del document.metadata["rank"]
    report = await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert (report.done, report.stopped) == ({"set_metadata": 1}, {})
    assert held(on, "a.md") == {"team": "docs", "rank": "1"}
    assert on.server.model.kinds["rank"] == "number"


async def test_a_field_that_the_server_refuses_costs_its_own_value_alone() -> None:
    on = declaring({"a.md": b"a"}, team="docs", bad="x")

    def refused(name: str) -> Rejected | None:
        return Rejected(WHY) if name == "bad" else None

    made = on.server.model.make_field
    on.server.model.make_field = lambda base, name, kind="string": (  # type: ignore[method-assign]
        refused(name) or made(base, name, kind)
    )
    report = await run_pool(on, ["a.md"])
    assert [why.message for _, why in report.stopped.values()] == [say.FIELD_REFUSED]
    assert held(on, "a.md") == {"team": "docs"}


async def test_values_that_do_not_come_back_are_an_error_and_no_loop() -> None:
    on = declaring({"a.md": b"a"}, team="docs")
    assign = on.server.model.assign

    def loses(base, fields, assignments):  # type: ignore[no-untyped-def]
        kept = [
            replace(each, values={n: v for n, v in each.values.items() if n != "team"})
            for each in assignments
        ]
        return assign(base, fields, kept)

    on.server.model.assign = loses  # type: ignore[method-assign]
    report = await run_pool(on, ["a.md"])
    assert [why.message for _, why in report.stopped.values()] == [say.METADATA_NOT_STORED]
    assert on.server.count("assign") == 2
    entry = on.ledger.held[key_of("a.md")]
    assert (entry.metadata, entry.profile) == ({}, UNSETTLED)


async def test_a_sidecar_that_cannot_be_used_keeps_what_is_there() -> None:
    on = declaring({"a.md": b"a"}, team="docs")
    await run_pool(on, ["a.md"])
    on.source.sidecars["a.md"] = Sidecar(digest="x", fault=WHY)
    report = await again(on, "a.md")
    assert report.exit == 0 or report.stopped
    assert held(on, "a.md") == {"team": "docs"}
    on.source.sidecars["a.md"] = Sidecar(digest="y", metadata={"team": Typed("string", "beside")})
    await again(on, "a.md")
    assert held(on, "a.md") == {"team": "beside"}
    del on.source.sidecars["a.md"]
    await again(on, "a.md")
    assert held(on, "a.md") == {"team": "docs"}


async def test_front_matter_that_cannot_be_used_keeps_no_document_from_being_disabled() -> None:
    on = declaring({"a.md": b"---\nteam: [front\n---\na"}, enabled=False, team="docs")
    on.source.chosen = ("team",)
    report = await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    assert (document.content, document.enabled) == (b"a", False)
    assert [why.message for _, why in report.stopped.values()] == [source_say.FRONT_MATTER_BROKEN]
    on.source.edit("a.md", b"---\nteam: front\n---\na")
    report = await again(on, "a.md")
    assert (held(on, "a.md"), document.enabled) == ({"team": "front"}, False)
    assert on.server.count("update") == 0


async def test_a_document_is_disabled_once_it_is_found_and_stays_so_over_an_edit() -> None:
    on = declaring({"a.md": b"a"}, enabled=False)
    report = await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    assert not document.enabled
    assert report.done["switch"] == 1
    assert on.ledger.held[key_of("a.md")].profile.endswith(OFF)
    on.source.edit("a.md", b"another")
    report = await again(on, "a.md")
    assert (document.content, document.enabled) == (b"another", False)
    assert report.exit == 0
    declare(on)
    await again(on, "a.md")
    assert document.enabled


async def test_a_lock_of_ten_minutes_is_waited_out() -> None:
    on = declaring({"a.md": b"a"}, enabled=False)
    locked = on.clock.now() + 590
    switch = on.server.model.switch

    def held_back(base: str, document: str, action: str):  # type: ignore[no-untyped-def]
        if on.clock.now() < locked:
            return NotReady(remote_say.SWITCH_LOCKED(what="disable"), 600.0)
        return switch(base, document, action)

    on.server.model.switch = held_back  # type: ignore[method-assign]
    report = await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    assert not document.enabled
    assert report.exit == 0
    waits = [event.why.message for event in on.events if event.action == "wait" and event.why]
    assert say.WAITS_FOR_SWITCH in waits


@pytest.mark.parametrize(
    "fault", [UNSENT, Throttled(10.0), Gone(), REFUSED, LOST, DROPPED, Late(20.0)], ids=str
)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_declared_switch_that_went_astray_is_made_good(
    declared: bool, fault: object
) -> None:
    on = declaring({"a.md": b"a"}, enabled=declared)
    await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    document.enabled = not declared  # an operator's doing
    on.server.faults["switch"].append(fault)  # type: ignore[arg-type]
    for _ in range(2):
        await run_pool(on, ["a.md"], listing=await refresh(on.world))
        await on.clock.sleep(30.0)
    assert document.enabled is declared
    assert on.ledger.intents == {}
    entry = on.ledger.held[key_of("a.md")]
    assert entry.profile == on.world.mirror.rule_of("a.md").profile


async def test_what_a_person_enabled_is_found_by_a_listing_and_disabled_again() -> None:
    on = declaring({"a.md": b"a"}, enabled=False)
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    await engine.apply(await engine.plan(), observe=on.events.append)
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    assert not (await engine.plan()).plan.actions
    document.enabled = True
    planned = await engine.plan()
    assert [str(each.cause) for each in planned.plan.actions] == ["switched"]
    await engine.apply(planned, observe=on.events.append)
    assert not document.enabled


async def test_a_disabling_that_got_no_answer_is_undone_once_it_is_declared_no_more() -> None:
    on = declaring({"a.md": b"a"})
    await run_pool(on, ["a.md"])
    declare(on, enabled=False)
    on.server.faults["switch"].append(LOST)
    with anyio.move_on_after(0.9):  # the process ends before it looks what became of it
        await again(on, "a.md")
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    assert not document.enabled
    assert on.ledger.intents
    declare(on)
    report = await again(on, "a.md")
    assert (document.enabled, report.exit) == (True, 0)


async def test_an_operators_switch_is_left_alone_unless_the_contrary_is_declared() -> None:
    on = declaring({"a.md": b"a"}, team="docs")
    await run_pool(on, ["a.md"])
    document = on.server.documents[on.ledger.held[key_of("a.md")].document_id]
    document.enabled = False
    declare(on, team="docs", enabled=True)
    report = await again(on, "a.md")
    assert document.enabled
    assert report.done["switch"] == 1
    mark = values_hash(values_of_mark(document.metadata))
    assert on.ledger.held[key_of("a.md")].metadata_hash == mark


def values_of_mark(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name.startswith("kbsync_")}
