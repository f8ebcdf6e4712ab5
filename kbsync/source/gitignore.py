"""Gitignore patterns, compiled by pathspec and asked about one entry at a time.

The walk goes from the root down and never enters what is excluded, as git does. So a pattern is
asked only whether it matches an entry itself, not whether it matched a folder above.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from kbsync.config.pattern_line import extract_sets, fault_of, restore_sets, without_trailing_blanks
from kbsync.messages import Problem
from kbsync.messages import guard as say
from kbsync.model import DocKey

_STARS = re.compile(r"\A\*{2,}\Z")
# What pathspec writes for a star, and for two between slashes.
_STAR, _STARS_BELOW, _STARS_ABOVE = "[^/]*", "(?:/.+)?", "^(?:.+/)?"
_WILD = re.compile(r"[*?\[\\]")


class Pattern(NamedTuple):
    """One line: matched against a whole path (folders end with ``/``)."""

    regex: re.Pattern[str]
    excludes: bool
    lead: str


class Patterns:
    """An ordered list of patterns: the last one that matches decides.

    Args:
        patterns: in the order of their lines.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        ordered = tuple(patterns)
        self._latest_first = tuple((p.regex.fullmatch, p.excludes) for p in reversed(ordered))
        self.leads = tuple(p.lead for p in ordered if p.excludes)

    def __bool__(self) -> bool:
        return bool(self._latest_first)

    def verdict(self, path: str) -> bool | None:
        """Return True if `path` is matched, False if it is taken back by ``!``, None if neither.

        Args:
            path: NFC, relative to where the patterns stand; a folder ends with ``/``.
        """
        for matches, excludes in self._latest_first:
            if matches(path):
                return excludes
        return None


@lru_cache(maxsize=512)
def compiled(text: str) -> Patterns:
    """Compile the text of an ignore file; lines that git would discard never match."""
    lines = unicodedata.normalize("NFC", text).split("\n")
    return Patterns(found for line in lines if (found := _pattern(line.removesuffix("\r"))))


def _pattern(line: str) -> Pattern | None:
    if not line.strip():
        return None
    # Imported here: a folder without patterns never loads pathspec.
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    try:
        plain, sets = extract_sets(without_trailing_blanks(line))
        if plain.count("/") < line.count("/"):
            # A slash ties a pattern to its folder, even one in brackets, where it matches nothing.
            plain = re.sub("^(!?)/?", r"\1/", plain)
        source, excludes = GitIgnoreSpecPattern.pattern_to_regex(_spell_out_stars(plain))
        if source is None or excludes is None:
            return None
        # DOTALL: a name may hold a newline.
        regex = re.compile(restore_sets(_without_backtracking(source), sets), re.DOTALL)
    except ValueError:
        return None
    return Pattern(regex, excludes, _lead(line))


def _spell_out_stars(line: str) -> str:
    """Rewrite lone stars: pathspec shortens them to what cannot be matched in full."""
    negated = line.startswith("!")
    segments = [_STARS.sub("**", part) for part in line[negated:].split("/")]
    folder = len(segments) > 1 and not segments[-1]
    last = -2 if folder else -1
    if segments[last] == "**" and len(segments) + last > 0:
        segments[last:last] = ["**"]
    segments = ["?*" if part == "*" else part for part in segments]
    if segments[last] == "**":
        segments[last] = "?*"
    return "!" * negated + "/".join(segments)


def _without_backtracking(source: str) -> str:
    """Return `source` without choices to come back to: many stars would try them all, for hours.

    Between two gaps of one kind, what matches first leaves most to the second: no later match can
    succeed where the first one does not lead to any.
    """
    first, *parts = source.split(_STARS_BELOW)
    if not parts:
        return _segments_without_backtracking(first)
    opening = _STARS_ABOVE if first.startswith(_STARS_ABOVE) else "^"
    first = _segments_without_backtracking(first.removeprefix(opening))
    done = [f"^(?>(?:.+?/)??{first}(?=/))" if opening == _STARS_ABOVE else f"^{first}"]
    done += [f"(?>(?:/.+?)??{_segments_without_backtracking(part)}(?=/))" for part in parts[:-1]]
    return "".join(done) + _STARS_BELOW + _segments_without_backtracking(parts[-1])


def _segments_without_backtracking(source: str) -> str:
    first, *parts = source.split(_STAR)
    done = [first]
    for part, is_last in zip(parts, [*[False] * (len(parts) - 1), True], strict=False):
        within = "/" not in part.replace("[^/]", "")
        done.append(f"{_STAR}{part}" if is_last or not within else f"(?>[^/]*?{part})")
    return "".join(done)


def _lead(line: str) -> str:
    """Return the folder (ending with ``/``) all matches are in; empty when that is the root."""
    line = line.removeprefix("!")
    if "/" not in line.rstrip("/ "):
        return ""
    fixed = line.removeprefix("/")
    wild = _WILD.search(fixed)
    return fixed[: fixed.rfind("/", 0, wild.start() if wild else None) + 1]


# -- Keys selected on the command line, by the same patterns


class PathSelection:
    """Keys selected by patterns relative to each source.

    Args:
        patterns: gitignore patterns; a later one that matches decides. None mean everything.

    Raises:
        Problem: a pattern that cannot match anything.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            if "\n" in pattern or fault_of(pattern) or not compiled(pattern):
                raise Problem(say.BAD_TARGET(pattern=pattern))
        self._patterns = compiled("\n".join(patterns)) if patterns else None

    def __call__(self, key: DocKey) -> bool:
        """Return whether `key` is selected: by its own path, or by a folder it is in."""
        if self._patterns is None:
            return True
        parts = key.path.split("/")
        folders = ("/".join(parts[:n]) + "/" for n in range(1, len(parts)))
        selected = False
        for path in (*folders, key.path):
            verdict = self._patterns.verdict(path)
            selected = selected if verdict is None else verdict
        return selected
