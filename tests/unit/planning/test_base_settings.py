"""Declared settings of a knowledge base, compared with what the server tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.messages import Message
from kbsync.messages import base_settings as say
from kbsync.model import (
    UNDECLARED,
    Base,
    BaseSettings,
    Capabilities,
    Cause,
    Embedding,
    Setting,
)
from kbsync.planning.base_settings import (
    BaseCase,
    as_kept,
    as_read,
    base_changes,
    dropped_tags,
    missing_tags,
    settings_met,
)

JO, MO = "0c1d2e3f-1111-4222-8333-444455556666", "0c1d2e3f-1111-4222-8333-444455557777"
BY_WORDS = {"search_method": "keyword_search", "reranking_enable": False, "top_k": 3}
MODEL = Embedding(model="embed-3", provider="langgenius/acme/acme")
TOLD = BaseSettings(
    description="",
    permission="only_me",
    technique="economy",
    retrieval={**BY_WORDS, "reranking_model": {"reranking_model_name": None}},
    tags=frozenset({"theirs"}),
    fields={"kbsync_path": "string", "reviewed": "time"},
)
WHOLE = BaseSettings(
    description="ours",
    permission="partial_members",
    members=frozenset({JO, MO}),
    technique="high_quality",
    embedding=MODEL,
    retrieval=BY_WORDS,
    tags=frozenset({"a", "b"}),
    fields={"reviewed": "time"},
)


def case(
    declared: BaseSettings,
    found: BaseSettings = TOLD,
    *,
    documents: int = 0,
    mode: str = "general",
    version: str = "1.16.1",
    **more: object,
) -> BaseCase:
    technique = found.technique
    base = Base(
        id="b", name="Docs", documents=documents, technique=technique, mode=mode, settings=found
    )
    able = Capabilities(version=version)
    return BaseCase(mirror="docs", name="Docs", declared=declared, base=base, able=able, **more)  # type: ignore[arg-type]


def differing(each: BaseCase) -> list[Setting]:
    return [change.setting for change in base_changes(each)]


def held(each: BaseCase) -> list[Message | None]:
    return [change.why.message if change.why else None for change in base_changes(each)]


# -- what differs --------------------------------------------------------------------------------


def test_what_is_not_declared_is_left_alone() -> None:
    assert base_changes(case(UNDECLARED)) == ()


@pytest.mark.parametrize(
    ("declared", "setting"),
    [
        (BaseSettings(description="ours"), Setting.DESCRIPTION),
        (BaseSettings(permission="all_team_members"), Setting.PERMISSION),
        (BaseSettings(technique="high_quality", embedding=MODEL), Setting.TECHNIQUE),
        (BaseSettings(retrieval={**BY_WORDS, "top_k": 5}), Setting.RETRIEVAL),
        (BaseSettings(tags=frozenset({"ours"})), Setting.TAGS),
        (BaseSettings(fields={"owner": "string"}), Setting.FIELDS),
    ],
)
def test_what_is_declared_and_is_not_there(declared: BaseSettings, setting: Setting) -> None:
    (change,) = base_changes(case(declared))
    assert (change.setting, change.cause, change.why) == (setting, Cause.SETTINGS, None)
    assert change.before != change.after


@pytest.mark.parametrize(
    "declared",
    [
        BaseSettings(description=""),
        BaseSettings(permission="only_me"),
        BaseSettings(technique="economy"),
        BaseSettings(tags=frozenset()),
        BaseSettings(tags=frozenset({"theirs"})),
        BaseSettings(fields={"reviewed": "time"}),
    ],
)
def test_what_is_there_as_declared(declared: BaseSettings) -> None:
    assert base_changes(case(declared)) == ()


def test_members_count_beside_their_permission_alone() -> None:
    declared = BaseSettings(permission="partial_members", members=frozenset({JO}))
    there = replace(TOLD, permission="partial_members", members=frozenset({JO}))
    assert differing(case(declared, there)) == []
    assert differing(case(declared, replace(there, members=frozenset({MO})))) == [
        Setting.PERMISSION
    ]
    assert differing(case(declared)) == [Setting.PERMISSION]
    assert differing(case(BaseSettings(permission="only_me"), there)) == [Setting.PERMISSION]


def test_a_base_without_a_technique_gets_it_with_its_first_document() -> None:
    new = replace(TOLD, technique=None)
    assert differing(case(BaseSettings(technique="high_quality"), new)) == []


def test_a_pipeline_decides_about_technique_and_model() -> None:
    declared = BaseSettings(technique="high_quality", embedding=MODEL, description="ours")
    assert differing(case(declared, mode="pipeline")) == [Setting.DESCRIPTION]


def test_a_model_is_known_by_its_name_and_the_last_part_of_its_provider() -> None:
    there = replace(TOLD, technique="high_quality", embedding=MODEL)
    declared = BaseSettings(technique="high_quality", embedding=replace(MODEL, provider="acme"))
    assert differing(case(declared, there)) == []
    other = replace(declared, embedding=replace(MODEL, model="embed-4"))
    assert differing(case(other, there)) == [Setting.EMBEDDING]


def test_the_method_that_an_economy_base_shows_is_not_believed() -> None:
    declared = BaseSettings(retrieval=BY_WORDS)
    assert differing(case(declared)) == [Setting.RETRIEVAL]
    assert differing(case(declared, applied=declared)) == []
    (change,) = base_changes(case(declared))
    assert (change.before, change.after) == ("top_k 3", "keyword_search, top_k 3")
    told = replace(TOLD, technique="high_quality")
    assert differing(case(declared, told)) == []


def test_tags_of_others_stay_and_ours_that_are_not_declared_any_more_go() -> None:
    there = replace(TOLD, tags=frozenset({"theirs", "old"}))
    each = case(
        BaseSettings(tags=frozenset({"new"})),
        there,
        applied=BaseSettings(tags=frozenset({"old", "gone"})),
    )
    assert (missing_tags(each), dropped_tags(each)) == ({"new"}, {"old"})
    undeclared = replace(each, declared=UNDECLARED)
    assert dropped_tags(undeclared) == frozenset()


# -- why it differs ------------------------------------------------------------------------------


def test_what_was_set_before_has_drifted() -> None:
    declared = BaseSettings(description="ours", permission="all_team_members")
    changes = base_changes(case(declared, applied=BaseSettings(description="ours")))
    assert [change.cause for change in changes] == [Cause.DRIFT, Cause.SETTINGS]


def test_drift_is_only_reported_where_the_mirror_says_so() -> None:
    declared = BaseSettings(description="ours", permission="all_team_members")
    each = case(declared, applied=BaseSettings(description="ours"), report=True)
    assert held(each) == [say.SETTING_DRIFT, None]


def test_a_setting_that_another_writer_changes_is_not_put_back_for_ever() -> None:
    declared = BaseSettings(description="ours")
    each = case(declared, applied=declared, repairs=lambda setting: 2)
    assert held(each) == [say.SETTING_FOUGHT]
    assert held(replace(each, repairs=lambda setting: 1)) == [None]
    assert held(replace(each, applied=UNDECLARED)) == [None], "declared anew"


# -- what no server changes, or not for nothing --------------------------------------------------


def test_a_technique_is_changed_while_there_is_no_document() -> None:
    assert held(case(BaseSettings(technique="high_quality", embedding=MODEL))) == [None]
    rich = replace(TOLD, technique="high_quality", embedding=MODEL)
    assert held(case(BaseSettings(technique="economy"), rich)) == [None]
    assert held(case(BaseSettings(technique="high_quality"))) == [say.EMBEDDING_UNNAMED]


def test_what_would_embed_everything_again_is_not_begun() -> None:
    wanted = BaseSettings(technique="high_quality", embedding=MODEL)
    (change,) = base_changes(case(wanted, documents=812))
    assert change.why is not None
    assert change.why.message is say.EMBEDS_ALL
    assert "812" in change.why.text
    assert "--embedding-model embed-3" in change.why.next
    there = replace(TOLD, technique="high_quality", embedding=replace(MODEL, model="old"))
    assert held(case(wanted, there, documents=1)) == [say.EMBEDS_ALL]
    assert held(case(wanted, there)) == [None]


def test_what_would_leave_documents_that_no_search_finds_is_refused() -> None:
    there = replace(TOLD, technique="high_quality", embedding=MODEL)
    assert held(case(BaseSettings(technique="economy"), there, documents=1)) == [say.LOSES_ALL]


def test_a_field_of_another_type_is_refused_once_the_missing_ones_are_made() -> None:
    declared = BaseSettings(fields={"reviewed": "string"})
    assert held(case(declared)) == [say.FIELD_TYPE]
    both = BaseSettings(fields={"reviewed": "string", "owner": "string"})
    assert held(case(both)) == [None]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.1.3", [say.SETTING_TOO_OLD] * 2 + [None]),
        ("1.0.0", [say.SETTING_TOO_OLD] * 3),
        ("1.3.1", [None, say.SETTING_TOO_OLD, None]),
        ("1.5.1", [None, None, None]),
    ],
)
def test_what_a_server_is_too_old_for(version: str, expected: list[Message | None]) -> None:
    declared = BaseSettings(
        description="ours", tags=frozenset({"ours"}), fields={"owner": "string"}
    )
    assert held(case(declared, version=version)) == expected


# -- a base that is still to be made -------------------------------------------------------------


def test_a_base_is_made_with_everything_that_is_declared() -> None:
    each = replace(case(WHOLE), base=None)
    changes = base_changes(each)
    assert [change.setting for change in changes] == list(WHOLE.named)
    assert {(change.cause, change.before, change.why) for change in changes} == {
        (Cause.NEW, "", None)
    }


def test_what_an_old_server_can_make_a_base_with() -> None:
    each = replace(case(WHOLE, version="0.15.8"), base=None)
    left = [change.setting for change in base_changes(each) if change.why is not None]
    assert left == [Setting.PERMISSION, Setting.TAGS, Setting.FIELDS]
    team = replace(each, declared=BaseSettings(permission="all_team_members"))
    assert held(team) == [None]


# -- what is remembered --------------------------------------------------------------------------


def test_what_is_remembered_is_what_was_declared_and_is_set() -> None:
    declared = BaseSettings(description="", permission="all_team_members")
    before = BaseSettings(permission="only_me", tags=frozenset({"old"}))
    assert settings_met(case(declared), before) == BaseSettings(
        description="", permission="only_me"
    )


@pytest.mark.parametrize("settings", [UNDECLARED, WHOLE, BaseSettings(tags=frozenset())])
def test_it_is_kept_as_text(settings: BaseSettings) -> None:
    assert as_read(as_kept(settings)) == settings


def test_nothing_is_kept_of_nothing() -> None:
    assert as_kept(UNDECLARED) is None
