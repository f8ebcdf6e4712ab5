"""Paths where `plan` and `apply` take names of mirrors: they limit the plan, as `--target` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kbsync.app import build
from kbsync.commands.writing_verbs import PlanOptions
from kbsync.config import Settings
from kbsync.config.pattern_line import pattern_of
from kbsync.messages import Problem
from kbsync.messages import command as say


def limited(
    settings: Settings, words: Sequence[str], how: PlanOptions
) -> tuple[tuple[str, ...], PlanOptions]:
    """Return the mirrors that were named, and the options with the paths that were.

    Args:
        settings: as loaded.
        words: names of mirrors; folders that hold sources whole; or paths within one source.
        how: the options that were typed.

    Raises:
        Problem: a path is not there, is in no source, or comes with another mirror.
    """
    mirrors: list[str] = []
    patterns: list[str] = []
    for word in words:
        if settings.mirror(word) is not None or not is_path(settings, word):
            mirrors.append(word)
        elif whole := _whole_mirrors(settings, word):
            mirrors += whole
        else:
            mirror, inside = _within(settings, word)
            mirrors.append(mirror)
            patterns.append(pattern_of(inside))
    named = tuple(dict.fromkeys(mirrors))
    # A pattern counts for every mirror that is planned.
    if patterns and (len(patterns) != len(mirrors) or len(named) > 1):
        raise Problem(say.PATHS_OF_SEVERAL(words=", ".join(words), first=mirrors[0]))
    return named, replace(how, target=(*how.target, *patterns)) if patterns else how


def is_path(settings: Settings, word: str) -> bool:
    """Whether a word that is no mirror's name is meant as a path."""
    return "/" in word or word == "." or os.path.lexists(word) or _found(settings, word)


def is_within(settings: Settings, word: str) -> bool:
    """Whether a path, there or not, is in a source or is one."""
    absolute = Path(word).absolute()
    return any(absolute.is_relative_to(each.source) for each in settings.mirrors)


def _found(settings: Settings, word: str) -> bool:
    return any(os.path.lexists(each.source / word) for each in settings.mirrors)


def _whole_mirrors(settings: Settings, word: str) -> list[str]:
    """Return the mirrors whose sources a folder is, or holds."""
    folder = Path(os.path.abspath(word))  # noqa: PTH100 - `..` is taken out, links are kept
    return [each.name for each in settings.mirrors if each.source.is_relative_to(folder)]


def _within(settings: Settings, word: str) -> tuple[str, str]:
    """Return the mirror that holds a path, and the path within its source."""
    absolute = os.path.abspath(word)  # noqa: PTH100 - `..` is taken out, links are kept
    if os.path.lexists(absolute) and is_within(settings, absolute):
        return build.owner_of(settings, absolute, None)
    if _found(settings, word):
        return build.owner_of(settings, word, None)
    if is_within(settings, absolute):
        mirror, inside = build.owner_of(settings, absolute, None)
        raise Problem(say.PATH_NOT_THERE(path=word, pattern=pattern_of(inside), mirror=mirror))
    raise Problem(say.NO_SUCH_PATH(path=word))
