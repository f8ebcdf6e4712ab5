"""What may not be read is unknown, never absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from unprivileged import unprivileged

from kbsync.engine.ports import Blocked
from kbsync.messages import source as says
from kbsync.model import Absent, Excluded, Present, Unknown
from kbsync.source.folder import Folder

pytestmark = pytest.mark.usefixtures("descriptors")
Make = Callable[..., Folder]


@pytest.fixture
def tree(ground: Path) -> Path:
    for path in ("a.md", "sub/b.md", "sub/deep/c.md", "z.md"):
        (ground / path).parent.mkdir(exist_ok=True)
        (ground / path).write_text("x")
    return ground


def test_an_unreadable_file(tree: Path, folder: Make) -> None:
    (tree / "a.md").chmod(0)
    source = folder()
    with unprivileged():
        assert isinstance(source.look("a.md"), Present)
        state = source.read("a.md")
        with source.open("a.md") as sent:
            assert isinstance(sent, Unknown)
    assert isinstance(state, Unknown)
    assert state.why.code == says.FILE_UNREADABLE.code
    assert "denied" in state.why.text


@pytest.mark.parametrize("mode", [0, 0o111])
def test_an_unlistable_folder(tree: Path, folder: Make, mode: int) -> None:
    (tree / "sub").chmod(mode)
    source = folder()
    with unprivileged():
        seen = list(source.scan())
        states = [source.look(path) for path in ("sub/b.md", "sub/none.md", "sub/deep/c.md")]
    assert [s[0] if isinstance(s, tuple) else s.prefix for s in seen if not hasattr(s, "key")] == [
        *("a.md", "sub/", "z.md")
    ]
    assert isinstance(seen[1], Blocked)
    assert seen[1].why.code == says.FOLDER_UNREADABLE.code
    assert all(isinstance(state, Unknown) for state in states)


def test_a_folder_that_may_be_listed_but_not_entered(tree: Path, folder: Make) -> None:
    (tree / "sub").chmod(0o444)
    source = folder()
    with unprivileged():
        seen = list(source.scan())
        states = [source.look(path) for path in ("sub/b.md", "sub/deep/c.md")]
    unknown = [s.key.path if isinstance(s, Unknown) else s.prefix for s in seen[1:-1]]  # type: ignore[union-attr]
    # Whether an ignore file stands in it is unknown, too.
    assert unknown == ["sub/"]
    assert all(isinstance(state, Unknown) for state in states)


def test_an_unreadable_root(tree: Path, folder: Make) -> None:
    tree.chmod(0)
    source = folder()
    try:
        with unprivileged():
            (seen,) = source.scan()
            state = source.look("none.md")
    finally:
        tree.chmod(0o755)
    assert isinstance(seen, Blocked)
    assert seen.prefix == ""
    assert isinstance(state, Unknown)


def test_an_unreadable_ignore_file(tree: Path, folder: Make) -> None:
    (tree / "sub" / ".gitignore").write_text("b.md")
    (tree / "sub" / ".gitignore").chmod(0)
    source = folder()
    with unprivileged():
        blocked = [s for s in source.scan() if isinstance(s, Blocked)]
    assert [b.prefix for b in blocked] == ["sub/"]
    assert ".gitignore" in blocked[0].why.text


def test_what_the_filters_leave_out_may_be_unreadable(tree: Path, folder: Make) -> None:
    (tree / "sub").chmod(0)
    source = folder(exclude=["sub/"])
    with unprivileged():
        assert all(isinstance(s, tuple) for s in source.scan())
        assert isinstance(source.look("sub/b.md"), Unknown)
        assert isinstance(source.look("sub"), Absent)
    (tree / "sub").chmod(0o755)
    assert isinstance(source.look("sub/b.md"), Excluded)


def test_followed_links_into_an_unreadable_folder(tree: Path, folder: Make) -> None:
    (tree / "link").symlink_to("sub/deep")
    (tree / "sub").chmod(0)
    source = folder(follow_symlinks=True)
    with unprivileged():
        prefixes = [s.prefix for s in source.scan() if isinstance(s, Blocked)]
        states = [source.look(path) for path in ("link", "link/c.md")]
    assert prefixes == ["link/", "sub/"]
    assert all(isinstance(state, Unknown) for state in states)
