"""Saved plans: written by `plan -o FILE`, carried out by `apply FILE` or refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from kbsync.app import all_mirrors
from kbsync.app.all_mirrors import HaltedMirror, MirrorPlan
from kbsync.config import Settings
from kbsync.engine.execute.promises import hashes_to_send
from kbsync.messages import Notice, Problem
from kbsync.messages import command as command_say
from kbsync.messages import guard as say
from kbsync.model import Action, Create, DocKey, Update
from kbsync.planning.saved_plan import (
    PlanDifference,
    SavedMirror,
    SavedPlan,
    differences,
    saved_actions,
    saved_settings,
    setting_differences,
)
from kbsync.source.document_rules import converter_of

# Bytes that are read at most.
LARGEST = 256 << 20
NAMED = 20


async def text_of(
    plans: Sequence[MirrorPlan],
    file: Path,
    settings: Settings,
    *,
    refresh: bool,
    prune_excluded: bool,
    prune_stale: bool,
    target: Sequence[str],
    checksum: bool,
) -> str:
    """Return the content of a saved plan of all mirrors; the files it would send are read.

    Args:
        plans: as `all_mirrors.plan_all` returns.
        file: named in messages.
        settings: what they were made with.
        refresh, prune_excluded, prune_stale, target, checksum: how they were made; `apply FILE`
            plans again so.

    Raises:
        Problem: a mirror could not be planned, or a file changed meanwhile.
    """
    mirrors = []
    for engine, made in plans:
        if isinstance(made, HaltedMirror):
            raise Problem(say.PLAN_NOT_SAVED(file=file))
        contents = await hashes_to_send(engine.comparison.content_check, made.plan.actions)
        _refuse_unread(made.plan.actions, contents, file)
        mirrors.append(
            SavedMirror(
                name=made.context.mirror.name,
                base_id=made.context.base_id,
                digest=made.plan.digest,
                actions=saved_actions(made.plan.actions, contents),
                settings=saved_settings(made.plan.base),
            )
        )
    plan = SavedPlan(
        kbsync_plan=1,
        settings=settings_digest(settings, [mirror.name for mirror in mirrors]),
        digest=all_mirrors.whole(plans).digest,
        refresh=refresh,
        prune_excluded=prune_excluded,
        prune_stale=prune_stale,
        target=tuple(target),
        checksum=checksum,
        mirrors=tuple(mirrors),
    )
    return plan.model_dump_json(indent=1, exclude_none=True) + "\n"


def _refuse_unread(actions: Iterable[Action], contents: Mapping[DocKey, str], file: Path) -> None:
    for action in actions:
        if isinstance(action, Create | Update) and action.key not in contents:
            raise Problem(say.CHANGED_WHILE_SAVED(file=file, path=action.key.path))


def write(file: Path, text: str) -> None:
    """Write a plan into `file`, whole or not at all; a file that is there is replaced.

    Raises:
        Problem: it cannot be written.
    """
    # A plan cut off in the middle must never be taken for one.
    partial = file.with_name(f"{file.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = error.strerror or type(error).__name__
        raise Problem(command_say.CANNOT_WRITE(path=file, folder=file.parent, why=why)) from None


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
    shown = [
        [
            # A plan made while a mirror was only read may be applied once it is written.
            # What loading filled in is not declared, and how fast a plan runs does not change it.
            mirror.model_dump(mode="json", exclude={"read_only"}) | {"max_indexing": None},
            settings.server_of(mirror).url,
            converter_of(mirror),
        ]
        for mirror in declared
    ]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def refuse_other_settings(saved: SavedPlan, file: Path, settings: Settings) -> None:
    """Return when the mirrors of `saved` are declared as they were.

    Raises:
        Problem: they are not.
    """
    if settings_digest(settings, [mirror.name for mirror in saved.mirrors]) != saved.settings:
        raise Problem(say.PLAN_OTHER_SETTINGS(file=file))


async def still_holds(
    saved: SavedPlan, file: Path, plans: Sequence[MirrorPlan]
) -> list[MirrorPlan]:
    """Return the fresh `plans` cut down to exactly what was saved, and bound to its contents.

    Args:
        saved: the plan in `file`.
        file: named in messages.
        plans: the same mirrors, planned again in the same way.

    Raises:
        Problem: something is not as it was; it names the paths. Or a mirror cannot be planned.
    """
    wanted = {mirror.name: mirror for mirror in saved.mirrors}
    stale: list[PlanDifference] = []
    bound: list[MirrorPlan] = []
    for engine, made in plans:
        if isinstance(made, HaltedMirror):
            raise made.problem
        mirror = wanted[engine.mirror.name]
        if made.context.base_id != mirror.base_id:
            raise Problem(say.PLAN_OTHER_BASE(mirror=mirror.name, file=file))
        contents = await hashes_to_send(engine.comparison.content_check, made.plan.actions)
        stale += differences(mirror, made.plan.actions, contents)
        stale += setting_differences(mirror, made.plan.base)
        bound.append((engine, replace(made, promised=_promised(mirror))))
    if stale:
        places = [_place(each, file) for each in stale[:NAMED]]
        raise Problem(say.PLAN_STALE(count=len(stale), file=file), *places)
    kept = {name: {action.path for action in each.actions} for name, each in wanted.items()}
    return all_mirrors.narrowed(bound, lambda key: key.path in kept[key.mirror], base=True)


def _promised(mirror: SavedMirror) -> dict[DocKey, str]:
    return {
        DocKey(mirror=mirror.name, path=action.path): action.content
        for action in mirror.actions
        if action.content is not None
    }


def _place(each: PlanDifference, file: Path) -> Notice:
    where = {"mirror": each.key.mirror, "path": each.key.path, "file": file}
    return say.PLAN_MOVED(before=each.before, after=each.after, **where)
