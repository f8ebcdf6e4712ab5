"""One path looked at agrees with the walk over everything, on any folder."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from declared import mirror_config
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.engine.ports import Blocked
from kbsync.model import Absent, Excluded, FileState, Present, Skipped, Stat, Unknown
from kbsync.source.file_names import component
from kbsync.source.folder import Folder

PLAIN = [
    "a",
    "b",
    "a.md",
    "b.md",
    "x.png",
    "a-b",
    "A.md",
    "A.MD",
    ".h",
    ".h.md",
    "dir\n",
    "a\\udce9.md",
]
TWINS = ["K.md", "\u212a.md", "\u00e9", "e\u0301", "\u00e9.md", "e\u0301.md"]
NAMES = st.sampled_from([*PLAIN, *TWINS, "a\udce9", "a\udce9.md"])
TARGETS = st.sampled_from([".", "..", "a", "a.md", "../a", "b/a", "\u00e9", "nowhere", "/etc"])
ENTRY = st.deferred(
    lambda: (
        st.sampled_from([b"", b"x", b"too long"])
        | st.builds(lambda to: ("link", to), TARGETS)
        | st.just(("fifo", ""))
        | TREE
    )
)
TREE = st.dictionaries(NAMES, ENTRY, max_size=5)
PATTERNS = st.lists(
    st.sampled_from(["a", "a/", "*.md", "!a.md", "/b", "é*", "a/**", "**/b.md", "b/"]), max_size=3
)


def plant(root: Path, tree: dict[str, object]) -> None:
    for name, entry in tree.items():
        at = root / name
        match entry:
            case bytes():
                at.write_bytes(entry)
            case ("link", str(to)):
                at.symlink_to(to)
            case ("fifo", _):
                os.mkfifo(at)
            case dict():
                at.mkdir()
                plant(at, entry)


def standing(root: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Every entry that is no folder, with its key path, found without the source."""
    for name in os.listdir(root):
        at = root / name
        path = prefix + component(name)
        if at.is_dir() and not at.is_symlink():
            yield from standing(at, path + "/")
        else:
            yield path, at


def folders(root: Path) -> list[str]:
    return [
        "/".join(map(component, Path(place, name).relative_to(root).parts))
        for place, names, _ in os.walk(root)
        for name in names
    ]


def expected(row: tuple[str, int, int, int], source: Folder) -> Present:
    state = source.look(row[0])
    assert isinstance(state, Present)
    return Present(key=state.key, stat=Stat(*row[1:]))


@settings(max_examples=200, deadline=None)
@given(
    tree=TREE,
    ignored=PATTERNS,
    include=PATTERNS,
    exclude=PATTERNS,
    hidden=st.booleans(),
    follow=st.booleans(),
    others=st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=20),
)
def test_look_agrees_with_the_scan(
    tree: dict[str, object],
    ignored: list[str],
    include: list[str],
    exclude: list[str],
    hidden: bool,
    follow: bool,
    others: list[list[str]],
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        plant(root, tree)
        if ignored:
            (root / ".kbsyncignore").write_text("\n".join(ignored))
        source = Folder(
            mirror_config(
                root,
                include=include,
                exclude=exclude,
                hidden=hidden,
                follow_symlinks=follow,
                max_file_size=5,
                extensions={".MD"},
            )
        )
        scanned: dict[str, FileState] = {}
        blocked, order = [], []
        for seen in source.scan():
            if isinstance(seen, tuple):
                order.append(seen[0])
                scanned[seen[0]] = expected(seen, source)
            elif isinstance(seen, Blocked):
                order.append(seen.prefix)
                blocked.append(seen.prefix)
            else:
                order.append(seen.key.path)
                scanned[seen.key.path] = seen
        assert order == sorted(set(order))

        there: dict[str, list[Path]] = {}
        for path, at in standing(root):
            there.setdefault(path, []).append(at)
        asked = {"/".join(map(component, names)) for names in others}
        asked |= {f"{path}/a.md" for path in [*there, *folders(root)]}
        for path in {*scanned, *there, *folders(root), *asked}:
            agrees(source.look(path), path, scanned, blocked, there, Counter(folders(root)))


def agrees(
    state: FileState,
    path: str,
    scanned: dict[str, FileState],
    blocked: list[str],
    there: dict[str, list[Path]],
    folded: Counter[str],
) -> None:
    if path in scanned:
        assert state == scanned[path]
        return
    above = {path[:at] for at, ch in enumerate(path) if ch == "/"}
    links = {over for over in above if any(at.is_symlink() for at in there.get(over, ()))}
    if isinstance(state, Unknown):
        assert any(path.startswith(prefix) for prefix in blocked), path
    elif isinstance(state, Skipped):
        assert any(isinstance(scanned.get(over), Skipped) for over in above), path
    elif isinstance(state, Excluded):
        # Below names that are not UTF-8, and below twins, what is excluded is not looked for.
        unseen = "//" in f"/{path}" or any(folded[over] > 1 for over in above)
        assert path in there or links or unseen, path
    else:
        assert isinstance(state, Absent), path
        # A link that is followed to a folder stands for that folder.
        assert all(at.is_symlink() and at.is_dir() for at in there.get(path, ()))
        assert not any(path.startswith(prefix) for prefix in blocked)


def test_a_folder_is_asked_what_keeps_it_from_being_listed(tmp_path: Path) -> None:
    for name in ("sound", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / ".kbsyncignore").write_text("[private")
    source = Folder(mirror_config(tmp_path))
    state = source.look("broken/")
    assert isinstance(state, Unknown)
    assert "line 1" in state.why.text
    assert isinstance(source.look("sound/"), Absent)
    assert isinstance(source.look("gone/"), Absent)
