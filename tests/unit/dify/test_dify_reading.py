"""JSON ↔ types: both shapes of a document, tolerance, and hostile bodies."""

from __future__ import annotations

import contextlib
import json

import pytest
from dify_observed import observed
from hypothesis import given
from hypothesis import strategies as st

from kbsync.dify import to_model
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.reading import Malformed
from kbsync.dify.reading import read as read_body
from kbsync.dify.request import Subject as About
from kbsync.dify.request import is_id, read, route
from kbsync.dify.schemas import Document, KnowledgeBaseRow, ListPage, UploadReply
from kbsync.messages import Problem
from kbsync.model import BaseSettings, Chunking, Embedding, Readiness

MEMBER = "11111111-2222-3333-4444-555555555555"
ROWS = {row.tag: row for row in reversed(observed())}


def document(**changes: object) -> Document:
    plain = {
        "id": "1",
        "name": "a.md",
        "indexing_status": "completed",
        "display_status": "available",
    }
    return read_body(Document, json.dumps(plain | changes).encode())


def knowledge_base(changes: dict[str, object]) -> KnowledgeBaseRow:
    return read_body(KnowledgeBaseRow, json.dumps({"id": "1", "name": "Docs"} | changes).encode())


def test_upload_reply() -> None:
    reply = read_body(UploadReply, ROWS["cbf.first"].reply.body)
    found = to_model.document(reply.document)
    assert reply.batch == "20261122050921715651"
    assert (found.name, found.size, found.readiness) == ("first.md", 32, Readiness.WAITING)
    assert found.rev == "89d3591f-8a75-4cd7-a600-bf04f9aefbed"
    assert found.word_count is None
    assert found.metadata == {}


def test_list_row_and_get_have_different_shapes_and_one_meaning() -> None:
    row = document(
        data_source_info={"upload_file_id": "u"},
        data_source_detail_dict={"upload_file": {"id": "u", "size": 9}},
        word_count=9,
    )
    got = document(data_source_info={"upload_file": {"id": "u", "size": 9}}, segment_count=1)
    assert (row.rev, row.size) == (got.rev, got.size) == ("u", 9)
    assert to_model.document(row).word_count == 9
    assert to_model.document(got).word_count is None


def test_a_document_of_a_pipeline_has_one_rev_wherever_it_is_shown() -> None:
    """A get does not tell its file, and it never gets another one."""
    row = document(data_source_type="local_file", data_source_info={"related_id": "u", "name": "n"})
    got = document(data_source_type="local_file", data_source_info={})
    assert row.rev == got.rev == "1"
    updated = document(data_source_type="upload_file", data_source_info={"upload_file_id": "u"})
    assert updated.rev == "u", "by hand, through the routes of other knowledge bases"
    assert document(data_source_type="notion_import", data_source_info={}).rev == ""


def test_a_get_knows_that_nothing_was_indexed() -> None:
    assert to_model.document(document(segment_count=0)).word_count == 0
    busy = document(segment_count=0, display_status="indexing", indexing_status="splitting")
    assert to_model.document(busy).word_count is None


def test_metadata_leaves_built_in_and_empty_values_out() -> None:
    values = [
        {"id": "f1", "name": "kbsync_path", "type": "string", "value": "a.md"},
        {"id": "f2", "name": "size", "type": "number", "value": 99},
        {"id": "f3", "name": "lost", "type": "string", "value": None},
        {"id": "built-in", "name": "uploader", "type": "string", "value": "owner"},
    ]
    found = to_model.document(document(doc_metadata=values))
    assert found.metadata == {"kbsync_path": "a.md", "size": "99"}


@pytest.mark.parametrize(
    ("display", "indexing", "archived", "expected"),
    [
        ("queuing", "waiting", False, Readiness.WAITING),
        ("indexing", "splitting", False, Readiness.INDEXING),
        ("paused", "indexing", False, Readiness.PAUSED),
        ("error", "error", False, Readiness.ERROR),
        ("available", "completed", False, Readiness.AVAILABLE),
        ("disabled", "completed", False, Readiness.DISABLED),
        ("archived", "completed", True, Readiness.ARCHIVED),
        ("error", "error", True, Readiness.ARCHIVED),
        ("indexing", "indexing", True, Readiness.INDEXING),
        (None, "completed", False, Readiness.AVAILABLE),
        ("brand new word", "brand new too", False, Readiness.INDEXING),
    ],
)
def test_readiness(display: str, indexing: str, archived: bool, expected: Readiness) -> None:
    found = document(display_status=display, indexing_status=indexing, archived=archived)
    assert to_model.document(found).readiness is expected


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, "general"),
        ({"provider": "external"}, "external"),
        ({"runtime_mode": "rag_pipeline"}, "pipeline"),
    ],
)
def test_base_modes(changes: dict[str, object], mode: str) -> None:
    found = knowledge_base(changes)
    assert to_model.base(found).mode == mode


def test_the_settings_a_base_tells() -> None:
    row: dict[str, object] = {
        "description": "",
        "permission": "partial_members",
        "partial_member_list": [MEMBER],
        "indexing_technique": "high_quality",
        "embedding_model": "embed-3",
        "embedding_model_provider": "langgenius/acme/acme",
        "retrieval_model_dict": {"search_method": "semantic_search", "top_k": 2},
        "tags": [{"id": "1", "name": "ours", "type": "knowledge"}],
        "doc_metadata": [{"id": "2", "name": "reviewed", "type": "time"}],
    }
    assert to_model.base(knowledge_base(row)).settings == BaseSettings(
        description="",
        permission="partial_members",
        members=frozenset({MEMBER}),
        technique="high_quality",
        embedding=Embedding(model="embed-3", provider="langgenius/acme/acme"),
        retrieval={"search_method": "semantic_search", "top_k": 2},
        tags=frozenset({"ours"}),
        fields={"reviewed": "time"},
    )


@pytest.mark.parametrize("odd", [None, 7, "x", {"name": "a"}, [7, None], [{"name": 7}]])
def test_settings_of_another_shape_than_known_tell_nothing(odd: object) -> None:
    lists = {"tags": odd, "doc_metadata": odd, "partial_member_list": odd}
    found = to_model.base(knowledge_base({"permission": "partial_members"} | lists)).settings
    assert not any((found.tags, found.fields, found.members))


def test_what_a_change_of_settings_sends() -> None:
    model = Embedding(model="embed-3", provider="acme")
    assert to_model.changes(
        BaseSettings(permission="partial_members", members=frozenset("ab"))
    ) == {
        "permission": "partial_members",
        "partial_member_list": [{"user_id": "a"}, {"user_id": "b"}],
    }
    named = {"embedding_model": "embed-3", "embedding_model_provider": "acme"}
    high = BaseSettings(technique="high_quality", embedding=model)
    assert to_model.changes(high) == {"indexing_technique": "high_quality", **named}
    assert to_model.changes(BaseSettings(embedding=model)) == {}, "it would embed nothing"
    assert to_model.changes(BaseSettings(description="")) == {"description": ""}


def test_options_say_everything_and_no_provider_without_a_model() -> None:
    chunking = Chunking(process_rule={"mode": "automatic"}, embedding_provider="p")
    assert to_model.options(chunking) == {
        "indexing_technique": "economy",
        "process_rule": {"mode": "automatic"},
        "doc_form": "text_model",
        "doc_language": "English",
        "duplicate": True,
    }


HOSTILE = [
    b"",
    b"\xff\xfe",
    b"{",
    b'{"id": 1}',
    b"[" * 100_000,
    b'{"id": NaN}',
    b'{"id": ' + b"9" * 10_000 + b"}",
    b'{"id": null, "name": "x"}',
    b'{"id": "1", "name": ["x"]}',
    b'{"id": "1", "name": "x", "document_count": true}',
    b'{"id": "1", "name": "x", "document_count": 1e999}',
    b'{"id": "1", "name": "x", "enable_api": "yes"}',
    b'"text"',
    b"204",
]


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_bodies_are_malformed_and_nothing_else(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_body(KnowledgeBaseRow, body)


@given(st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "name", "data", "doc_metadata", "data_source_info", "upload_file",
                         "indexing_status", "total", "word_count"]), inner, max_size=5),
    max_leaves=12,
))  # fmt: skip
def test_any_json_is_read_or_malformed(value: object) -> None:
    with contextlib.suppress(Malformed):
        read_body(ListPage[Document], json.dumps(value).encode())


def test_text_that_nothing_can_store_is_replaced() -> None:
    body = b'{"id": "1", "name": "a\\ud800b\\u0000c\\ud83d\\ude00"}'
    found = read_body(KnowledgeBaseRow, body)
    assert found.name == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{GRINNING FACE}"


def test_unknown_keys_and_missing_ones_do_no_harm() -> None:
    found = knowledge_base({"brand_new": [1]})
    assert (found.technique, found.form, found.documents) == (None, None, 0)


def test_an_id_can_never_reach_another_route() -> None:
    assert route("datasets", "../x?y#z", "a b") == "/datasets/..%2Fx%3Fy%23z/a%20b"
    assert read("x", About.BASE, "datasets", "../x").strange_id == "../x"
    assert read("x", About.BASE, "datasets", "tags").strange_id is None
    batch = (
        "datasets",
        "22f83db9-93e4-424b-a446-2b01259772f4",
        "documents",
        "2026",
        "indexing-status",
    )
    assert read("x", About.DOCUMENT, *batch).strange_id is None
    assert not is_id("22f83db993e4424ba4462b01259772f4")


@pytest.mark.parametrize("url", ["ftp://x/v1", "x/v1", "http://", "http://u:pw@x/v1", "http://x:0/",
                                 "http://x/v1?a=1", "http://[::1", "http://x:99999/"])  # fmt: skip
def test_bad_addresses(url: str) -> None:
    with pytest.raises(Problem) as told:
        Access(url=url, key=ApiKey("k"))
    assert "pw" not in str(told.value)
    assert "kbsync validate" in str(told.value)


@pytest.mark.parametrize("key", ["a b", "a\nb", "schlüssel"])
def test_bad_keys(key: str) -> None:
    with pytest.raises(Problem) as told:
        Access(url="http://x/v1", key=ApiKey(key))
    assert key not in str(told.value)
