"""Which keys a pattern means."""

import pytest

from kbsync.messages import Problem
from kbsync.messages import guard as say
from kbsync.model import DocKey
from kbsync.source.gitignore import PathSelection


@pytest.mark.parametrize(
    ("patterns", "path", "meant"),
    [
        (["*.md"], "a.md", True),
        (["*.md"], "deep/down/a.md", True),
        (["*.md"], "a.txt", False),
        (["/a.md"], "deep/a.md", False),
        (["guides/"], "guides/install.md", True),
        (["guides/"], "more/guides/install.md", True),
        (["guides/*.md"], "guides/install.md", True),
        (["guides/*.md"], "guides/deep/install.md", False),
        (["guides/**"], "guides/deep/install.md", True),
        (["guides/"], "guides", False),
        (["guides/", "!guides/draft.md"], "guides/draft.md", False),
        (["guides/", "!guides/draft.md"], "guides/final.md", True),
        (["*.md", "*.txt"], "a.txt", True),
        (["größe.md"], "gro\u0308ße.md".replace("o\u0308", "ö"), True),
        ([], "anything", True),
    ],
)
def test_a_path_is_meant_by_itself_or_by_its_folder(
    patterns: list[str], path: str, meant: bool
) -> None:
    assert PathSelection(patterns)(DocKey(mirror="docs", path=path)) is meant


@pytest.mark.parametrize("pattern", ["", "  ", "# comment", "a\nb"])
def test_what_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(Problem) as caught:
        PathSelection(["*.md", pattern])
    assert caught.value.notice.message is say.BAD_TARGET
