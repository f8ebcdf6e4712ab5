"""What the document of a path becomes: the mirror's keys, and the rules that match the path."""

from __future__ import annotations

from typing import Any

import pytest
from declared import mirror_config

from kbsync.model import DocumentRule
from kbsync.source.document_rules import RulesOfMirror

CUSTOM = {"mode": "custom", "max_tokens": 1000}


def rule_of(path: str, *rules: dict[str, Any], **declared: Any) -> DocumentRule:
    return RulesOfMirror(mirror_config(rules=list(rules), **declared)).of(path)


def test_the_last_rule_that_has_a_key_wins_key_by_key() -> None:
    rules = (
        {"match": "*.md", "language": "German", "encoding": "gbk"},
        {"match": "blog/", "language": "French"},
        {"match": "*.pdf", "language": "Dutch"},
    )
    found = rule_of("blog/a.md", *rules)
    assert found.chunking.language == "French"
    assert found.encoding == ("gbk",)
    assert found.origins["language"] == "rules[1], match: blog/"
    assert found.origins["encoding"] == "rules[0], match: *.md"
    assert rule_of("a.md", *rules).chunking.language == "German"
    assert rule_of("a.txt", *rules).chunking.language == "English"


@pytest.mark.parametrize(
    ("match", "taken", "left"),
    [
        ("*.pdf", ["a.pdf", "x/y/a.pdf"], ["a.md", "a.pdf.md"]),
        ("**/*.pdf", ["a.pdf", "x/y/a.pdf"], ["a.md"]),
        ("/a.md", ["a.md"], ["x/a.md"]),
        ("drafts/", ["drafts/a.md", "x/drafts/y/a.md"], ["drafts"]),
        (["*.md", "!draft.md"], ["a.md"], ["draft.md", "x/draft.md"]),
        (["docs/", "!docs/a.md"], ["docs/b.md"], ["docs/a.md"]),
        ("ü.md", ["ü.md"], ["u.md"]),
    ],
)
def test_patterns_are_those_of_gitignore(match: object, taken: list[str], left: list[str]) -> None:
    rules = RulesOfMirror(mirror_config(rules=[{"match": match, "language": "German"}]))
    languages = {path: rules.of(path).chunking.language for path in taken + left}
    assert languages == dict.fromkeys(taken, "German") | dict.fromkeys(left, "English")


def test_a_rule_takes_the_place_of_the_mirrors_process_rule_as_a_whole() -> None:
    mirrors = {"mode": "custom", "max_tokens": 300, "separator": "##"}
    found = rule_of("a.pdf", {"match": "*.pdf", "chunking": CUSTOM}, chunking=mirrors)
    shaping = found.chunking.process_rule["rules"]
    assert shaping["segmentation"] == {  # type: ignore[index]
        "separator": "\n\n",
        "max_tokens": 1000,
        "chunk_overlap": 50,
    }


def test_rules_of_no_file_change_no_hash() -> None:
    """An upgrade, and a rule for other files, embed nothing again."""
    plain = rule_of("a.md")
    assert rule_of("a.md", {"match": "*.pdf", "chunking": CUSTOM}).settings == plain.settings
    assert rule_of("a.md", {"match": "*.md", "encoding": "gbk"}).settings == plain.settings
    assert rule_of("a.md", {"match": "*.md", "language": "Dutch"}).settings != plain.settings
    # The hash that documents were sent under before there were rules.
    assert plain.settings == "f92f8de11a527aeff2f5e79e26ae08bbc7326e871bdc496a1e7dba16de475cf9"
    assert plain.profile == ""


def test_all_paths_share_one_rule_where_there_are_none() -> None:
    assert RulesOfMirror(mirror_config()).shared is not None
    assert RulesOfMirror(mirror_config(rules=[{"match": "*.md"}])).shared is None


def test_paths_of_one_combination_share_one_rule() -> None:
    rules = RulesOfMirror(mirror_config(rules=[{"match": "*.md", "language": "Dutch"}]))
    assert rules.of("a.md") is rules.of("x/b.md")
