"""Settings of the base: declared anew, and changed at the server by a person."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from kbsync.messages import base_settings as say
from kbsync.model import BaseChange, Cause, Setting
from kbsync.planning import base_settings
from kbsync.planning.base_settings import NEEDS, BaseCase

if TYPE_CHECKING:
    from .history import History

MEMBERS = ["0c1d2e3f-1111-4222-8333-444455556666", "0c1d2e3f-1111-4222-8333-444455557777"]
PERMISSIONS: list[dict[str, object]] = [
    {"permission": "only_me"},
    {"permission": "all_team_members"},
    {"permission": "partial_members", "partial_members": MEMBERS[:1]},
    {"permission": "partial_members", "partial_members": MEMBERS},
]


def declare_base(history: History, chance: random.Random) -> None:
    """The configuration declares other settings of the base, or fewer."""
    declared: dict[str, object] = {}
    if chance.random() < 0.7:
        declared["description"] = chance.choice(["", "ours", "ours again"])
    if chance.random() < 0.7:
        declared |= chance.choice(PERMISSIONS)
    if chance.random() < 0.5:
        declared["tags"] = chance.sample(["a", "b", "c"], chance.randint(0, 2))
    if chance.random() < 0.3:
        declared["fields"] = {"reviewed": "time"}
    history.declared = declared


def change_base_there(history: History, chance: random.Random) -> None:
    """A person changes the base in Dify."""
    server = history.server
    if server.base_id is None:
        return
    match chance.randrange(3):
        case 0:
            server.settings = replace(server.settings, description=chance.choice(["", "theirs"]))
        case 1:
            server.settings = replace(server.settings, permission="only_me", members=None)
        case 2:
            server.settings = replace(server.settings, tags=frozenset({"theirs"}))


def at_rest(base: tuple[BaseChange, ...]) -> bool:
    """Whether nothing of the base is left to be set."""
    return all(each.why is not None or each.cause is Cause.NEW for each in base)


def faults(history: History, base: tuple[BaseChange, ...]) -> list[str]:
    """Return what is not true of the settings that are left, and of those that are not."""
    if history.server.base_id is None:
        return []
    found = [f"held without a reason: {each}" for each in base if not _is_true(history, each)]
    left = {each.setting for each in base}
    declared = history.config(history.mirrors[0]).declared_base
    there = replace(history.server.settings, fields=history.server.typed())
    for setting in sorted(set(declared.named) - left):
        wanted, has = declared.of(setting), there.of(setting)
        if not _as_declared(setting, wanted, has):
            found.append(f"{setting} is {has}, declared {wanted}")
    return found


def _is_true(history: History, change: BaseChange) -> bool:
    if change.why is None:
        return True
    if change.why.message is say.SETTING_TOO_OLD:
        return NEEDS[change.setting] not in history.server.able
    # Those of two processes, and of a person who comes again, look alike.
    return change.why.message is say.SETTING_FOUGHT


def _as_declared(setting: Setting, declared: object, there: object) -> bool:
    match setting:
        case Setting.TAGS:
            assert isinstance(declared, frozenset)
            assert isinstance(there, frozenset)
            return declared <= there
        case Setting.FIELDS:
            assert isinstance(declared, dict)
            assert isinstance(there, dict)
            return declared.items() <= there.items()
    return declared == there


def settings_are_believed() -> Any:
    """A mutant: what was set once counts as set, whatever the server shows."""
    truly = base_settings._is_set

    def believed(case: BaseCase, setting: Setting) -> bool:
        return truly(case, setting) or case.applied.of(setting) == case.declared.of(setting)

    return mock.patch.object(base_settings, "_is_set", believed)
