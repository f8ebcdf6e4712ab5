"""Symbolic links: followed only on request, only inside the root, never in circles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from declared import mirror_config

from kbsync.messages import source as says
from kbsync.model import Absent, Excluded, Present, Skipped
from kbsync.source.folder import Folder

pytestmark = pytest.mark.usefixtures("descriptors")
Make = Callable[..., Folder]


def codes(source: Folder) -> dict[str, str]:
    seen = list(source.scan())
    return {
        s[0] if isinstance(s, tuple) else s.key.path: "" if isinstance(s, tuple) else s.why.code  # type: ignore[union-attr]
        for s in seen
    }


@pytest.fixture
def tree(ground: Path) -> Path:
    root = ground / "root"
    (root / "real").mkdir(parents=True)
    (root / "real" / "a.md").write_text("inside")
    (ground / "outside").mkdir()
    (ground / "outside" / "secret.md").write_text("secret")
    return root


def source(root: Path, **settings: object) -> Folder:
    return Folder(mirror_config(root, max_file_size=99, extensions={"md"}, **settings))


def test_links_are_not_followed_by_default(tree: Path) -> None:
    (tree / "file.md").symlink_to("real/a.md")
    (tree / "folder").symlink_to("real")
    asked = source(tree)
    assert codes(asked) == {
        "file.md": says.LINK_NOT_FOLLOWED.code,
        "folder": says.LINK_NOT_FOLLOWED.code,
        "real/a.md": "",
    }
    # A folder that became a link is no proof that its documents should go.
    assert isinstance(asked.look("folder/a.md"), Skipped)


def test_links_inside_the_root_are_followed_on_request(tree: Path) -> None:
    (tree / "file.md").symlink_to("real/a.md")
    (tree / "folder").symlink_to(tree / "real")
    (tree / "again").symlink_to("folder")
    (tree / "photo.md").symlink_to("real/b.png")
    (tree / "real" / "b.png").write_text("x")
    asked = source(tree, follow_symlinks=True)
    assert codes(asked) == {
        "again/a.md": "",
        "again/b.png": says.REFUSED_TYPE.code,
        "file.md": "",
        "folder/a.md": "",
        "folder/b.png": says.REFUSED_TYPE.code,
        "photo.md": "",
        "real/a.md": "",
        "real/b.png": says.REFUSED_TYPE.code,
    }
    with asked.open("again/a.md") as sent:
        assert sent.read() == b"inside"  # type: ignore[union-attr]
    assert isinstance(asked.look("file.md/x"), Absent)


@pytest.mark.parametrize("follow", [False, True])
def test_nothing_outside_the_root_is_ever_read(tree: Path, follow: bool) -> None:
    (tree / "file.md").symlink_to("../outside/secret.md")
    (tree / "folder").symlink_to("../outside")
    (tree / "absolute").symlink_to(tree.parent / "outside")
    (tree / "hop").symlink_to("folder/secret.md")
    asked = source(tree, follow_symlinks=follow)
    code = says.LINK_OUTSIDE.code if follow else says.LINK_NOT_FOLLOWED.code
    assert codes(asked) == {
        **dict.fromkeys(("absolute", "file.md", "folder", "hop"), code),
        "real/a.md": "",
    }
    for path in ("file.md", "folder/secret.md", "absolute/secret.md"):
        assert isinstance(asked.read(path), Skipped), path


def test_a_root_beside_one_whose_name_it_begins(ground: Path) -> None:
    (ground / "docs").mkdir()
    (ground / "docs-old").mkdir()
    (ground / "docs-old" / "a.md").write_text("x")
    (ground / "docs" / "link").symlink_to("../docs-old")
    assert codes(source(ground / "docs", follow_symlinks=True)) == {"link": says.LINK_OUTSIDE.code}


def test_circles_end(tree: Path) -> None:
    (tree / "real" / "up").symlink_to("..")
    (tree / "real" / "self").symlink_to("self")
    (tree / "real" / "here").symlink_to(".")
    (tree / "one").mkdir()
    (tree / "two").mkdir()
    (tree / "one" / "to-two").symlink_to("../two")
    (tree / "two" / "to-one").symlink_to("../one")
    asked = source(tree, follow_symlinks=True)
    assert codes(asked) == {
        "one/to-two/to-one": says.LINK_LOOP.code,
        "real/a.md": "",
        "real/here": says.LINK_LOOP.code,
        "real/self": says.LINK_DANGLING.code,
        "real/up": says.LINK_LOOP.code,
        "two/to-one/to-two": says.LINK_LOOP.code,
    }
    assert isinstance(asked.look("real/up/real/a.md"), Skipped)


def test_links_that_lead_nowhere(tree: Path) -> None:
    (tree / "gone.md").symlink_to("nowhere.md")
    (tree / "through.md").symlink_to("real/a.md/x.md")
    asked = source(tree, follow_symlinks=True)
    code = says.LINK_DANGLING.code
    assert codes(asked) == {"gone.md": code, "real/a.md": "", "through.md": code}


def test_filters_judge_the_link_not_its_target(tree: Path) -> None:
    (tree / "real").rename(tree / ".real")
    (tree / "shown").symlink_to(".real")
    (tree / "drafts").symlink_to(".real")
    (tree / ".git").mkdir()
    (tree / ".git" / "x.md").write_text("x")
    (tree / "inner").symlink_to(".git")
    asked = source(tree, follow_symlinks=True, exclude=["drafts/"])
    assert codes(asked) == {"inner": says.LINK_OUTSIDE.code, "shown/a.md": ""}
    assert isinstance(asked.look("drafts/a.md"), Excluded)
    assert isinstance(asked.look("drafts/none.md"), Absent)
    assert isinstance(asked.look("shown/a.md"), Present)
