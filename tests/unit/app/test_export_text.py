"""Texts of chunks, sidecars and configurations of an export."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kbsync.app.export.chunk_text import Joining, behind_end, missing_end, overlap_of
from kbsync.app.export.configuration import configuration
from kbsync.app.export.listing import OWN, ListedDocument, listed
from kbsync.app.export.sidecar import chunk_lines, sidecar
from kbsync.app.export.whole_base import Export
from kbsync.config import load
from kbsync.dify.reading import read
from kbsync.dify.schemas import ChunkRow, Document, KnowledgeBaseRow
from kbsync.source.document_rules import RulesOfMirror

WORDS = " ".join(f"word{number}" for number in range(200))


def joined(chunks: list[str], overlap: int) -> str:
    joining = Joining(overlap)
    return "".join(map(joining.add, chunks))


@given(st.integers(20, 300), st.integers(8, 19))
def test_chunks_that_overlap_become_the_text_again(size: int, overlap: int) -> None:
    step = size - overlap
    chunks = [WORDS[start : start + size] for start in range(0, len(WORDS) - overlap, step)]
    assert joined(chunks, overlap) == WORDS


def test_chunks_without_an_exact_overlap_stand_apart() -> None:
    assert joined(["one", "two", "", "three"], 50) == "one\n\ntwo\n\nthree"
    assert joined(["the end", "end of it"], 50) == "the end\n\nend of it"
    shared = "these words are shared"
    assert joined([f"a {shared}", f"{shared} b"], 50) == f"a {shared} b"
    assert joined([f"a {shared}", f"{shared} b"], 0) == f"a {shared}\n\n{shared} b"


def test_the_overlap_is_that_of_the_process_rule() -> None:
    custom = {"mode": "custom", "rules": {"segmentation": {"chunk_overlap": 7}}}
    assert overlap_of(custom) == 7
    assert overlap_of({"mode": "automatic"}) == overlap_of(None) == 50
    assert overlap_of({"mode": "custom", "rules": {"segmentation": "x"}}) == 50


@given(st.text(st.sampled_from("añ漢 \n"), min_size=30, max_size=400), st.integers(0, 2))
def test_a_text_that_was_cut_at_its_characters_is_completed(middle: str, ends: int) -> None:
    text = f"A text of ünlike words {WORDS} {middle}. The very end, é." + "\n" * ends
    cut = text.encode()[: len(text)].decode("utf-8", "ignore")
    end = missing_end(cut[-400:], text.strip(), len(text) - len(cut))
    assert end is not None
    assert cut + end == text


def test_what_chunks_do_not_tell_is_not_made_up() -> None:
    assert missing_end("an end of its own", "another text", 5) is None
    assert missing_end("", "a text", 2) is None
    assert missing_end("a text that ends", "a text that ends here", 4) is None
    assert behind_end("an end of its own", "another text") is None
    assert behind_end("", "a text") is None
    assert behind_end("again and", "again and again and again") is None
    assert behind_end("the whole text\n", "the whole text") == ""
    assert behind_end("the whole ", "the whole text") == " text"


def document(**words: Any) -> ListedDocument:
    row = {"id": "d1", "name": "a.md", "indexing_status": "completed", **words}
    return listed(read(Document, json.dumps(row).encode()))


def values(**typed: tuple[str, Any]) -> list[dict[str, Any]]:
    return [
        {"id": "f", "name": name, "type": kind, "value": value}
        for name, (kind, value) in typed.items()
    ]


def test_a_sidecar_has_the_values_of_people_in_their_types() -> None:
    found = document(
        enabled=False,
        doc_metadata=[
            *values(team=("string", "007"), pages=("number", 12), price=("number", "1.5")),
            *values(due=("time", 1767225600), said=("time", "soon"), kbsync_path=("string", "x")),
            *values(empty=("string", None)),
            {"id": "built-in", "name": "uploader", "type": "string", "value": "me"},
        ],
    )
    read_back = yaml.safe_load(sidecar(found))
    assert read_back.pop("enabled") is False
    metadata = read_back.pop("metadata")
    assert metadata.pop("due").timestamp() == 1767225600
    assert metadata == {"team": "007", "pages": 12, "price": 1.5, "said": "soon"}
    assert not read_back
    assert sidecar(document()) == ""
    assert sidecar(document(archived=True)) == "enabled: false\n"


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
FIELDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(FIELDS, st.text() | NUMBERS))
def test_a_sidecar_is_yaml_whatever_the_values_are(found: dict[str, Any]) -> None:
    kinds = ("string", "number", "time")
    rows = {
        name: (kinds[position % 3], value) for position, (name, value) in enumerate(found.items())
    }
    text = sidecar(document(doc_metadata=values(**rows)))
    text.encode()
    # A field without a name cannot be declared, and marks are no one's to declare.
    said = yaml.safe_load(text)["metadata"] if text else {}
    assert said.keys() == {name for name in rows if name.strip() and not name.startswith(OWN)}


def test_a_line_has_what_a_person_gave_a_chunk() -> None:
    row = ChunkRow.model_validate(
        {"id": "c", "position": 1, "content": "asked", "answer": "told", "keywords": ["k"]}
    )
    [line] = chunk_lines([row], qa=True)
    expected = {"position": 1, "content": "asked", "answer": "told"}
    assert json.loads(line) == {**expected, "keywords": ["k"], "enabled": True}


def base(**words: Any) -> KnowledgeBaseRow:
    return read(KnowledgeBaseRow, json.dumps({"id": "b1", "name": "Docs $HOME", **words}).encode())


def declared(tmp_path: Path, rules: Counter[str], **words: Any) -> Any:
    exported = Export(base=base(**words), map=tmp_path / "map.csv", rules=rules)
    text = configuration(exported, tmp_path / "library")
    (tmp_path / "library").mkdir(exist_ok=True)
    file = tmp_path / "kbsync.yaml"
    file.write_text(text)
    return load(file, {"DIFY_URL": "https://dify.example/v1", "DIFY_API_KEY": "dataset-x"})


def test_documents_that_were_cut_otherwise_have_rules_of_their_own(tmp_path: Path) -> None:
    segments = {"separator": "\n##", "max_tokens": 700, "chunk_overlap": 3}
    other = rule("custom", segmentation=segments)
    paths = ["a/Page [1] #2!.md", "b/{x,y}*? $HOME.md", "c/ends in \\ .md"]
    exported = Export(
        base=base(indexing_technique="economy"),
        map=tmp_path / "map.csv",
        rules=Counter({rule("automatic"): 9, other: 3}),
        others={other: paths},
        mirrors={"docs-home"},
    )
    file = tmp_path / "kbsync.yaml"
    file.write_text(configuration(exported, tmp_path / "library"))
    [mirror] = load(file, {"DIFY_URL": "https://d.example/v1", "DIFY_API_KEY": "dataset-x"}).mirrors
    # Documents that are marked by a mirror of the name would be taken for its own.
    assert mirror.name == "docs-home-exported"
    rules = RulesOfMirror(mirror)
    for path in paths:
        assert rules.of(path).chunking.process_rule["mode"] == "custom", path
    assert rules.of("b/other.md").chunking.process_rule == {"mode": "automatic"}


def rule(mode: str, form: str = "text_model", **rules: Any) -> str:
    return json.dumps({"rule": {"mode": mode, "rules": rules}, "form": form, "language": "German"})


def test_settings_of_the_base_are_declared_as_far_as_another_workspace_has_them(
    tmp_path: Path,
) -> None:
    exported = Export(
        base=base(description="About $5.", permission="all_team_members"),
        map=tmp_path / "map.csv",
        fields={"due": "time", "a: $b": "string"},
        tags=["one", "two $X"],
    )
    file = tmp_path / "kbsync.yaml"
    file.write_text(configuration(exported, tmp_path / "library"))
    [mirror] = load(file, {"DIFY_URL": "https://d.example/v1", "DIFY_API_KEY": "dataset-x"}).mirrors
    declared = mirror.knowledge_base
    assert (declared.description, declared.permission) == ("About $5.", "all_team_members")
    assert (declared.tags, declared.fields) == (("one", "two $X"), exported.fields)


HIGH = {
    "indexing_technique": "high_quality",
    "embedding_model": "m",
    "embedding_model_provider": "p",
    "retrieval_model_dict": {
        "search_method": "hybrid_search",
        "top_k": 7,
        "score_threshold_enabled": True,
        "score_threshold": 0.4,
        "reranking_enable": True,
        "reranking_model": {"reranking_provider_name": "rp", "reranking_model_name": "rm"},
    },
}


def test_a_configuration_declares_the_base_as_it_was(tmp_path: Path) -> None:
    segments = {"separator": "\n##", "max_tokens": 6000, "chunk_overlap": 3}
    hierarchical = rule(
        "hierarchical",
        "hierarchical_model",
        segmentation=segments,
        parent_mode="full-doc",
        subchunk_segmentation={"delimiter": "\n", "max_tokens": 90, "chunk_overlap": 0},
        pre_processing_rules=[{"id": "remove_urls_emails", "enabled": True}],
    )
    settings = declared(tmp_path, Counter({hierarchical: 9, rule("automatic"): 1}), **HIGH)
    [mirror] = settings.mirrors
    chunking = mirror.declared_chunking
    assert mirror.knowledge_base.name == "Docs $HOME"
    assert (mirror.gitignore, mirror.default_excludes) == (False, False)
    assert (chunking.technique, chunking.form) == ("high_quality", "hierarchical_model")
    assert (chunking.embedding_model, chunking.embedding_provider) == ("m", "p")
    assert chunking.language == "German"
    rules: Any = chunking.process_rule["rules"]
    assert chunking.process_rule["mode"] == "hierarchical"
    assert rules["segmentation"] == segments
    assert rules["parent_mode"] == "full-doc"
    assert rules["subchunk_segmentation"]["max_tokens"] == 90
    assert {"id": "remove_urls_emails", "enabled": True} in rules["pre_processing_rules"]
    assert chunking.retrieval is not None
    assert chunking.retrieval["top_k"] == 7
    assert chunking.retrieval["score_threshold"] == 0.4
    assert "cut by other rules than most: 1" in (tmp_path / "kbsync.yaml").read_text()


@pytest.mark.parametrize(
    "broken",
    [
        rule("custom", segmentation={"separator": "", "max_tokens": 3}),
        rule("hierarchical", segmentation=7, subchunk_segmentation=[], parent_mode=["x"]),
        rule("custom", segmentation={"separator": "x" * 99, "max_tokens": True}),
        json.dumps({"rule": None, "form": 3, "language": 7}),
        "",
    ],
)
def test_what_cannot_be_declared_is_left_out_and_said(tmp_path: Path, broken: str) -> None:
    settings = declared(tmp_path, Counter([broken]), retrieval_model_dict={"top_k": "x"})
    assert settings.mirrors[0].name == "docs-home"
