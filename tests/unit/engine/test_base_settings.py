"""Declared settings of the base: set before documents are sent, read back, remembered."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.config import ChunkingSection, KnowledgeBaseConfig
from kbsync.engine.execute.results import Event, Report
from kbsync.messages import Message
from kbsync.messages import base_settings as say
from kbsync.model import (
    BaseSettings,
    Capabilities,
    Done,
    NotSent,
    Outcome,
    Rejected,
    Setting,
    Throttled,
)
from kbsync.planning.base_settings import as_read
from kbsync.planning.plan import Plan

from .controlled import controlled, counted
from .fakes import Stage, stage
from .server import LOST
from .test_planner import engine_of
from .words import MIRROR, WHY

pytestmark = pytest.mark.anyio
MEMBER = "0c1d2e3f-1111-4222-8333-444455556666"


def declared(**settings: object) -> KnowledgeBaseConfig:
    return KnowledgeBaseConfig.model_validate({"name": "Docs", **settings})


def with_settings(found: BaseSettings | None = None, **settings: object) -> Stage:
    """A mirror in sync whose base has other settings than declared."""
    on = stage(settle=0.0, knowledge_base=declared(**settings))
    on.server.model.settings = found or BaseSettings(
        description="", permission="only_me", technique="economy", tags=frozenset()
    )
    return on


async def passed(on: Stage) -> tuple[Plan, Report]:
    """Plan and apply once; events go to the stage."""
    engine = engine_of(on)
    planned = await engine.plan()
    return planned.plan, await engine.apply(planned, observe=on.events.append)


def steps(events: list[Event]) -> list[tuple[str, str, str]]:
    settings = [each for each in events if each.action == "set_base"]
    return [(e.key.path.rpartition("/")[2], e.cause, e.outcome) for e in settings]


def held(report: Report) -> dict[str, Message]:
    found = report.stopped.items()
    return {key.path.rpartition("/")[2]: why.message for key, (_, why) in found}


def remembered(on: Stage) -> BaseSettings:
    return as_read(on.ledger.bindings[MIRROR].settings)


# -- once ----------------------------------------------------------------------------------------


async def test_what_differs_is_set_read_back_and_remembered() -> None:
    on = with_settings(
        description="ours", permission="all_team_members", tags=["a"], fields={"x": "time"}
    )
    on.synced("a.md", b"text")
    plan, report = await passed(on)
    assert plan.counts == {"set_metadata": 1, "set_base": 4}
    found = on.server.model.settings
    assert (found.description, found.permission, found.tags) == (
        "ours",
        "all_team_members",
        frozenset({"a"}),
    )
    assert on.server.model.kinds["x"] == "time"
    assert report.done["set_base"] == 4
    assert {outcome for _, _, outcome in steps(on.events)} == {"done"}
    assert remembered(on) == on.world.mirror.config.declared_base
    lines = [line for line in on.ledger.journal if line.action == "set_base"]
    assert {(line.outcome, line.detail) for line in lines} == {("done", "settings")}
    assert [line.path for line in lines] == [
        Setting(each).key(MIRROR).path for each in ("description", "permission", "tags", "fields")
    ]
    again, _ = await passed(on)
    assert (again.base, again.changes) == ((), False)


async def test_nothing_is_asked_or_remembered_where_nothing_is_declared() -> None:
    on = with_settings()
    on.synced("a.md", b"text")
    await passed(on)
    assert on.server.count("change_base") == 0
    assert on.ledger.bindings[MIRROR].settings is None


async def test_what_was_changed_at_the_server_is_put_back() -> None:
    on = with_settings(description="ours")
    await passed(on)
    on.server.model.settings = replace(on.server.model.settings, description="theirs")
    on.events.clear()
    await passed(on)
    assert steps(on.events) == [("description", "drift", "done")]
    assert on.server.model.settings.description == "ours"


async def test_or_only_reported() -> None:
    on = with_settings(description="ours")
    on.declare(on_drift="report")
    await passed(on)
    on.server.model.settings = replace(on.server.model.settings, description="theirs")
    plan, report = await passed(on)
    assert (plan.changes, plan.unmet) == (False, True)
    assert held(report) == {"description": say.SETTING_DRIFT}
    assert on.server.model.settings.description == "theirs"


async def test_two_writers_do_not_take_turns_for_ever() -> None:
    on = with_settings(description="ours")
    on.ledger.repaired[Setting.DESCRIPTION.key(MIRROR)] = 2
    await passed(on)
    on.server.model.settings = replace(on.server.model.settings, description="theirs")
    _, report = await passed(on)
    assert held(report) == {"description": say.SETTING_FOUGHT}


async def test_settings_come_before_documents() -> None:
    on = with_settings(description="ours")
    on.source.write("a.md", b"text")
    await passed(on)
    calls = [call for _, call, _ in on.server.calls]
    assert calls.index("change_base") < calls.index("create")


# -- a base that is made -------------------------------------------------------------------------


async def test_a_base_is_made_with_its_settings_and_completed() -> None:
    settings = {"permission": "partial_members", "partial_members": [MEMBER]}
    on = stage({"a.md": b"text"}, settle=0.0, knowledge_base=declared(**settings, tags=["a"]))
    on.server.base_there = False
    plan, report = await passed(on)
    assert [each.cause for each in plan.base] == ["new", "new"]
    found = on.server.model.settings
    assert (found.permission, found.members) == ("partial_members", frozenset({MEMBER}))
    assert found.tags == {"a"}
    assert report.exit == 0
    again, _ = await passed(on)
    assert not again.changes


async def test_no_base_is_made_for_its_settings_alone() -> None:
    on = stage(settle=0.0, knowledge_base=declared(description="ours"))
    on.server.base_there = False
    plan, _ = await passed(on)
    assert (plan.base, plan.changes, on.server.base_there) == ((), False, False)


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Rejected(WHY), NotSent(WHY)])
async def test_a_setting_that_cannot_be_set_keeps_no_document_back(fault: Outcome[None]) -> None:
    on = with_settings(description="ours", tags=["a"])
    on.source.write("a.md", b"text")
    on.server.always["change_base"] = fault  # type: ignore[assignment]
    _, report = await passed(on)
    assert held(report) == {"description": say.SETTING_REFUSED}
    assert report.exit == 3
    assert on.states() == {"a.md": "synced"}
    assert on.server.model.settings.tags == {"a"}
    assert "description" not in [each.value for each in remembered(on).named]


async def test_a_setting_waits_where_the_server_wants_to_rest() -> None:
    on = with_settings(description="ours")
    on.server.faults["change_base"].append(Throttled(60.0))  # type: ignore[arg-type]
    _, report = await passed(on)
    assert (report.exit, on.server.count("change_base")) == (0, 2)


async def test_an_answer_that_was_lost_is_read_back() -> None:
    on = with_settings(description="ours")
    on.server.faults["change_base"].append(LOST)
    _, report = await passed(on)
    assert (report.exit, report.done["set_base"]) == (0, 1)


async def test_a_server_that_forgets_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    on = with_settings(description="ours")
    monkeypatch.setattr(on.server.model, "change_base", lambda base_id, settings: Done(None))
    _, report = await passed(on)
    assert held(report) == {"description": say.SETTING_NOT_KEPT}
    plan, _ = await passed(on)
    assert [each.cause for each in plan.base] == ["settings"]


async def test_an_old_server_is_not_asked() -> None:
    on = with_settings(description="ours")
    on.server.capabilities = Capabilities(version="1.1.3")
    plan, report = await passed(on)
    assert not plan.changes
    assert held(report) == {"description": say.SETTING_TOO_OLD}
    assert on.server.count("change_base") == 0


async def test_a_technique_is_changed_while_the_base_is_empty() -> None:
    chunking = ChunkingSection.model_validate(
        {
            "indexing_technique": "high_quality",
            "embedding_model": "embed-3",
            "embedding_provider": "acme",
        }
    )
    on = with_settings()
    on.declare(chunking=chunking)
    on.source.write("a.md", b"text")
    _, report = await passed(on)
    assert report.exit == 0
    assert on.server.model.settings.technique == "high_quality"
    on.server.model.settings = replace(on.server.model.settings, technique="economy")
    _, report = await passed(on)
    assert held(report) == {"indexing_technique": say.EMBEDS_ALL}
    assert on.server.model.settings.technique == "economy"


# -- the daemon ----------------------------------------------------------------------------------


async def test_the_daemon_sets_them_before_it_watches_and_puts_them_back() -> None:
    on = counted(with_settings(description="ours"))
    on.synced("a.md", b"text")
    async with controlled(on) as it:
        assert on.server.model.settings.description == "ours"
        assert steps(it.events) == [("description", "settings", "done")]
        on.server.model.settings = replace(on.server.model.settings, description="theirs")
        it.controller.nudge(listing=True)
        await anyio.sleep(10)
        assert on.server.model.settings.description == "ours"
        assert steps(it.events)[1:] == [("description", "drift", "done")]


async def test_the_daemon_says_once_what_it_cannot_set() -> None:
    on = counted(with_settings(description="ours"))
    on.synced("a.md", b"text")
    on.server.always["change_base"] = Rejected(WHY)  # type: ignore[assignment]
    key = Setting.DESCRIPTION.key(MIRROR)
    async with controlled(on) as it:
        assert it.controller.unmet[key].message is say.SETTING_REFUSED
        it.controller.nudge(listing=False)
        await anyio.sleep(10)
        assert len(steps(it.events)) == 1
        on.server.always["change_base"] = None
        it.controller.nudge(listing=True)
        await anyio.sleep(10)
        assert key not in it.controller.unmet


async def test_a_paused_daemon_counts_them() -> None:
    on = counted(with_settings(description="ours"))
    on.synced("a.md", b"text")
    async with controlled(on, begin=False) as it:
        it.controller.paused = True
        it.group.start_soon(it.controller.run)
        await anyio.sleep(10)
        assert it.controller.status.pending >= 1
        assert on.server.model.settings.description == ""
        it.controller.paused = False
        await anyio.sleep(10)
        assert on.server.model.settings.description == "ours"


async def test_the_daemon_completes_a_base_it_makes() -> None:
    on = counted(stage({"a.md": b"text"}, settle=0.0, knowledge_base=declared(tags=["a"])))
    on.server.base_there = False
    async with controlled(on) as it:
        assert it.exact()
        assert on.server.model.settings.tags == {"a"}
