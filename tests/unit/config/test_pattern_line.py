"""Lines that git takes in silence, and that leave nothing out."""

import pytest
from declared import mirror_config
from pydantic import ValidationError

from kbsync.config.pattern_line import fault_of, pattern_of
from kbsync.source.gitignore import compiled

SOUND = (
    *("a", "private/", "*.md", "!x", "a\\ ", "a  ", "~$*", "**", "/**", "**/x", "...", ".git/"),
    *("Notes #1.md", "a \\# b", "\\#*\\#", "{a}", "\\{a,b\\}", "it's 'a'", "[._]*.s[a-v][a-z]"),
    *("*.py[cod]", "$RECYCLE.BIN/", "Icon\r\r", "Icon[\r]", "a\\\\", "\\[a", "\\ a"),
    *(
        "a\\\u200b",
        "a\\∕b",
        "x/\\ y",
        "~",
        "\\~/x",
        "\\- x",
        "-x",
        "syntax",
        "re: x.eml",
        "會議／記錄.md",
    ),
    *("می\u200cخواهم.md", "👩\u200d💻.md", "Smith, John.md"),
)
BROKEN = (
    *("[a", "[[:nope:]]", "a[/]b", "a\\", "./x", "../x", "a//b", "a/..", "/", "!", "private\\x"),
    *("x/ # secret", "x/ #secret", " x", "x\t", "x\u00a0", "x\u3000", "x\x1a", "a\rb", "\ufeffx"),
    *("*.{a,b}", '"private/"', "'x'", "x\ufffd"),
    *("\u200bprivate/", "private/\u200e", "!pri\u00advate", "private∕pay.md", "a/, *.md", "a/; b/"),
    *("a/ b/", "~/docs/a", "$HOME/docs/a", "${DOCS}/a", "%DOCS%/a", "- private/", "+ *.md"),
    *("syntax: glob", "regexp:^private", "glob:*.md"),
)


@pytest.mark.parametrize("line", SOUND)
def test_nothing_is_wrong_with(line: str) -> None:
    assert fault_of(line) is None


@pytest.mark.parametrize("line", BROKEN)
def test_what_matches_nothing_that_is_meant_is_said(line: str) -> None:
    assert fault_of(line)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "a.md",
            " a",
            "a ",
            "x/ y",
            "x/, y",
            "a\u00a0",
            "- a",
            "~/a",
            "$HOME/a",
            "a∕b",
            "\u200ba",
        ),
        *(
            "{a,b}",
            "[a]",
            "*?!#.md",
            "a # b",
            "a\\b",
            "'a'",
            "syntax: a",
            "glob:a",
            "%A%/b",
            "x;/y",
        ),
    ],
)
def test_the_pattern_of_a_path_matches_it_alone(path: str) -> None:
    pattern = pattern_of(path)
    assert fault_of(pattern) is None
    assert compiled(pattern).verdict(path)
    assert not compiled(pattern).verdict("other/" + path)


@pytest.mark.parametrize("key", ["include", "exclude"])
@pytest.mark.parametrize("line", ["[private", "# private", "private\\pay.md"])
def test_a_pattern_of_the_configuration_that_can_match_nothing_is_refused(
    key: str, line: str
) -> None:
    with pytest.raises(ValidationError, match="gitignore pattern"):
        mirror_config(**{key: [line]})
