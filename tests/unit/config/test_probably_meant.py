"""What was probably meant by a value that a key does not take."""

import pytest

from kbsync.config.probably_meant import probably_meant

CHOICES = '"economy" or "high_quality" is wanted'
DURATION = "a duration from 0s to 1h is wanted, such as 30s or 15m"
SIZE = "a size is wanted, such as 15MB or 800KB"
NAME = "a name is wanted: 1 to 64 of a-z"


@pytest.mark.parametrize(
    ("wanted", "found", "meant"),
    [
        (CHOICES, "high-quality", "high_quality"),
        (CHOICES, "High Quality", "high_quality"),
        (CHOICES, "Economy", "economy"),
        (CHOICES, "cheap", None),
        (DURATION, "5 seconds", "5s"),
        (DURATION, "15min", "15m"),
        (DURATION, "2 hours", "2h"),
        (DURATION, "1 day", "1d"),
        (DURATION, "30 sec", "30s"),
        (DURATION, "-1s", None),
        (DURATION, "soon", None),
        (DURATION, "5 months", None),
        (SIZE, "10 megabytes", "10MB"),
        (SIZE, "800 KiB", "800KB"),
        (SIZE, "10 bits", None),
        (NAME, "My Docs!", "my-docs"),
        (NAME, "!", None),
        ("a list is wanted", "*.md", '["*.md"]'),
        ("a whole number is wanted", "many", None),
    ],
)
def test_what_is_plain_is_named(wanted: str, found: str, meant: str | None) -> None:
    assert probably_meant(wanted, found) == meant
