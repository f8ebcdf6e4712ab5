"""Declared values of one document: what counts, of which type it is, and when it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from declared import mirror_config, one_rule

from kbsync.messages import Message
from kbsync.model import FileFacts, Sidecar, Stat, Typed
from kbsync.model.declared import OFF
from kbsync.planning.declared_metadata import (
    are_stored,
    enabled_of,
    is_stored,
    plain,
    profile_of,
    resolved,
    wanted_values,
)
from kbsync.planning.metadata_types import time_of
from kbsync.source.document_rules import RulesOfMirror

FACTS = FileFacts(stat=Stat(12, 1_700_000_000_500_000_000, 1, 1), owner="ada")
WHY = Message("KB-T001", "a test said so")()
PATH = "guides/api/install.v2.MD"


def values(
    path: str = PATH, sidecar: Sidecar | None = None, **declared: object
) -> dict[str, object]:
    facts = declared.pop("facts", FACTS)
    rule = RulesOfMirror(mirror_config(**declared)).of(path)
    return plain(resolved(rule, path, facts, sidecar))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{parent}", "guides/api"),
        ("{stem}", "install.v2"),
        ("{name}", "install.v2.MD"),
        ("{extension}", "md"),
        ("{relative_path}", PATH),
        ("by {owner}, {size} bytes", "by ada, 12 bytes"),
        ("{mtime}", 1_700_000_000),
        ("on {mtime}", "on 2023-11-14T22:13:20Z"),
        ("{size}", 12),
        ("{{parent}}", "{parent}"),
        ("2024-05-01", 1_714_521_600),
        ("{stem}-01", "install.v2-01"),
        ("  ", None),
        (7, 7),
        (1.5, 1.5),
        ("1.5", "1.5"),
    ],
)
def test_texts_of_a_rule(text: object, value: object) -> None:
    found = values(metadata={"field": text})
    assert found == ({} if value is None else {"field": value})


def test_a_folder_at_the_top_has_no_name() -> None:
    assert values("a.md", metadata={"folder": "{parent}", "of": "{stem}"}) == {"of": "a"}


def test_the_last_that_sets_a_field_counts() -> None:
    rules = [
        {"match": "*.md", "metadata": {"b": "rule", "c": "rule", "d": "rule"}},
        {"match": "guides/", "metadata": {"c": "guides"}},
        {"match": "*.pdf", "metadata": {"a": "another file's"}},
    ]
    matter = {"d": Typed("string", "matter"), "e": Typed("number", 1), "a": None}
    beside = Sidecar(digest="x", metadata={"e": Typed("string", "beside"), "f": None, "b": None})
    found = values(
        "guides/a.md",
        beside,
        metadata={"a": "mirror", "b": "mirror"},
        rules=rules,
        facts=replace(FACTS, front_matter=matter),
    )
    assert found == {"c": "guides", "d": "matter", "e": "beside"}


def test_each_value_tells_where_it_comes_from() -> None:
    rules = [{"match": "*.md", "metadata": {"b": 1}}]
    rule = RulesOfMirror(mirror_config(metadata={"a": "x"}, rules=rules)).of("a.md")
    beside = Sidecar(digest="x", metadata={"c": Typed("time", 5)})
    found = resolved(rule, "a.md", FACTS, beside).values
    assert {name: each.origin for name, each in found.items()} == {
        "a": "the mirror",
        "b": "rules[0], match: *.md",
        "c": "the sidecar",
    }


def test_what_cannot_be_read_makes_nothing_known() -> None:
    rule = RulesOfMirror(mirror_config(metadata={"a": "x"})).of("a.md")
    assert resolved(rule, "a.md", replace(FACTS, fault=WHY), None).fault == WHY
    found = resolved(rule, "a.md", FACTS, Sidecar(digest="x", fault=WHY))
    assert (found.fault, found.values) == (WHY, {})
    long = RulesOfMirror(mirror_config(metadata={"a": "{stem}"})).of("b" * 30_000)
    assert resolved(long, "b" * 30_000, FACTS, None).fault is not None


def test_the_profile_tells_rules_and_sidecars_apart() -> None:
    plain_rule = one_rule("S").shared
    off = RulesOfMirror(mirror_config(rules=[{"match": "*", "enabled": False}])).of("a.md")
    assert profile_of(plain_rule, None) == ""
    assert profile_of(off, None).endswith(OFF)
    one, other = Sidecar(digest="1"), Sidecar(digest="2", enabled=False)
    assert len({profile_of(plain_rule, each) for each in (None, one, other)}) == 3
    assert profile_of(plain_rule, other).endswith(OFF)
    on = Sidecar(digest="3", enabled=True)
    assert not profile_of(off, on).endswith(OFF)
    assert [enabled_of(off, each) for each in (None, one, on)] == [False, False, True]
    assert enabled_of(off, Sidecar(digest="4", fault=WHY)) is None


@pytest.mark.parametrize(
    ("value", "text", "stored"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", None, False),
        (None, None, True),
        (None, "a", False),
        (3, "3", True),
        (3, "3.0", True),
        (3.5, "3.5", True),
        (3, "x", False),
        (3, "", False),
        ("3", "3.0", False),
    ],
)
def test_whether_a_server_holds_a_value(value: object, text: str | None, stored: bool) -> None:
    assert is_stored(value, text) is stored  # type: ignore[arg-type]


def test_what_was_written_before_is_taken_away() -> None:
    wanted = wanted_values({"a": 1}, {"a": 2, "b": "x"})
    assert wanted == {"a": 1, "b": None}
    assert are_stored(wanted, {"a": "1", "theirs": "x"})
    assert not are_stored(wanted, {"a": "1", "b": "x"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-05-01", 1_714_521_600),
        ("2024-05-01T10:00", 1_714_557_600),
        ("2024-05-01 10:00:00Z", 1_714_557_600),
        ("2024-05-01T12:00:00+02:00", 1_714_557_600),
        ("2024-05-01 12:00:00.5 +0200", 1_714_557_600),
        ("2024-13-01", None),
        ("2024-05-01x", None),
        ("20240501", None),
        ("May 2024", None),
    ],
)
def test_dates(text: str, seconds: int | None) -> None:
    found = time_of(text)
    assert found == (None if seconds is None else Typed("time", seconds))
