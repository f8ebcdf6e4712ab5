"""The walk over real folders: order, and what becomes of everything that is no plain file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from declared import mirror_config

from kbsync.engine.ports import Blocked, Seen
from kbsync.messages import source as says
from kbsync.model import Absent, Excluded, Present, Skipped, Stat, Unknown
from kbsync.planning.path_range import PathRange
from kbsync.source.folder import Folder

pytestmark = pytest.mark.usefixtures("descriptors")
Make = Callable[..., Folder]


def where(seen: Seen) -> str:
    if isinstance(seen, tuple):
        return seen[0]
    return seen.prefix if isinstance(seen, Blocked) else seen.key.path


def codes(source: Folder) -> dict[str, str]:
    """Path to code, "" for files that would be uploaded."""
    return {where(s): "" if isinstance(s, tuple) else s.why.code for s in source.scan()}


def test_rows_are_the_files_stat(ground: Path, folder: Make) -> None:
    (ground / "a.md").write_bytes(b"four")
    found = (ground / "a.md").stat()
    times = found.st_mtime_ns, found.st_ino, found.st_ctime_ns
    assert list(folder().scan()) == [("a.md", 4, *times)]


def test_order_is_that_of_sorted_paths(ground: Path, folder: Make) -> None:
    paths = ["a.md", "a/b.md", "a-b.md", "a0.md", "a!/x.md", "a/b/c.md", "é/a.md", "z.md", "Z.md"]
    paths += ["a/b-.md", "e\u0301a.md", "\U0001f600.md", "\ufb00.md", "a\n.md", "\x1b[2J.md"]
    for path in paths:
        (ground / path).parent.mkdir(exist_ok=True, parents=True)
        (ground / path).write_text("x")
    seen = [where(s) for s in folder().scan()]
    assert seen == sorted(seen)
    assert set(seen) == {path.replace("e\u0301", "é") for path in paths}


def test_what_is_no_plain_file_is_said_to_be_skipped(ground: Path, folder: Make) -> None:
    os.mkfifo(ground / "fifo.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(ground / "socket.md"))
    (ground / "empty.md").touch()
    (ground / "big.md").write_bytes(b"x" * 11)
    (ground / "fits.md").write_bytes(b"x" * 10)
    (ground / "photo.PNG").write_bytes(b"x")
    (ground / "LOUD.MD").write_bytes(b"x")
    (ground / "README").write_bytes(b"x")
    (ground / "md").write_bytes(b"x")
    (ground / "link.md").symlink_to("fits.md")
    assert codes(folder(max_file_size=10)) == {
        "LOUD.MD": "",
        "README": says.REFUSED_TYPE.code,
        "big.md": says.TOO_LARGE.code,
        "empty.md": says.EMPTY.code,
        "fifo.md": says.NO_FILE.code,
        "fits.md": "",
        "link.md": says.LINK_NOT_FOLLOWED.code,
        "md": says.REFUSED_TYPE.code,
        "photo.PNG": says.REFUSED_TYPE.code,
        "socket.md": says.NO_FILE.code,
    }


def test_a_device_is_skipped(folder: Make) -> None:
    source = Folder(mirror_config("/dev", max_file_size=9, extensions={"md"}))
    assert source.look("null") == next(s for s in source.scan() if where(s) == "null")
    assert "device" in source.look("null").why.text  # type: ignore[union-attr]


def test_names_that_are_not_utf8(ground: Path, folder: Make) -> None:
    raw = os.fsencode(ground)
    for name in (b"caf\xe9.md", rb"caf\xe9.md", b"\xff"):
        Path(os.fsdecode(raw + b"/" + name)).write_text("x")
    inner = Path(os.fsdecode(raw + b"/d\xe9"))
    inner.mkdir()
    (inner / "a.md").write_text("x")
    source = folder()
    refused = says.NAME_NOT_UTF8.code
    assert codes(source) == {
        r"/caf\xe9.md": refused,
        r"/d\xe9": refused,
        r"/\xff": refused,
        r"caf\xe9.md": "",
    }
    assert isinstance(source.look(r"/d\xe9/a.md"), Skipped)
    assert isinstance(source.look(r"/no\xe9.md"), Absent)


def test_twin_files_are_one_report_and_neither_is_sent(ground: Path, folder: Make) -> None:
    (ground / "caf\u00e9.md").write_text("composed")
    (ground / "cafe\u0301.md").write_text("decomposed")
    (ground / "\u212a.md").write_text("kelvin")
    (ground / "K.md").write_text("k")
    source = folder()
    assert codes(source) == {"K.md": says.TWINS.code, "café.md": says.TWINS.code}
    twins = source.read("café.md")
    assert isinstance(twins, Skipped)
    assert r"caf\xe9.md" in twins.why.text
    assert r"cafe\u0301.md" in twins.why.text
    assert isinstance(source.look("K.md"), Skipped)
    with source.open("K.md") as sent:
        assert isinstance(sent, Unknown)
    (ground / "\u212a.md").unlink()
    assert isinstance(source.look("K.md"), Present)


def test_a_decomposed_name_without_twin_is_an_ordinary_file(ground: Path, folder: Make) -> None:
    (ground / "e\u0301").mkdir()
    (ground / "e\u0301" / "u\u0308.md").write_text("x")
    (row,) = folder().scan()
    assert isinstance(row, tuple)
    assert row[0] == "é/ü.md"
    read = folder().read("é/ü.md")
    assert isinstance(read, Present)
    assert read.stat.agrees(Stat(*row[1:]))


def test_twin_folders_block_both(ground: Path, folder: Make) -> None:
    for name in ("\u00e9", "e\u0301"):
        (ground / name).mkdir()
        (ground / name / f"{len(name)}.md").write_text("x")
    source = folder()
    assert codes(source) == {"é/": says.TWINS.code}
    assert isinstance(source.look("é/1.md"), Unknown)
    assert isinstance(source.look("é/none.md"), Unknown)
    assert isinstance(source.look("é"), Absent)


def test_a_file_and_a_folder_as_twins(ground: Path, folder: Make) -> None:
    (ground / "\u00e9.md").mkdir()
    (ground / "e\u0301.md").write_text("x")
    source = folder()
    assert codes(source) == {"é.md": says.TWINS.code, "é.md/": says.TWINS.code}
    assert isinstance(source.look("é.md/x.md"), Unknown)


def test_twins_that_the_filters_leave_out_are_no_conflict(ground: Path, folder: Make) -> None:
    (ground / "\u00e9").mkdir()
    (ground / "\u00e9" / "a.md").write_text("x")
    (ground / "e\u0301").write_text("x")
    assert codes(folder(exclude=["é/"])) == {"é": says.REFUSED_TYPE.code}


def test_a_left_out_file_beside_its_twin_folder_is_no_absence(ground: Path, folder: Make) -> None:
    (ground / "K.md").write_text("x")
    (ground / "\u212a.md").mkdir()
    (ground / "\u212a.md" / "wanted").mkdir()
    (ground / "\u212a.md" / "wanted" / "a.md").write_text("x")
    source = folder(include=["wanted/"])
    assert codes(source) == {"K.md/wanted/a.md": ""}
    assert isinstance(source.look("K.md"), Excluded)


def test_on_a_disk_that_folds_case_only_the_listed_spelling_is_there(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ground / "Read.md").write_text("x")
    real = os.stat

    def folding(asked: object, **more: object) -> os.stat_result:
        if isinstance(asked, str) and asked.lower() == "read.md":
            asked = "Read.md"
        return real(asked, **more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "stat", folding)
    assert isinstance(folder().look("Read.md"), Present)
    assert isinstance(folder().look("read.md"), Absent)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda at: None, says.ROOT_GONE.code),
        (lambda at: at.write_text("x"), says.ROOT_NO_FOLDER.code),
        (lambda at: at.symlink_to("nowhere"), says.ROOT_GONE.code),
    ],
)
def test_no_root(ground: Path, make: Callable[[Path], object], code: str) -> None:
    make(ground / "root")
    source = Folder(mirror_config(ground / "root", max_file_size=9, extensions={"md"}))
    (seen,) = source.scan()
    assert isinstance(seen, Blocked)
    assert (seen.prefix, seen.why.code) == ("", code)
    for state in (source.look("a.md"), source.read("a.md")):
        assert isinstance(state, Unknown)
        assert state.why.code == code
    with source.open("a.md") as sent:
        assert isinstance(sent, Unknown)


def test_the_root_may_be_a_link(ground: Path) -> None:
    (ground / "real").mkdir()
    (ground / "real" / "a.md").write_text("x")
    (ground / "root").symlink_to("real")
    source = Folder(mirror_config(ground / "root", max_file_size=9, extensions={"md"}))
    assert codes(source) == {"a.md": ""}


def test_a_folder_that_vanishes_is_absent_but_not_with_its_root(ground: Path) -> None:
    root = ground / "root"
    for name in ("a", "b", "c"):
        (root / name).mkdir(parents=True)
        (root / name / "x.md").write_text("x")
    source = Folder(mirror_config(root, max_file_size=9, extensions={"md"}))
    walk = source.scan()
    assert where(next(walk)) == "a/x.md"
    (root / "b" / "x.md").unlink()
    (root / "b").rmdir()
    assert where(next(walk)) == "c/x.md"
    walk = source.scan()
    assert where(next(walk)) == "a/x.md"
    (root / "c" / "x.md").unlink()
    (root / "c").rmdir()
    root.rename(ground / "elsewhere")
    assert [(where(s), s.why.code) for s in walk if not isinstance(s, tuple)] == [
        ("c/", says.MOVED_AWAY.code)
    ]


def test_nothing_is_absent_once_the_root_was_replaced(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = ground / "root"
    root.mkdir()
    source = Folder(mirror_config(root, max_file_size=9, extensions={"md"}))
    assert isinstance(source.look("a.md"), Absent)
    real = os.stat

    def replaced_first(asked: object, **more: object) -> os.stat_result:
        if asked == "a.md" and root.exists():
            root.rename(ground / "old")
        return real(asked, **more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "stat", replaced_first)
    state = source.look("a.md")
    assert isinstance(state, Unknown)
    assert state.why.code == says.MOVED_AWAY.code


def test_a_folder_swapped_for_a_link_while_walking_is_unknown(ground: Path, folder: Make) -> None:
    (ground / "a.md").write_text("x")
    (ground / "b").mkdir()
    (ground / "b" / "x.md").write_text("x")
    walk = folder(follow_symlinks=True).scan()
    assert where(next(walk)) == "a.md"
    (ground / "b").rename(ground / ".b")
    (ground / "b").symlink_to("/etc")
    (seen,) = walk
    assert isinstance(seen, Blocked)
    assert seen.prefix == "b/"


def test_an_abandoned_walk_closes_what_it_opened(ground: Path, folder: Make) -> None:
    for name in "ab":
        (ground / name).mkdir()
        (ground / name / "x.md").write_text("x")
    walk = folder().scan()
    next(walk)
    walk.close()  # type: ignore[attr-defined]


def test_paths_longer_than_the_system_takes(ground: Path, folder: Make) -> None:
    name, steps = "n" * 251, 20
    fds = [os.open(ground, os.O_RDONLY)]
    for _ in range(steps):
        os.mkdir(name, dir_fd=fds[-1])
        fds.append(os.open(name, os.O_RDONLY, dir_fd=fds[-1]))
    with open(os.open("a.md", os.O_CREAT | os.O_WRONLY, dir_fd=fds[-1]), "wb") as deepest:
        deepest.write(b"deep")
    path = f"{name}/" * steps + "a.md"
    try:
        assert len(path) > os.pathconf("/", "PC_PATH_MAX")
        for follow in (False, True):
            source = folder(follow_symlinks=follow)
            assert codes(source) == {path: ""}
            state = source.read(path)
            assert isinstance(state, Present)
            assert state.stat.size == 4
            with source.open(path) as sent:
                assert not isinstance(sent, Unknown)
                assert sent.read() == b"deep"
    finally:
        os.unlink("a.md", dir_fd=fds[-1])
        while len(fds) > 1:
            os.close(fds.pop())
            os.rmdir(name, dir_fd=fds[-1])
        os.close(fds.pop())


def test_many_levels_need_neither_recursion_nor_descriptors(ground: Path, folder: Make) -> None:
    deep = ground.joinpath(*"d" * 400)
    deep.mkdir(parents=True)
    (deep / "a.md").write_text("x")
    assert list(codes(folder())) == ["d/" * 400 + "a.md"]


def test_longest_name(ground: Path, folder: Make) -> None:
    name = "n" * 252 + ".md"
    (ground / name).write_text("x")
    assert codes(folder()) == {name: ""}
    assert isinstance(folder().look("n" * 253 + ".md"), Absent)
    assert isinstance(folder().look(f"{'n' * 300}/{name}"), Absent)


@pytest.mark.parametrize("path", ["", "/", "../x.md", "a/../b", "a\0b", "/etc/passwd/", "e\u0301"])
def test_what_is_no_key_is_unknown(ground: Path, folder: Make, path: str) -> None:
    state = folder().look(path)
    assert isinstance(state, Unknown)
    assert state.why.code == says.NO_KEY.code
    with folder().open(path) as sent:
        assert isinstance(sent, Unknown)


def test_ignore_files_and_settings_together(ground: Path, folder: Make) -> None:
    for path in ("a.md", "drafts/b.md", "keep/c.md", "keep/d.md", ".h.md", "old/e.md", "old/f.md"):
        (ground / path).parent.mkdir(exist_ok=True)
        (ground / path).write_text("x")
    (ground / ".gitignore").write_text("drafts/\n*.md\n!a.md\n")
    (ground / ".kbsyncignore").write_bytes(b"\xef\xbb\xbf!old/\r\n!*.md\r\n")
    (ground / "keep" / ".kbsyncignore").write_text("d.md")
    source = folder(exclude=["f.md"])
    assert codes(source) == {"a.md": "", "keep/c.md": "", "old/e.md": ""}
    for path in ("drafts/b.md", "keep/d.md", ".h.md", "old/f.md", ".gitignore"):
        assert isinstance(source.look(path), Excluded), path
    assert isinstance(source.look("drafts/none.md"), Absent)
    assert isinstance(source.look("drafts"), Absent)
    assert set(codes(folder(gitignore=False, hidden=True))) == {
        *("a.md", "drafts/b.md", "keep/c.md", ".h.md", "old/e.md", "old/f.md")
    }


@pytest.mark.parametrize("spoil", [lambda at: at.mkdir(), os.mkfifo])
def test_an_ignore_file_that_cannot_be_read_blocks_its_folder(
    ground: Path, folder: Make, spoil: Callable[[Path], object]
) -> None:
    (ground / "a.md").write_text("x")
    (ground / "sub").mkdir()
    (ground / "sub" / "secret.md").write_text("x")
    spoil(ground / "sub" / ".kbsyncignore")
    source = folder()
    assert codes(source) == {"a.md": "", "sub/": says.IGNORE_UNREADABLE.code}
    assert isinstance(source.look("sub/secret.md"), Unknown)


LEAVES_OUT = "private/\n*.draft.md\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", [".kbsyncignore", ".gitignore"])
def test_an_ignore_file_is_read_by_its_byte_order_mark(
    ground: Path, folder: Make, name: str, encoding: str
) -> None:
    (ground / "private").mkdir()
    for path in ("private/pay.md", "x.draft.md", "a.md"):
        (ground / path).write_text("x")
    (ground / name).write_bytes(LEAVES_OUT.replace("\n", "\r\n").encode(encoding))
    assert codes(folder()) == {"a.md": ""}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (LEAVES_OUT.encode("utf-16-le"), "NULs"),
        (b"\xff\xfep", "UTF-16"),
        ("公开/\n薪酬/\n".encode("gbk"), "line 1 is not UTF-8"),
        ("ok/\nüber/\n".encode("latin-1"), "line 2 is not UTF-8"),
        (b"ok/\nprivate/ # until May\n", "line 2"),
        (b"ok/\r\n[private\r\n", "line 2"),
        (b"private\\pay.md", "backslash"),
        (b"private/\r*.draft.md\r", "carriage returns"),
        (b"./private/", "match nothing"),
        ("pers\ufffdnlich/".encode(), "U+FFFD"),
    ],
)
def test_an_ignore_file_that_is_not_understood_blocks_its_folder(
    ground: Path, folder: Make, content: bytes, cause: str
) -> None:
    (ground / "a.md").write_text("x")
    (ground / "sub" / "deep").mkdir(parents=True)
    (ground / "sub" / "deep" / "secret.md").write_text("x")
    (ground / "sub" / ".kbsyncignore").write_bytes(content)
    state = folder().look("sub/deep/secret.md")
    assert codes(folder()) == {"a.md": "", "sub/": says.IGNORE_UNREADABLE.code}
    assert isinstance(state, Unknown)
    assert cause in state.why.text


def test_a_path_from_the_top_of_the_disk_is_said(ground: Path, folder: Make) -> None:
    (ground / "a.md").write_text("x")
    (ground / ".kbsyncignore").write_text(f"*.txt\n{ground}/private/\n")
    assert codes(folder()) == {"": says.IGNORE_UNREADABLE.code}
    state = folder().look("a.md")
    assert isinstance(state, Unknown)
    assert f"line 2: a path begins at the folder of this file: write it without {ground}" in (
        state.why.text
    )


@pytest.mark.parametrize("used", [False, True])
def test_an_ignore_file_with_an_ending_too_many_blocks_its_folder(
    ground: Path, folder: Make, used: bool
) -> None:
    (ground / "a.md").write_text("x")
    (ground / "sub").mkdir()
    (ground / "sub" / "secret.md").write_text("x")
    (ground / "sub" / ".gitignore.txt").write_text("secret.md\n")
    mirrored = folder(gitignore=used)
    expected = {"a.md": "", "sub/": says.IGNORE_UNREADABLE.code}
    assert codes(mirrored) == (expected if used else {"a.md": "", "sub/secret.md": ""})
    assert isinstance(mirrored.look("sub/secret.md"), Unknown) is used


def test_a_link_to_an_ignore_file_that_is_gone_blocks_its_folder(
    ground: Path, folder: Make
) -> None:
    (ground / "a.md").write_text("x")
    (ground / ".kbsyncignore").symlink_to("rules")
    assert codes(folder()) == {"": says.IGNORE_UNREADABLE.code}


def test_an_ignore_file_may_be_a_link(ground: Path, folder: Make) -> None:
    (ground / "rules").mkdir()
    (ground / "rules" / "common").write_text("a.md")
    (ground / ".kbsyncignore").symlink_to("rules/common")
    for name in ("a.md", "b.md"):
        (ground / name).write_text("x")
    assert set(codes(folder(exclude=["rules"]))) == {"b.md"}


def test_a_plain_folder_loads_neither_patterns_nor_guessing(ground: Path) -> None:
    (ground / "a.md").write_text("x")
    script = (
        "import sys; from kbsync.config import MirrorConfig\n"
        "from kbsync.source.folder import Folder\n"
        f"f = Folder(MirrorConfig(name='m', source={str(ground)!r}, knowledge_base='Docs'))\n"
        "assert len(list(f.scan())) == 1 and f.read('a.md').content\n"
        "print({'pathspec', 'charset_normalizer', 'anyio'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert ran.stdout.strip() == b"set()"


@pytest.mark.parametrize("first", ["", "a", "a/", "a/b.md", "a/b/", "b/x", "flat/05.md", "z"])
@pytest.mark.parametrize("end", ["a/", "a/b.md", "a/b/c.md", "flat/", "flat/12.md", "é", None])
def test_a_part_of_a_walk_is_that_part_of_the_whole(
    ground: Path, folder: Make, first: str, end: str | None
) -> None:
    paths = ["a.md", "a/b.md", "a/b/c.md", "a-b.md", "a/b/empty.md", "b/x/y.md", "é/a.md", "z.exe"]
    for path in [*paths, *(f"flat/{n:02}.md" for n in range(20))]:
        (ground / path).parent.mkdir(exist_ok=True, parents=True)
        (ground / path).write_text("" if "empty" in path else "x")
    (ground / "flat/05.md.kbsync.yaml").write_text("metadata: {a: b}")
    source, within = folder(), PathRange(first, end)
    assert list(source.scan(within)) == [s for s in source.scan() if where(s) in within]


def test_a_folder_that_cannot_be_listed_blocks_each_part_of_it(ground: Path, folder: Make) -> None:
    (ground / "a/b").mkdir(parents=True)
    (ground / "a/.kbsyncignore").write_bytes(b"\0")
    for within in (PathRange("", "a/b/c"), PathRange("a/b/c", "b"), PathRange("a/x")):
        assert [where(s) for s in folder().scan(within)] == ["a/"]
    assert list(folder().scan(PathRange("b"))) == []
