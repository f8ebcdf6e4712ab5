"""Names as keys: every name has one, and names that cannot be valid never meet real ones."""

import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.source.file_names import component, components, has_one_spelling, is_not_utf8

NAMES = st.binary(min_size=1, max_size=12).filter(lambda b: b"/" not in b and b"\0" not in b)


@given(NAMES, NAMES)
def test_only_normalisation_merges_names(one: bytes, other: bytes) -> None:
    first, second = os.fsdecode(one), os.fsdecode(other)
    if component(first) == component(second):
        assert unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second)


@given(st.lists(NAMES.filter(lambda b: b not in (b".", b"..")), min_size=1, max_size=4))
def test_a_path_splits_into_the_components_it_was_made_of(names: list[bytes]) -> None:
    parts = [component(os.fsdecode(name)) for name in names]
    assert components("/".join(parts)) == parts


@given(NAMES)
def test_every_component_can_be_written_as_utf8(name: bytes) -> None:
    component(os.fsdecode(name)).encode()


def test_stray_bytes_and_the_text_that_looks_like_them_stay_apart() -> None:
    raw = [b"a\xe9", rb"a\xe9", b"\\\xe9", b"\\\\\xe9", rb"\xe9" + b"\xff", b"\xe9\xff"]
    keys = {component(os.fsdecode(name)) for name in raw}
    assert len(keys) == len(raw)
    assert component(os.fsdecode(b"caf\xe9.md")) == r"/caf\xe9.md"
    assert component(r"caf\xe9.md") == r"caf\xe9.md"
    assert is_not_utf8(r"/caf\xe9.md")


def test_exactly_the_ascii_names_without_twins_have_one_spelling() -> None:
    """The three characters are a fact of Unicode: ask it for all of them."""
    twinned = {
        made
        for point in range(0x80, sys.maxunicode + 1)
        if (made := unicodedata.normalize("NFC", chr(point))).isascii()
    }
    assert twinned == {"K", ";", "`"}
    for ch in map(chr, range(0x21, 0x7F)):
        assert has_one_spelling(f"a{ch}b") is (ch not in twinned)
    assert not has_one_spelling("é")
    assert not has_one_spelling("/x")


@pytest.mark.parametrize(
    "path",
    ["", "/", "a/", "//a", "a///b", ".", "..", "a/../b", "./a", "a/.", "a\0b", "e\u0301", "\udce9"],
)
def test_what_no_scan_yields_is_no_path(path: str) -> None:
    assert not components(path)
