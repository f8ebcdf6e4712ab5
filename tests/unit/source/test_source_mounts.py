"""The mount table, read without a mount."""

import pytest

from kbsync.source.mounts import NETWORK_FILE_SYSTEMS, mounts_of, network_name

LOCAL = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw"


def line(point: str, kind: str, number: int = 40, tags: str = "") -> str:
    return f"{number} 22 0:50 / {point} rw,relatime {tags}- {kind} somewhere rw"


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "fuse", "ceph"]
)
def test_a_root_without_events(kind: str) -> None:
    table = "\n".join((LOCAL, line("/srv/docs", kind, tags="shared:7 master:2 ")))
    assert mounts_of("/srv/docs", table).network() == {"": kind}
    assert mounts_of("/srv/docs/guides", table).network() == {"": kind}
    assert mounts_of("/srv/docs2", table).network() == {}


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "overlay", "tmpfs", "fuseblk", "zfs"])
def test_local_file_systems_have_events(kind: str) -> None:
    table = "\n".join((LOCAL, line("/srv/docs", kind)))
    assert mounts_of("/srv/docs", table).network() == {}


def test_mounts_inside() -> None:
    table = "\n".join(
        (
            LOCAL,
            line("/srv/docs", "ext4"),
            line(r"/srv/docs/from\040the\040\134office", "cifs"),
            line("/srv/docs/local", "tmpfs"),
            line("/srv/docs-not-ours", "nfs"),
        )
    )
    assert mounts_of("/srv/docs", table).network() == {"from the \\office": "cifs"}


def test_a_later_mount_hides_an_earlier_one() -> None:
    table = "\n".join((LOCAL, line("/srv", "nfs"), line("/srv", "ext4", 41)))
    assert mounts_of("/srv/docs", table).network() == {}
    assert mounts_of("/srv/docs", "\n".join((table, line("/srv", "nfs4", 42)))).network() == {
        "": "nfs4"
    }


def test_what_tells_grounds_apart() -> None:
    before = mounts_of("/srv/docs", LOCAL)
    assert before == mounts_of("/srv/docs", "\n".join((LOCAL, line("/elsewhere", "ext4"))))
    assert before != mounts_of("/srv/docs", "\n".join((LOCAL, line("/srv/docs/in", "ext4"))))
    assert before != mounts_of("/srv/docs", "\n".join((LOCAL, line("/srv", "ext4"))))
    again = mounts_of("/srv/docs", "\n".join((LOCAL, line("/srv", "ext4", 90))))
    assert again != mounts_of("/srv/docs", "\n".join((LOCAL, line("/srv", "ext4", 91))))


def test_no_table_means_nothing_known() -> None:
    assert mounts_of("/srv/docs", "").network() == {}
    assert mounts_of("/srv/docs", "not a mount table\n\n").network() == {}


@pytest.mark.parametrize("kind", [*NETWORK_FILE_SYSTEMS, "fuse.sshfs", "ext4", "fuseblk"])
def test_what_has_a_name_for_people_is_what_is_polled(kind: str) -> None:
    polled = mounts_of("/srv/docs", line("/srv/docs", kind)).network() == {"": kind}
    assert (network_name(kind) is not None) is polled
