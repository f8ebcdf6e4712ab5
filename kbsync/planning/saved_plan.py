"""A plan saved in a file, and where it differs from what would be done now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from kbsync.lazy_dataclass import dataclass
from kbsync.model import Action, Adopt, BaseChange, Create, DocKey, Move, Setting, Update
from kbsync.planning.base_settings import in_short
from kbsync.planning.plan import CHANGES, name_of, reason_of


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class SavedAction(_Part):
    """One change as it was planned: what it does, to what, and why.

    Args:
        content: sha256 (hex) of what an upload was to send; None in plans of older versions.
    """

    action: str
    path: str
    cause: str
    row: str
    document_id: str | None = None
    origin: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    content: str | None = None

    def does(self) -> tuple[object, ...]:
        """Return what carrying it out would do; its cause does not count."""
        # Size and mtime: what would be sent has to be what was planned.
        file = (self.size, self.mtime_ns)
        return (self.action, self.path, self.document_id, self.origin, *file)


class SavedSetting(_Part):
    """A setting of the knowledge base that is to be set."""

    setting: Setting
    before: str
    after: str


class SavedMirror(_Part):
    """The changes of one mirror. `base_id`: None while its knowledge base is still to be made."""

    name: str
    digest: str
    base_id: str | None = None
    actions: tuple[SavedAction, ...] = ()
    settings: tuple[SavedSetting, ...] = ()


class SavedPlan(_Part):
    """Everything `apply` needs to carry out exactly what was planned; never a key or token.

    Args:
        settings: digest of what is declared of these mirrors.
        digest: names the whole plan, as `kbsync plan --json` does.
        refresh, prune_excluded, prune_stale, target, checksum: how it was planned.
    """

    kbsync_plan: Literal[1]
    settings: str
    digest: str
    refresh: bool
    prune_excluded: bool
    prune_stale: bool = False
    target: tuple[str, ...]
    checksum: bool = False
    mirrors: tuple[SavedMirror, ...]


def saved_actions(
    actions: Iterable[Action], contents: Mapping[DocKey, str]
) -> tuple[SavedAction, ...]:
    """Return the changes among `actions`, without holds and conflicts.

    Args:
        actions: of one mirror.
        contents: sha256 (hex) of what its uploads send.
    """
    kept = (action for action in actions if name_of(action) in CHANGES)
    return tuple(_saved(action, contents.get(action.key)) for action in kept)


def _saved(action: Action, content: str | None) -> SavedAction:
    document = action.document.id if isinstance(action, Adopt) else None
    stat = action.stat if isinstance(action, Create | Update | Move) else None
    return SavedAction(
        action=name_of(action),
        path=action.key.path,
        cause=reason_of(action),
        row=action.row,
        document_id=getattr(action, "document_id", document),
        origin=action.origin.path if isinstance(action, Move) else None,
        size=stat.size if stat else None,
        mtime_ns=stat.mtime_ns if stat else None,
        content=content if isinstance(action, Create | Update) else None,
    )


def saved_settings(base: Iterable[BaseChange]) -> tuple[SavedSetting, ...]:
    """Return the settings among `base` that are to be set; what is left as it is does not count."""
    return tuple(
        SavedSetting(setting=each.setting, before=each.before, after=each.after)
        for each in base
        if each.why is None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """One path where both differ: what was planned, and what would be done now."""

    key: DocKey
    before: str
    after: str


def differences(
    saved: SavedMirror, now: Iterable[Action], contents: Mapping[DocKey, str]
) -> Iterator[PlanDifference]:
    """Yield, by path, where `saved` differs from what would be done now.

    Args:
        saved: the mirror's part of a saved plan.
        now: a fresh plan of the same mirror.
        contents: sha256 (hex) of what its uploads send.
    """
    before = {each.path: each for each in saved.actions}
    after = {each.path: each for each in saved_actions(now, contents)}
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None or new is None or _differ(old, new):
            key = DocKey(mirror=saved.name, path=path)
            yield PlanDifference(key=key, before=_shown(old), after=_shown(new, old))


def setting_differences(saved: SavedMirror, now: Iterable[BaseChange]) -> Iterator[PlanDifference]:
    """Yield where the settings of the base in `saved` differ from what would be set now."""
    before = {each.setting: each for each in saved.settings}
    after = {each.setting: each for each in saved_settings(now)}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield PlanDifference(key=name.key(saved.name), before=_set_to(old), after=_set_to(new))


def _set_to(setting: SavedSetting | None) -> str:
    if setting is None:
        return "nothing"
    return f"{in_short(setting.before)} becomes {in_short(setting.after)}"


def _differ(old: SavedAction, new: SavedAction) -> bool:
    return old.does() != new.does() or (old.content or new.content) != new.content


def _shown(action: SavedAction | None, other: SavedAction | None = None) -> str:
    if action is None:
        return "nothing"
    if other is None or action.action != other.action:
        return action.action
    same_target = (action.document_id, action.origin) == (other.document_id, other.origin)
    what = "with the file as it is now" if same_target else "of another document"
    return f"{action.action} {what}"
