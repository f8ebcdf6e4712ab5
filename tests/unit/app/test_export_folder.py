"""The folder of an export takes whole files, and writes over none that it did not write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kbsync.app.export.folder import OWN, ExportFolder, Put
from kbsync.messages import Problem
from kbsync.messages import export as say


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ExportFolder]:
    with closing(ExportFolder(tmp_path / "deep" / "library")) as opened:
        yield opened


def put(folder: ExportFolder, path: str, content: bytes, replacing: str | None = None) -> Put:
    with folder.part() as part:
        part.write(b"dropped")
        part.begin()
        part.write(content)
        return folder.put(part, path, replacing=replacing)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_put_once_and_replaced_only_while_it_is_as_it_was_written(
    folder: ExportFolder,
) -> None:
    assert put(folder, "a/b/c.md", b"one") is Put.WRITTEN
    assert put(folder, "a/b/c.md", b"one") is Put.SAME
    assert put(folder, "a/b/c.md", b"two") is Put.DIFFERS
    assert put(folder, "a/b/c.md", b"two", replacing=sha(b"one")) is Put.WRITTEN
    assert put(folder, "a/b/c.md", b"three", replacing=sha(b"one")) is Put.DIFFERS
    assert (folder.path / "a/b/c.md").read_bytes() == b"two"
    assert not list(folder.own.glob("*.part"))


def test_a_link_on_the_way_is_not_followed(folder: ExportFolder, tmp_path: Path) -> None:
    (folder.path / "out").symlink_to(tmp_path)
    (folder.path / "file.md").symlink_to(tmp_path / "other.md")
    for path in ("out/a.md", "file.md", "a.md/b.md"):
        (folder.path / "a.md").write_bytes(b"a file, no folder")
        with pytest.raises(OSError, match=r".+"):
            put(folder, path, b"x")
    assert not (tmp_path / "a.md").exists()
    assert not (tmp_path / "other.md").exists()


def test_only_what_is_as_it_was_written_is_removed(folder: ExportFolder) -> None:
    put(folder, "a.md", b"one")
    assert not folder.remove("a.md", if_still=sha(b"two"))
    assert folder.remove("a.md", if_still=sha(b"one"))
    assert not folder.remove("a.md", if_still=sha(b"one"))


def test_what_a_run_did_not_finish_is_gone_with_the_next(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path / "library")
    (folder.own / "7.part").write_bytes(b"half")
    folder.close()
    with closing(ExportFolder(folder.path)):
        assert not list(folder.own.iterdir())


def test_two_exports_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with closing(ExportFolder(tmp_path / "library")) as first:
        with pytest.raises(Problem, match="another export"):
            ExportFolder(first.path)
        assert put(first, "a.md", b"one") is Put.WRITTEN


@pytest.mark.parametrize("own", [False, True])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, own: bool) -> None:
    place = tmp_path / "library"
    if own:
        place.mkdir()
        (place / OWN).symlink_to(tmp_path)
    else:
        place.write_text("a file")
    with pytest.raises(Problem) as refused:
        ExportFolder(place)
    assert refused.value.notice.message is say.FOLDER_UNUSABLE


def test_a_folder_that_no_configuration_can_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        ExportFolder(tmp_path / "caf\udce9")
    assert refused.value.notice.message is say.FOLDER_UNUSABLE
    assert not list(tmp_path.iterdir())
