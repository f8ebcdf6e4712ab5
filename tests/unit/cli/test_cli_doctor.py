"""What doctor concludes from what machines and servers tell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kbsync.cli.doctor import disks
from kbsync.cli.doctor.probe import sentence_of
from kbsync.cli.doctor.servers import clock, limits
from kbsync.config import Settings, load
from kbsync.messages import Notice
from kbsync.messages import doctor as say
from kbsync.source import mounts
from kbsync.source.mounts import mounts_of

MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw shared:5 - nfs4 files:/srv rw
31 30 0:41 / /srv/my\040docs rw - fuse.sshfs me@far: rw
32 22 0:42 / /mnt/win rw - cifs //far/win rw
33 22 0:43 / /mnt/win rw - tmpfs tmpfs rw
a line no kernel wrote
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/docs", "nfs4"),
        ("/srvdocs", "ext4"),
        ("/srv/my docs/deep", "fuse.sshfs"),
        ("/mnt/win", "tmpfs"),
    ],
)
def test_the_deepest_and_latest_mount_counts(path: str, kind: str) -> None:
    own = mounts_of(path, MOUNTS).own
    assert own is not None
    assert own.kind == kind


def test_without_a_table_the_disk_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "MOUNT_TABLE", tmp_path / "nothing")
    assert codes(list(disks.sources(settings(tmp_path))))[0] == "KB-D042"


def settings(folder: Path, server: str = "url: embedded", more: str = "") -> Settings:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "kbsync.yaml").write_text(
        f"version: 1\nserver: {{{server}}}\nledger: ./state/ledger.db\n"
        f"mirrors:\n  - {{name: docs, source: ./docs, knowledge_base: Docs{more}}}\n"
    )
    return load(folder / "kbsync.yaml", {})


def codes(found: list[Notice]) -> list[str]:
    return [notice.code for notice in found]


def on(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    table = folder / "mountinfo"
    table.write_text(f"22 1 8:1 / / rw - ext4 x rw\n30 22 0:4 / {folder} rw - {kind} x rw\n")
    monkeypatch.setattr(mounts, "MOUNT_TABLE", table)
    return list(disks.sources(settings(folder)))


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        *(("nfs", "NFS"), ("cifs", "SMB"), ("fuse.rclone", "FUSE"), ("9p", "host")),
        *((kind, "network") for kind in ("beegfs", "gpfs", "gfs2", "ocfs2")),
    ],
)
def test_file_systems_that_keep_changes_to_themselves_are_named(
    kind: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = on(kind, tmp_path, monkeypatch)[0]
    assert first.message is say.REMOTE_DISK
    assert named in first.text
    assert kind in first.text


def test_a_local_disk_and_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(tmp_path)
    (tmp_path / "docs" / "é.md").write_text("x")
    found = on("xfs", tmp_path, monkeypatch)
    assert codes(found) == ["KB-D040", "KB-D044", "KB-D046"]


def test_a_disk_that_takes_two_names_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(tmp_path)
    (tmp_path / "docs" / "é.md").write_text("x")
    (tmp_path / "DOCS").symlink_to("docs")  # what such a disk would answer
    (tmp_path / "docs" / "e\u0301.md").symlink_to("é.md")
    assert codes(on("vfat", tmp_path, monkeypatch)) == ["KB-D040", "KB-D043", "KB-D045"]


@pytest.mark.parametrize(("most", "code"), [(5, "KB-D048"), (10_000_000, "KB-D047")])
def test_folders_and_watches(
    most: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        (tmp_path / "docs" / str(number)).mkdir(parents=True)
    limit = tmp_path / "max_user_watches"
    limit.write_text(f"{most}\n")
    monkeypatch.setattr(disks, "INOTIFY", limit)
    (found,) = disks.watches(settings(tmp_path))
    assert found.code == code
    assert found.text.startswith("11 folders")
    assert ("sysctl fs.inotify.max_user_watches=" in found.next) == (most == 5)


def test_a_process_that_ends_while_watches_are_counted() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as late:
        found = disks.descriptors()
        assert next(found).is_relative_to("/proc")  # of another one: all are listed by now
        late.communicate()
        assert not [each for each in found if each.parts[2] == str(late.pid)]


def test_a_machine_without_inotify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "INOTIFY", tmp_path / "nothing")
    assert codes(list(disks.watches(settings(tmp_path)))) == ["KB-D049"]


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("Sat, 01 Mar 2025 08:00:00 GMT", "KB-D009"),
        ("Sat, 01 Mar 2025 08:05:00 GMT", "KB-D010"),
        ("Sat, 01 Mar 2025 07:00:00 GMT", "KB-D010"),
        (None, "KB-D011"),
        ("yesterday", "KB-D011"),
    ],
)
def test_clocks(date: str | None, code: str) -> None:
    assert clock("default", date, 1740816000.7).code == code


@pytest.mark.parametrize(
    ("server", "more", "expected"),
    [
        ("url: embedded", "", ["KB-D020", "KB-D008"]),
        ("url: 'https://api.dify.ai/v1', api_key: k", "", ["KB-D020", "KB-D006"]),
        ("url: 'https://notdify.ai/v1', api_key: k", "", ["KB-D020", "KB-D008"]),
        (
            "url: 'https://api.dify.ai/v1', api_key: k, requests_per_minute: 10",
            ", max_file_size: 50MB, extensions: [md, epub]",
            ["KB-D021", "KB-D022", "KB-D007"],
        ),
    ],
)
def test_limits(server: str, more: str, expected: list[str], tmp_path: Path) -> None:
    assert codes(list(limits(settings(tmp_path, server, more)))) == expected


@pytest.mark.parametrize(
    ("chunks", "sentence"),
    [
        ([], ""),
        (["  \n "], ""),
        (["# Moon\nThe moon is old. It shines."], "The moon is old."),
        (["x " * 300], ("x " * 100).strip() + " "),
    ],
)
def test_the_longest_sentence_is_asked_for(chunks: list[str], sentence: str) -> None:
    assert sentence_of(chunks) == sentence
