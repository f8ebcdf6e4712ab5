"""The filters, asked without a disk."""

import pytest
from declared import mirror_config

from kbsync.source.filters import Filters
from kbsync.source.gitignore import compiled


def left_out(filters: Filters, path: str, *, folder: bool = False) -> bool:
    """Go down to `path` as the walk does."""
    *folders, name = path.split("/")
    known, prefix = filters.root, ""
    for part in folders:
        if filters.excludes(known, prefix, part, folder=True):
            return True
        prefix += part + "/"
        known = filters.descend(known, prefix)
    return filters.excludes(known, prefix, name, folder=folder)


def made(
    include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), hidden: bool = False
) -> Filters:
    return Filters(mirror_config(include=include, exclude=exclude, hidden=hidden))


@pytest.mark.parametrize(
    ("include", "wanted", "unwanted"),
    [
        ((), ["a.md", "x/y/b.txt"], []),
        (("**/*.md",), ["a.md", "x/a.md", "x/y/a.md"], ["a.txt", "x/a.txt"]),
        (("*.md",), ["a.md", "x/y/a.md"], ["a.txt"]),
        (("guides/",), ["guides/a.md", "x/guides/b/a.md"], ["a.md", "guides2/a.md"]),
        (("/guides",), ["guides/a.md", "guides/b/a.md"], ["x/guides/a.md"]),
        (
            ("docs/**", "!docs/private/"),
            ["docs/a.md"],
            ["docs/private/a.md", "docs/private/b/c.md"],
        ),
        (("docs/*/final.md",), ["docs/x/final.md"], ["docs/final.md", "docs/x/y/final.md"]),
        (("a/", "!b.md"), ["a/c.md"], ["a/b.md", "b.md"]),
    ],
)
def test_include(include: tuple[str, ...], wanted: list[str], unwanted: list[str]) -> None:
    filters = made(include)
    assert [path for path in wanted if left_out(filters, path)] == []
    assert [path for path in unwanted if not left_out(filters, path)] == []


def test_a_folder_that_can_hold_nothing_wanted_is_not_entered() -> None:
    filters = made(("docs/en/**", "/notes/*.md"))
    enters = [
        path
        for path in ("docs", "docs/en", "docs/en/x", "docs/de", "notes", "node_modules")
        if not left_out(filters, path, folder=True)
    ]
    assert enters == ["docs", "docs/en", "docs/en/x", "notes"]


def test_exclude_outranks_include_and_takes_back() -> None:
    filters = made(("**/*.md",), ("drafts/", "*.tmp.md", "!keep.tmp.md"))
    assert left_out(filters, "drafts/a.md")
    assert left_out(filters, "x/a.tmp.md")
    assert not left_out(filters, "x/keep.tmp.md")


def test_hidden_names_and_kbsync_own_files() -> None:
    assert left_out(made(), ".a.md")
    assert left_out(made(), ".x/a.md")
    assert not left_out(made(hidden=True), ".x/.a.md")
    for name in (".kbsyncignore", ".gitignore", ".git/config", "x/.git"):
        assert left_out(made(hidden=True), name)


def test_no_pattern_means_nothing_to_ask() -> None:
    assert made().idle(made().root)
    assert not made(exclude=("x",)).idle(made(exclude=("x",)).root)


@pytest.mark.parametrize(
    "text", ["[z-a]", "[", "!", "/", "//", "\\", "# x", "", "   ", "a[[:nope:]]"]
)
def test_a_line_git_discards_matches_nothing_and_harms_no_other(text: str) -> None:
    patterns = compiled(f"{text}\nb.md")
    assert patterns.verdict("b.md") is True
    assert patterns.verdict("a.md") is None


def test_names_with_newlines_and_composed_letters_match() -> None:
    assert compiled("*.md").verdict("a\nb/c\n.md") is True
    assert compiled("a.md").verdict("a.md\n") is None
    assert compiled("cafe\u0301.md").verdict("caf\u00e9.md") is True
