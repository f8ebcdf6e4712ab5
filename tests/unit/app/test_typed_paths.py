"""Words behind `plan` and `apply`: mirrors, paths within one, or a saved plan."""

from pathlib import Path

import pytest

from kbsync.app.all_mirrors import selection
from kbsync.commands.apply import prepared
from kbsync.commands.typed_paths import limited
from kbsync.commands.writing_verbs import Apply, PlanOptions
from kbsync.config import Settings, load
from kbsync.config.pattern_line import pattern_of
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.messages import guard as guard_say
from kbsync.model import DocKey

HOW = PlanOptions()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    for path in ("docs/guides/a.md", "docs/old/x.json", "wiki/page.md", "other/file.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("text\n")
    file = tmp_path / "kbsync.yaml"
    file.write_text(
        "version: 1\nserver: {url: embedded}\nledger: ./ledger.db\nmirrors:\n"
        "- {name: docs, source: ./docs, knowledge_base: Docs}\n"
        "- {name: wiki, source: ./wiki, knowledge_base: Wiki}\n"
    )
    return load(file, {})


@pytest.mark.parametrize(
    ("words", "mirrors", "target"),
    [
        ((), (), ()),
        (("docs",), ("docs",), ()),
        (("./docs",), ("docs",), ()),
        (("docs/",), ("docs",), ()),
        ((".",), ("docs", "wiki"), ()),
        (("docs/guides",), ("docs",), ("/guides",)),
        (("docs/guides/", "docs/old/x.json"), ("docs",), ("/guides", "/old/x.json")),
        (("./docs/../docs/guides/a.md",), ("docs",), ("/guides/a.md",)),
        (("guides/a.md",), ("docs",), ("/guides/a.md",)),
        (("page.md",), ("wiki",), ("/page.md",)),
        (("nosuch",), ("nosuch",), ()),
    ],
)
def test_paths_become_patterns(
    settings: Settings, words: tuple[str, ...], mirrors: tuple[str, ...], target: tuple[str, ...]
) -> None:
    assert limited(settings, words, HOW) == (mirrors, PlanOptions(target=target))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("docs/nosuch.md",), say.PATH_NOT_THERE),
        (("other/file.md",), say.NO_SUCH_PATH),
        (("no/such",), say.NO_SUCH_PATH),
        (("docs/guides", "wiki/page.md"), say.PATHS_OF_SEVERAL),
        (("docs/guides", "docs"), say.PATHS_OF_SEVERAL),
        (("docs/guides", "wiki"), say.PATHS_OF_SEVERAL),
    ],
)
def test_what_cannot_be_meant_is_refused(
    settings: Settings, words: tuple[str, ...], message: object
) -> None:
    with pytest.raises(Problem) as refused:
        limited(settings, words, HOW)
    assert refused.value.notice.message is message


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("a[1]*.md", ("a1x.md",)),
        ("wh?t.md", ("what.md",)),
        ("!not # this", ()),
        ("back\\slash.md", ()),
        ("back\\?.md", ("back\\x.md",)),
        ("{a,b}'\".md", ("a.md",)),
        (" blank first.md", ()),
        ("no-break\xa0", ()),
        ("trailing  ", ("trailing",)),
        ("two\nlines.md", ("two/lines.md",)),
        ("guides", ("guide", "other/guides", "guides.md")),
    ],
)
def test_a_path_is_its_own_pattern_and_no_other_s(path: str, others: tuple[str, ...]) -> None:
    wanted = selection([pattern_of(path)])
    assert wanted is not None

    def chosen(path: str) -> bool:
        return wanted(DocKey(mirror="docs", path=path))

    assert chosen(path)
    assert chosen(f"{path}/below.md")
    assert not any(map(chosen, others))


def apply(settings: Settings, *words: str) -> Apply:
    return prepared(settings, {"mirrors": words, "how": HOW})


def test_a_file_of_a_source_is_no_saved_plan_but_one_that_is_there_is(settings: Settings) -> None:
    assert apply(settings, "docs/old/x.json").how.target == ("/old/x.json",)
    Path("docs/saved.json").write_text('{\n "kbsync_plan": 1,\n "x": 2}\n')
    for word in ("docs/saved.json", "other/file.md"):
        with pytest.raises(Problem) as refused:
            apply(settings, word)
        assert refused.value.notice.message is guard_say.PLAN_UNREADABLE
    with pytest.raises(Problem) as refused:
        apply(settings, "nosuch.json")
    assert refused.value.notice.message is say.CANNOT_READ
    with pytest.raises(Problem) as refused:
        apply(settings, "other")
    assert refused.value.notice.message is say.NO_SUCH_PATH
