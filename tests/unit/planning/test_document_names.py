"""Names are readable, reversible, never shared, and acceptable to the server."""

from __future__ import annotations

import os
import unicodedata
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.planning.document_names import (
    LONGEST,
    document_name,
    document_names,
    folded,
    kept_extension,
    path_of,
)

REFUSED = set('/\\:*?"<>|')
HARD = st.sampled_from(list('%∕/\\:*?"<>|.. \t\n\x00\x7f\x85\u0327\u0301\u202e\ufeff\u3000aCF~23é'))
TEXT = st.characters(exclude_categories=["Cs"])
PATHS = (
    st.text(HARD | TEXT, min_size=1, max_size=60)
    | st.text(HARD, min_size=1, max_size=300)
    | st.builds(lambda stem, end: stem + end, st.text(HARD | TEXT), st.sampled_from([".md", ".MD"]))
).map(lambda text: unicodedata.normalize("NFC", text))
CLOSE = st.builds(
    lambda stem, tail: [stem + one for one in tail],
    st.text("ab./∕%", min_size=150, max_size=230),
    st.lists(
        st.sampled_from(["", "a", "b", "%", "%2F", "∕", "/", ".md", "x.md", "y.md"]), min_size=2
    ),
)


def server_extension(name: str) -> str:
    """What a server takes for the type: Python's own split of the file name."""
    return os.path.splitext(name)[1].removeprefix(".").lower()  # noqa: PTH122


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("guides/install.md", "guides∕install.md"),
        ("a.b/c d.md", "a.b∕c d.md"),
        ("what?.md", "what%3F.md"),
        ("100%.md", "100%25.md"),
        ("a∕b.md", "a%E2%88%95b.md"),
        ("line\nbreak.md", "line%0Abreak.md"),
        ("\u202egnp.md", "%E2%80%AEgnp.md"),
        (" lead.md", "%20lead.md"),
        ("ünï/日本語.txt", "ünï∕日本語.txt"),
        ("<\u0327.md", "%3C%CC%A7.md"),
        ("docs/.md", "docs∕%2Emd"),
        ("v1.2/LICENSE", "v1%2E2∕LICENSE"),
        ("name.md.", "name%2Emd%2E"),
        ("trail.md ", "trail%2Emd%20"),
        (".hidden.md", ".hidden.md"),
        ("a/..md", "a∕%2E%2Emd"),
        ("a..md", "a..md"),
        ("e\u0301.md", "é.md"),
    ],
)
def test_examples(path: str, name: str) -> None:
    assert document_name(path) == name
    assert path_of(name) == unicodedata.normalize("NFC", path)


def test_prefix_is_a_folder() -> None:
    assert document_name("a/b.md", prefix="hand book/") == "hand book∕a∕b.md"
    assert document_name("a.md", prefix="p") == document_name("p/a.md")
    assert path_of("p∕a.md", prefix="p/") == "a.md"
    assert path_of("px∕a.md", prefix="p/") is None
    assert path_of("a.md", prefix="p/") is None
    assert path_of("p∕", prefix="p/") is None


@pytest.mark.parametrize(
    "name",
    ["", "a/b.md", "a:b.md", "%3a.md", "%41.md", "%.md", "%FF.md", "a%2Eb.md", " a.md", "\ud800"],
)
def test_foreign_names_have_no_path(name: str) -> None:
    assert path_of(name) is None


@pytest.mark.parametrize("path", ["", "caf\udce9.md"])
def test_paths_without_a_name(path: str) -> None:
    with pytest.raises(ValueError, match="document name"):
        document_name(path)


def test_long_names_are_cut_before_the_server_cuts_them() -> None:
    base = "n.n" * 80
    one, other = document_name(f"{base}x.md"), document_name(f"{base}y.md")
    assert one != other
    assert LONGEST - 3 < len(one) <= LONGEST
    assert one.count(".") == 1
    assert one.endswith(".md")
    assert path_of(one) is None


def test_a_cut_name_is_no_other_paths_name() -> None:
    cut = document_name("a" * 300 + ".md")
    assert document_name(cut) != cut


@given(PATHS)
def test_reversible_or_cut(path: str) -> None:
    name = document_name(path)
    assert path_of(name) == (None if "%~" in name else path)
    assert "%~" not in name or len(name) > LONGEST - 12


@given(PATHS)
def test_acceptable(path: str) -> None:
    name = document_name(path)
    assert 0 < len(name) <= LONGEST
    assert not REFUSED & set(name)
    assert not any(unicodedata.category(ch) in {"Cc", "Cs", "Zl", "Zp"} for ch in name)
    assert unicodedata.normalize("NFC", name) == name
    assert name == name.strip()


@given(PATHS)
def test_type_is_kept(path: str) -> None:
    assert server_extension(document_name(path)) == kept_extension(path)
    if (own := server_extension(path.rpartition("/")[2])) in {"md", "txt", "pdf", "html"}:
        assert kept_extension(path) == own


@given(st.lists(PATHS, unique=True, max_size=8) | CLOSE)
def test_injective(paths: list[str]) -> None:
    distinct = {unicodedata.normalize("NFC", path) for path in paths}
    assert len({document_name(path) for path in distinct}) == len(distinct)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a/b.md", ["a∕b.md", "a∕b%~2.md", "a∕b%~3.md"]),
        ("LICENSE", ["LICENSE", "LICENSE%~2", "LICENSE%~3"]),
        ("v1.2/%~2", ["v1%2E2∕%25~2", "v1%2E2∕%25~2%~2", "v1%2E2∕%25~2%~3"]),
    ],
)
def test_names_for_when_the_first_is_taken(path: str, names: list[str]) -> None:
    assert list(islice(document_names(path), 3)) == names


@given(st.lists(PATHS, unique=True, max_size=5) | CLOSE)
def test_no_name_of_a_path_is_ever_one_of_anothers(paths: list[str]) -> None:
    distinct = {unicodedata.normalize("NFC", path) for path in paths}
    names = [name for path in distinct for name in islice(document_names(path), 4)]
    assert len(set(names)) == len(names)
    assert all(len(name) <= LONGEST for name in names)


@given(PATHS)
def test_further_names_keep_type_and_form_and_tell_no_path(path: str) -> None:
    for name in islice(document_names(path), 1, 4):
        assert server_extension(name) == kept_extension(path)
        assert not REFUSED & set(name)
        assert name == name.strip() == unicodedata.normalize("NFC", name)
        assert path_of(name) is None


@given(PATHS, st.sampled_from(["p", "p/", "a.b/c", "p%∕"]))
def test_prefix_comes_off_again(path: str, prefix: str) -> None:
    name = document_name(path, prefix=prefix)
    assert path_of(name, prefix=prefix) == (None if "%~" in name else path)


@pytest.mark.parametrize(
    ("one", "other"), [("A.md", "a.md"), ("STRASSE", "straße"), ("e\u0301", "é"), ("É", "e\u0301")]
)
def test_twins_fold_together(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_others_stay_apart() -> None:
    assert folded("a.md") != folded("b.md")
