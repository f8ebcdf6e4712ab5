"""Pairing of foreign documents and files without an entry: only what is clear."""

from __future__ import annotations

import itertools

import pytest

from kbsync.messages import adoption as say
from kbsync.model import DocKey, Fingerprint, Mark, Readiness, RemoteDocument, Stat
from kbsync.planning.document_names import document_name
from kbsync.planning.marks import values_of
from kbsync.planning.pairing import By, NewFile, Pairing, pair, pair_mapped

_ids = itertools.count()


def file(path: str, *, prefix: str = "", pending: bool = False) -> NewFile:
    return NewFile(
        key=DocKey(mirror="docs", path=path),
        name=document_name(path, prefix=prefix),
        stat=Stat(10, 20, 30, 1),
        pending=pending,
    )


def document(name: str, id: str = "", **more: object) -> RemoteDocument:
    words: dict[str, object] = {"rev": "rev", "word_count": 7, "readiness": Readiness.AVAILABLE}
    return RemoteDocument(id=id or f"D{next(_ids)}", name=name, **{**words, **more})  # type: ignore[arg-type]


def marked(name: str, mirror: str, rev: str = "rev") -> RemoteDocument:
    fingerprint = Fingerprint(content="c", settings="s")
    mark = Mark(mirror=mirror, path="elsewhere.md", fingerprint=fingerprint, rev=rev)
    return document(name, metadata=values_of(mark))


def paired(found: Pairing) -> dict[str, str]:
    return {each.file.key.path: each.document.name for each in found.pairs}


def left(found: Pairing) -> dict[str, str]:
    return {each.name: each.why.code for each in found.left}


def test_by_name_is_the_name_an_upload_would_bear() -> None:
    files = [file("guides/a.md", prefix="p"), file("b.md", prefix="p"), file("c?.md", prefix="p")]
    names = ["p\u2215guides\u2215a.md", "a.md", "b.md", "p\u2215c%3F.md"]
    found = pair(files, map(document, names), By.NAME)
    assert paired(found) == {"guides/a.md": names[0], "c?.md": names[3]}
    assert left(found) == {}


@pytest.mark.parametrize(
    "name",
    ["it.md", "guides\u2215it.md", "old/guides/it.md", "other\u2215it.md", "o:d\u2215it.md"],
)
def test_by_base_name_is_what_stands_behind_the_last_slash(name: str) -> None:
    assert paired(pair([file("guides/it.md")], [document(name)], By.BASENAME)) == {
        "guides/it.md": name
    }


def test_a_base_name_is_read_back_from_our_spelling_and_composed_alike() -> None:
    files = [file("a/what?.md"), file("a/\u00e9.md"), file("a/100%.md")]
    names = ["what%3F.md", "e\u0301.md", "100%.md"]
    assert len(paired(pair(files, map(document, names), By.BASENAME))) == 3


def test_a_base_name_has_to_be_the_only_one_on_both_sides() -> None:
    files = [file(path) for path in ("a/x.md", "b/x.md", "a/y.md", "a/z.md", "alone.md")]
    documents = [document(name) for name in ("x.md", "y.md", "old/y.md", "z.md", "nobody.md")]
    found = pair(files, documents, By.BASENAME)
    assert paired(found) == {"a/z.md": "z.md"}
    assert left(found) == {
        "x.md": say.SEVERAL_FILES.code,
        "y.md": say.SEVERAL_DOCUMENTS.code,
    }


def test_twins_of_a_name_are_left() -> None:
    found = pair([file("a.md")], [document("a.md"), document("a.md")], By.NAME)
    assert (paired(found), left(found)) == ({}, {"a.md": say.SEVERAL_DOCUMENTS.code})


@pytest.mark.parametrize("by", [By.NAME, By.BASENAME])
@pytest.mark.parametrize("mirror", ["docs", "another"])
def test_a_document_with_a_valid_mark_is_not_paired(by: By, mirror: str) -> None:
    found = pair([file("a.md")], [marked("a.md", mirror)], by)
    assert (paired(found), left(found)) == ({}, {"a.md": say.MARKED.code})
    # It is no candidate, so that the other document is the only one.
    beside = pair([file("a.md")], [marked("a.md", mirror), document("a.md", "B")], by)
    assert [each.document.id for each in beside.pairs] == ["B"]


def test_a_document_with_a_copied_mark_is_paired() -> None:
    copied = marked("a.md", "another", rev="of another document")
    assert paired(pair([file("a.md")], [copied], By.NAME)) == {"a.md": "a.md"}


@pytest.mark.parametrize("readiness", list(Readiness))
def test_only_what_stands_is_taken(readiness: Readiness) -> None:
    found = pair([file("a.md")], [document("a.md", readiness=readiness)], By.NAME)
    standing = readiness in (Readiness.AVAILABLE, Readiness.ERROR)
    assert bool(found.pairs) is standing
    assert left(found) == ({} if standing else {"a.md": say.NOT_AVAILABLE.code})


def test_a_pending_upload_is_accounted_for_first() -> None:
    found = pair([file("a.md", pending=True)], [document("a.md")], By.NAME)
    assert (paired(found), left(found)) == ({}, {"a.md": say.PENDING.code})


def test_a_map_is_taken_by_its_word_and_no_further() -> None:
    files = [file(path) for path in ("a.md", "b.md", "c.md", "d.md", "e.md")]
    documents = [document(f"any {id}", id) for id in "ABCDE"]
    wanted = [("a.md", "A"), ("a.md", "A"), ("b.md", "B"), ("b.md", "C")]
    wanted += [("c.md", "D"), ("d.md", "D"), ("nowhere.md", "E"), ("e.md", "nobody")]
    found = pair_mapped(files, documents, wanted)
    assert paired(found) == {"a.md": "any A"}
    assert left(found) == {
        "b.md": say.PATH_TWICE.code,
        "c.md": say.DOCUMENT_TWICE.code,
        "d.md": say.DOCUMENT_TWICE.code,
        "e.md": say.NO_SUCH_DOCUMENT.code,
        "nowhere.md": say.NO_SUCH_FILE.code,
    }


def test_no_document_is_paired_twice_whatever_the_sides_are() -> None:
    paths = ["x.md", "a/x.md", "b/x.md", "y.md", "a/y.md"]
    names = ["x.md", "a\u2215x.md", "c\u2215x.md", "y.md"]
    for by in (By.NAME, By.BASENAME):
        for files in itertools.chain.from_iterable(
            itertools.combinations(paths, n) for n in range(len(paths) + 1)
        ):
            for some in itertools.chain.from_iterable(
                itertools.combinations(names, n) for n in range(len(names) + 1)
            ):
                found = pair(map(file, files), map(document, some), by)
                ids = [each.document.id for each in found.pairs]
                keys = [each.file.key for each in found.pairs]
                assert len(ids) == len(set(ids))
                assert len(keys) == len(set(keys))
