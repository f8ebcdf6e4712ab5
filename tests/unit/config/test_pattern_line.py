"""Lines that git takes in silence, and that leave nothing out."""

import pytest
from declared import mirror_config
from pydantic import ValidationError

from kbsync.config.pattern_line import fault_of

SOUND = (
    *("a", "private/", "*.md", "!x", "a\\ ", "a  ", "~$*", "**", "/**", "**/x", "...", ".git/"),
    *("Notes #1.md", "a \\# b", "\\#*\\#", "{a}", "\\{a,b\\}", "it's 'a'", "[._]*.s[a-v][a-z]"),
    *("*.py[cod]", "$RECYCLE.BIN/", "Icon\r\r", "Icon[\r]", "a\\\\", "\\[a", "\\ a"),
)
BROKEN = (
    *("[a", "[[:nope:]]", "a[/]b", "a\\", "./x", "../x", "a//b", "a/..", "/", "!", "private\\x"),
    *("x/ # secret", "x/ #secret", " x", "x\t", "x\u00a0", "x\u3000", "x\x1a", "a\rb", "\ufeffx"),
    *("*.{a,b}", '"private/"', "'x'", "x\ufffd"),
)


@pytest.mark.parametrize("line", SOUND)
def test_nothing_is_wrong_with(line: str) -> None:
    assert fault_of(line) is None


@pytest.mark.parametrize("line", BROKEN)
def test_what_matches_nothing_that_is_meant_is_said(line: str) -> None:
    assert fault_of(line)


@pytest.mark.parametrize("key", ["include", "exclude"])
@pytest.mark.parametrize("line", ["[private", "# private", "private\\pay.md"])
def test_a_pattern_of_the_configuration_that_can_match_nothing_is_refused(
    key: str, line: str
) -> None:
    with pytest.raises(ValidationError, match="gitignore pattern"):
        mirror_config(**{key: [line]})
