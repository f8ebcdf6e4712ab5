"""Whatever documents are called, their files lie inside the folder, each in a place of its own."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from kbsync.app.export.paths import CHUNKS, LONGEST_PATH, SIDECAR, TEXTS, Places, path_for
from kbsync.planning.document_names import document_name, folded, kept_extension

from .test_names import TOKENS

OWN = st.sampled_from(
    [SIDECAR, CHUNKS, "/.kbsync-export/state.db", ".KBSYNC.YAML", " (2)", "\ud800"]
)
NAMES = st.lists(TOKENS | OWN | st.characters(), max_size=30).map("".join)
EXTENSIONS = st.sampled_from([None, "txt", "md", "pdf", "PDF", "", "../x", "a b", "x" * 40])
MARKED = st.none() | NAMES


def assert_safe(path: str) -> None:
    assert not PurePosixPath(path).is_absolute()
    assert len(path.encode()) <= LONGEST_PATH + len(" (999999)")
    for part in path.split("/"):
        assert part
        assert not part.startswith(".")
        assert len((part + CHUNKS).encode()) <= 255
        assert not part.lower().endswith((SIDECAR, CHUNKS))
        assert not any(unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") for ch in part)
        assert not any(unicodedata.bidirectional(ch) in ("RLO", "LRO", "RLI", "LRI") for ch in part)


@given(NAMES, EXTENSIONS, MARKED)
def test_every_path_is_safe_and_says_what_its_file_holds(
    name: str, extension: str | None, marked: str | None
) -> None:
    path = path_for(name, extension=extension, marked=marked)
    assert_safe(path)
    if extension == "txt":
        assert kept_extension(path) in TEXTS
    elif extension in ("md", "pdf", "PDF"):
        assert kept_extension(path) == extension.lower()
    else:
        assert kept_extension(path)


@given(st.lists(st.tuples(NAMES, EXTENSIONS), max_size=20))
def test_no_two_documents_meet_whatever_the_disk_thinks_of_case(
    documents: list[tuple[str, str | None]],
) -> None:
    places = Places()
    paths = [places.placed(path_for(name, extension=known)) for name, known in documents]
    for path in paths:
        assert_safe(path)
    met = [folded(path) for path in paths]
    assert len(set(met)) == len(met)
    assert not any(other.startswith(f"{path}/") for path in met for other in met)


PLAIN = st.text(st.sampled_from([*"abcXYZ019 -_&'é漢%:?\"", "\u2215"]), min_size=1, max_size=12)


@given(st.lists(PLAIN.filter(lambda part: part.strip() == part), min_size=1, max_size=4))
def test_a_name_of_ours_becomes_the_path_it_was_made_of(parts: list[str]) -> None:
    path = unicodedata.normalize("NFC", "/".join(parts)) + ".md"
    name = document_name(path)
    assert path_for(name, extension="md", marked=path) == path
