"""The mount table, read without a mount."""

import pytest

from kbsync.source.mounts import NETWORK_FILE_SYSTEMS, ground, network_name

LOCAL = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw"


def line(point: str, kind: str, number: int = 40, tags: str = "") -> str:
    return f"{number} 22 0:50 / {point} rw,relatime {tags}- {kind} somewhere rw"


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "fuse", "ceph"]
)
def test_a_root_without_events(kind: str) -> None:
    table = "\n".join((LOCAL, line("/srv/docs", kind, tags="shared:7 master:2 ")))
    assert ground("/srv/docs", table).silent() == {"": kind}
    assert ground("/srv/docs/guides", table).silent() == {"": kind}
    assert ground("/srv/docs2", table).silent() == {}


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "overlay", "tmpfs", "fuseblk", "zfs"])
def test_local_file_systems_have_events(kind: str) -> None:
    table = "\n".join((LOCAL, line("/srv/docs", kind)))
    assert ground("/srv/docs", table).silent() == {}


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
    assert ground("/srv/docs", table).silent() == {"from the \\office": "cifs"}


def test_a_later_mount_hides_an_earlier_one() -> None:
    table = "\n".join((LOCAL, line("/srv", "nfs"), line("/srv", "ext4", 41)))
    assert ground("/srv/docs", table).silent() == {}
    assert ground("/srv/docs", "\n".join((table, line("/srv", "nfs4", 42)))).silent() == {
        "": "nfs4"
    }


def test_what_tells_grounds_apart() -> None:
    before = ground("/srv/docs", LOCAL)
    assert before == ground("/srv/docs", "\n".join((LOCAL, line("/elsewhere", "ext4"))))
    assert before != ground("/srv/docs", "\n".join((LOCAL, line("/srv/docs/in", "ext4"))))
    assert before != ground("/srv/docs", "\n".join((LOCAL, line("/srv", "ext4"))))
    again = ground("/srv/docs", "\n".join((LOCAL, line("/srv", "ext4", 90))))
    assert again != ground("/srv/docs", "\n".join((LOCAL, line("/srv", "ext4", 91))))


def test_no_table_means_nothing_known() -> None:
    assert ground("/srv/docs", "").silent() == {}
    assert ground("/srv/docs", "not a mount table\n\n").silent() == {}


@pytest.mark.parametrize("kind", [*NETWORK_FILE_SYSTEMS, "fuse.sshfs", "ext4", "fuseblk"])
def test_what_has_a_name_for_people_is_what_is_polled(kind: str) -> None:
    polled = ground("/srv/docs", line("/srv/docs", kind)).silent() == {"": kind}
    assert (network_name(kind) is not None) is polled
