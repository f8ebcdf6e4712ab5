"""Saved plans: written by `plan -o FILE`, carried out by `apply FILE` or refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from kbsync.app import all_mirrors, build
from kbsync.app.all_mirrors import HaltedMirror, Planning
from kbsync.config import Settings
from kbsync.messages import Notice, Problem
from kbsync.messages import command as command_say
from kbsync.messages import guard as say
from kbsync.model import DocKey
from kbsync.planning.saved import PlanDifference, SavedMirror, SavedPlan, moved, saved_actions
from kbsync.source.gitignore import PathSelection

LARGEST = 256 << 20
TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How a plan is made.

    Args:
        refresh: list the knowledge bases first.
        prune_excluded: delete what the filters leave out now.
        target: gitignore patterns of the paths to plan; none for all.
    """

    refresh: bool = True
    prune_excluded: bool = False
    target: tuple[str, ...] = ()

    def wanted(self) -> Callable[[DocKey], bool] | None:
        """Return what tells which keys are planned, None for all.

        Raises:
            Problem: a pattern that cannot match anything.
        """
        return PathSelection(self.target) if self.target else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What `apply` was asked to do: some mirrors, or exactly a saved plan.

    Args:
        mirrors: their names; empty for all.
        how: how to plan them.
        saved: the plan in `file`.
    """

    mirrors: tuple[str, ...]
    how: PlanOptions
    saved: SavedPlan | None = None
    file: Path = Path()

    def agreed(self, plans: Sequence[Planning]) -> list[Planning]:
        """Return what of the fresh `plans` is to be carried out.

        Raises:
            Problem: they are not the saved plan any more.
        """
        if self.saved is None:
            return list(plans)
        return still_holds(self.saved, self.file, plans)


def asked(settings: Settings, words: Sequence[str], how: PlanOptions) -> PlanRequest:
    """Tell names of mirrors from the file of a saved plan, and read the plan.

    Args:
        settings: the whole configuration.
        words: what was typed.
        how: what the options say; a saved plan says that itself.

    Raises:
        Problem: the plan cannot be used, or comes with something else.
    """
    files = [word for word in words if _is_file(settings, word)]
    if not files:
        return PlanRequest(mirrors=tuple(words), how=how)
    file = Path(files[0])
    others = [word for word in words if word != files[0]]
    if others or how != PlanOptions():
        raise Problem(say.PLAN_WITH_MORE(file=file, other=", ".join(others) or "an option"))
    saved = read(file)
    told = {"refresh": saved.refresh, "prune_excluded": saved.prune_excluded}
    names = tuple(mirror.name for mirror in saved.mirrors)
    if settings_digest(settings, names) != saved.settings:
        raise Problem(say.PLAN_OTHER_SETTINGS(file=file))
    return PlanRequest(
        mirrors=names, how=PlanOptions(target=saved.target, **told), saved=saved, file=file
    )


def _is_file(settings: Settings, word: str) -> bool:
    """Whether `word` is a file rather than a mirror's name, which comes first."""
    if settings.mirror(word) is not None:
        return False
    return "/" in word or word.endswith(".json") or Path(word).is_file()


def text_of(plans: Sequence[Planning], file: Path, settings: Settings, how: PlanOptions) -> str:
    """Return what `file` is to hold: the plans of all mirrors.

    Args:
        plans: as `all_mirrors.plan_all` returns.
        file: for what is told.
        settings: what they were made with.
        how: how they were made.

    Raises:
        Problem: a mirror could not be planned.
    """
    mirrors = []
    for _, made in plans:
        if isinstance(made, HaltedMirror):
            raise Problem(say.PLAN_NOT_SAVED(file=file))
        mirrors.append(
            SavedMirror(
                name=made.world.mirror.name,
                base_id=made.world.base_id,
                digest=made.plan.digest,
                actions=saved_actions(made.plan.actions),
            )
        )
    plan = SavedPlan(
        kbsync_plan=1,
        settings=settings_digest(settings, [mirror.name for mirror in mirrors]),
        digest=all_mirrors.whole(plans).digest,
        refresh=how.refresh,
        prune_excluded=how.prune_excluded,
        target=how.target,
        mirrors=tuple(mirrors),
    )
    return plan.model_dump_json(indent=1, exclude_none=True) + "\n"


def write(file: Path, text: str) -> None:
    """Write a plan into `file`, whole or not at all; a file that is there is replaced.

    Raises:
        Problem: it cannot be written.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = error.strerror or type(error).__name__
        raise Problem(command_say.CANNOT_WRITE(path=file, why=why)) from None


def read(file: Path) -> SavedPlan:
    """Return the plan saved in `file`.

    Raises:
        Problem: it cannot be read, or is no plan that this version knows.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Problem(command_say.CANNOT_READ(path=file, why=why)) from None
    try:
        return SavedPlan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        why = f"{where}: {first['msg']}" if where else first["msg"]
        raise Problem(say.PLAN_UNREADABLE(file=file, why=why)) from None


def settings_digest(settings: Settings, mirrors: Sequence[str]) -> str:
    """Return a digest of everything declared of `mirrors`; no key is in it.

    Args:
        settings: the whole configuration.
        mirrors: their names.
    """
    declared = [mirror for mirror in settings.mirrors if mirror.name in mirrors]
    told = [
        [
            mirror.model_dump(mode="json", exclude={"read_only"}),
            settings.server_of(mirror).url,
            build.settings_hash(mirror),
        ]
        for mirror in declared
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def refuse_other_settings(saved: SavedPlan, file: Path, settings: Settings) -> None:
    """Return when the mirrors of `saved` are declared as they were.

    Raises:
        Problem: they are not.
    """
    if settings_digest(settings, [mirror.name for mirror in saved.mirrors]) != saved.settings:
        raise Problem(say.PLAN_OTHER_SETTINGS(file=file))


def still_holds(saved: SavedPlan, file: Path, plans: Sequence[Planning]) -> list[Planning]:
    """Return the fresh `plans` cut down to exactly what was saved.

    Args:
        saved: the plan in `file`.
        file: for what is told.
        plans: the same mirrors, planned again in the same way.

    Raises:
        Problem: the world moved on; it says where. Or a mirror cannot be planned any more.
    """
    wanted = {mirror.name: mirror for mirror in saved.mirrors}
    stale: list[PlanDifference] = []
    for engine, made in plans:
        if isinstance(made, HaltedMirror):
            raise made.problem
        mirror = wanted[engine.mirror.name]
        if made.world.base_id != mirror.base_id:
            raise Problem(say.PLAN_OTHER_BASE(mirror=mirror.name, file=file))
        stale += moved(mirror, made.plan.actions)
    if stale:
        told = [_told(each, file) for each in stale[:TOLD]]
        raise Problem(say.PLAN_STALE(count=len(stale), file=file), *told)
    kept = {name: {action.path for action in each.actions} for name, each in wanted.items()}
    return all_mirrors.narrowed(plans, lambda key: key.path in kept[key.mirror])


def _told(each: PlanDifference, file: Path) -> Notice:
    where = {"mirror": each.key.mirror, "path": each.key.path, "file": file}
    return say.PLAN_MOVED(before=each.before, after=each.after, **where)
