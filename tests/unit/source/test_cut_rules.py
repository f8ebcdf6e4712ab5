"""Which files are cut here, and how they are sent then."""

from __future__ import annotations

import pytest
from declared import mirror_config

from kbsync.model import DocumentRule
from kbsync.source.document_rules import RulesOfMirror


def rule_of(path: str, **declared: object) -> DocumentRule:
    return RulesOfMirror(mirror_config(update_strategy="chunks", **declared)).of(path)


@pytest.mark.parametrize(
    ("path", "send", "suffix", "cut"),
    [
        ("a.md", "text", ".txt", 500),
        ("a.txt", "file", "", 500),
        ("a.pdf", "file", "", 0),
        ("a.html", "file", "", 0),
        ("a.csv", "file", "", 0),
    ],
)
def test_texts_are_cut_and_other_types_are_updated_in_place(
    path: str, send: str, suffix: str, cut: int
) -> None:
    rule = rule_of(path)
    assert (rule.send, rule.suffix, rule.cut) == (send, suffix, cut)
    assert rule.update_strategy == ("chunks" if cut else "in_place")


def test_what_is_converted_is_cut_and_is_no_markdown_to_the_server() -> None:
    rule = rule_of("a.docx", send="converted")
    assert (rule.send, rule.suffix, rule.cut) == ("converted", ".txt", 500)


def test_the_length_is_the_declared_one_and_the_server_cuts_at_the_separator_alone() -> None:
    chunking = {"mode": "custom", "max_tokens": 900}
    rule = rule_of("a.md", chunking=chunking)
    assert rule.cut == 900
    shaping = rule.chunking.process_rule["rules"]
    assert shaping["segmentation"] == {  # type: ignore[index]
        "separator": "\n=====\n",
        "max_tokens": 4000,
        "chunk_overlap": 0,
    }
    assert rule.settings != rule_of("a.md").settings


def test_types_that_are_not_cut_keep_the_hash_they_were_sent_under() -> None:
    plain = RulesOfMirror(mirror_config())
    assert rule_of("a.pdf").settings == plain.of("a.pdf").settings
