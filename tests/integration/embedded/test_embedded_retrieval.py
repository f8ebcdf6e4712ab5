from pathlib import Path
from typing import Any

import pytest
from embedded_client import KEYWORD_SEARCH, Base, new_base

pytestmark = pytest.mark.anyio

TEXTS = {
    "kernel.md": "The kernel schedules threads on the processor with a fair queue.",
    "apple.md": "An apple orchard needs sun, water and patience.",
    "harbour.md": "Ships wait in the harbour until the tide turns and the pilot comes aboard.",
    "release.md": "To publish a release, tag the commit and push the tag to the server.",
    "cjk.md": "地球は太陽の周りを公転しています。月は地球の衛星です。",
    "korean.md": "대한민국의 수도는 서울이다.",
    "accents.md": "Das Öl für die Mühle kommt aus Süßkirschen.",
}


@pytest.fixture
async def library(base: Base) -> Base:
    for name, text in TEXTS.items():
        await base.indexed(name, text)
    return base


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("thread", "kernel.md"),
        ("How does the kernel decide which of the threads is run next?", "kernel.md"),
        ("what do I have to do when I want to publish a new release of the program", "release.md"),
        ("when does the pilot come aboard a waiting ship", "harbour.md"),
        ("太陽", "cjk.md"),
        ("月は何ですか、地球の衛星", "cjk.md"),
        ("月", "cjk.md"),
        ("수도", "korean.md"),
        ("muhle", "accents.md"),
        ("ÖL", "accents.md"),
    ],
)
async def test_the_best_chunk_comes_first(library: Base, query: str, name: str) -> None:
    assert (await library.search(query))[0] == TEXTS[name]


@pytest.mark.parametrize(
    "query",
    [
        '"', "''", '"unbalanced', "a AND", "OR OR OR", "NEAR(a b)", "words: kernel", "kernel*",
        "^kernel", "(kernel", "kernel)", "-kernel", "+kernel", "{words}: kernel", "%_%", "\\",
        "kernel\0apple", "; DROP TABLE segment; --", "\u202ekernel", "🚀", "   ", "\n\t",
        "' OR 1=1", "a" * 250, "\ufeff", "NOT", "col:val", "[x](y)", "😀 kernel 😀", "x y " * 62,
    ],
)  # fmt: skip
async def test_no_query_is_a_syntax_error(library: Base, query: str) -> None:
    found = await library.search(query)
    assert set(found) <= set(TEXTS.values())
    if "kernel" in query:
        assert TEXTS["kernel.md"] in found


async def test_words_everybody_uses_do_not_hide_the_one_that_counts(library: Base) -> None:
    assert await library.search("what is the tide") == [TEXTS["harbour.md"]]
    assert len(await library.search("the", top_k=10)) == 3


async def test_top_k_and_scores(library: Base) -> None:
    assert len(await library.search("the kernel apple ships tag", top_k=2)) == 2
    reply = await library.http.post(
        f"{library.url}/hit-testing",
        json={
            "query": "kernel",
            "retrieval_model": KEYWORD_SEARCH
            | {"score_threshold_enabled": True, "score_threshold": 0.9},
        },
    )
    record = reply.json()["records"][0]
    assert record["score"] == 0.0
    assert record["segment"]["document"]["name"] == "kernel.md"


async def test_without_a_model_only_keywords_can_be_searched(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db", ["no-models"]) as base:
        await base.indexed("kernel.md", TEXTS["kernel.md"])
        reply = await base.http.post(f"{base.url}/retrieve", json={"query": "kernel"})
        assert reply.status_code == 400
        assert reply.json()["message"] == "Default model not found for text-embedding"
        stored = await base.http.patch(base.url, json={"retrieval_model": KEYWORD_SEARCH})
        assert stored.json()["retrieval_model_dict"]["search_method"] == "keyword_search"
        reply = await base.http.post(f"{base.url}/retrieve", json={"query": "kernel"})
        assert [record["score"] for record in reply.json()["records"]] == [0.0]


async def test_an_economy_base_has_nothing_to_find_by_likeness(library: Base) -> None:
    reply = await library.http.post(f"{library.url}/retrieve", json={"query": "kernel"})
    assert (reply.status_code, reply.json()["records"]) == (200, [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"query": ""}, "Query or attachment_ids is required"),
        ({"query": "x" * 251}, "at most 250 characters"),
        ({"query": "x", "retrieval_model": {"search_method": "foo"}},
         "'foo' is not a valid RetrievalMethod"),
        ({}, "Field required"),
    ],
)  # fmt: skip
async def test_searches_that_are_refused(base: Base, body: dict[str, Any], message: str) -> None:
    reply = await base.http.post(f"{base.url}/retrieve", json=body)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_param")
    assert message in reply.json()["message"]


async def test_what_is_switched_off_is_not_found(library: Base) -> None:
    listed = (await library.http.get(f"{library.url}/documents")).json()["data"]
    ids = {row["name"]: row["id"] for row in listed}
    for off, on in [("disable", "enable"), ("archive", "un_archive")]:
        await library.toggle(off, ids["kernel.md"])
        assert await library.search("kernel") == []
        await library.toggle(on, ids["kernel.md"])
        assert await library.search("kernel") == [TEXTS["kernel.md"]]


async def test_other_bases_are_not_searched(tmp_path: Path) -> None:
    async with new_base(tmp_path / "store.db") as base:
        await base.indexed("a.txt", "kernel")
        other = await base.http.post("/datasets", json={"name": "Other"})
        assert await Base(base.http, other.json()["id"]).search("kernel") == []


FILTERS = [
    ("contains", "ide/b", {"b"}),
    ("not contains", "ide/b", {"a"}),
    ("start with", "guide/", {"a", "b"}),
    ("end with", "a.md", {"a"}),
    ("is", "guide/a.md", {"a"}),
    ("is not", "guide/a.md", {"b"}),
    ("empty", None, {"c"}),
    ("not empty", None, {"a", "b"}),
    ("in", ["guide/a.md", "x"], {"a"}),
]
NUMBERS = [
    ("=", 10, {"a"}),
    ("≠", 10, {"b"}),
    (">", 9.5, {"a", "b"}),
    ("<", "11", {"a"}),
    ("≥", 10, {"a", "b"}),
    ("≤", 10, {"a"}),
    ("before", 11, {"a"}),
    ("after", 11, {"b"}),
    (">", "no number", set()),
    ("bogus", 1, set()),
]


@pytest.mark.parametrize(
    ("field", "operator", "value", "wanted"),
    [("path", *row) for row in FILTERS] + [("size", *row) for row in NUMBERS],
)
async def test_metadata_filters(
    base: Base, field: str, operator: str, value: object, wanted: set[str]
) -> None:
    values = {"a": ("guide/a.md", 10), "b": ("guide/b.md", 20)}
    fields = {}
    for name, kind in (("path", "string"), ("size", "number")):
        made = await base.http.post(f"{base.url}/metadata", json={"name": name, "type": kind})
        fields[name] = made.json()["id"]
    for name in "abc":
        document = await base.indexed(f"{name}.txt", f"{name} kernel")
        if name in values:
            given = zip(fields.items(), values[name], strict=True)
            listed = [{"id": key, "name": title, "value": it} for (title, key), it in given]
            row = {"document_id": document, "metadata_list": listed}
            await base.http.post(f"{base.url}/documents/metadata", json={"operation_data": [row]})
    condition = {"name": field, "comparison_operator": operator, "value": value}
    filters = {"logical_operator": "and", "conditions": [condition]}
    found = await base.search("kernel", metadata_filtering_conditions=filters)
    assert {text[0] for text in found} == wanted
    either = {"logical_operator": "or", "conditions": [condition] * 2}
    assert {t[0] for t in await base.search("kernel", metadata_filtering_conditions=either)} == (
        wanted
    )


async def test_more_and_rarer_words_rank_higher(base: Base) -> None:
    texts = {
        "a.md": "release notes of last year, release notes of the year before",
        "b.md": "publish a release: tag the commit",
        "c.md": "tag your luggage before the release of the hold",
        "d.md": "release party",
    }
    for name, text in texts.items():
        await base.indexed(name, text)
    found = await base.search("how do I publish a release and tag the commit?", top_k=4)
    assert found[:2] == [texts["b.md"], texts["c.md"]]
    assert len(found) == 4
