"""Declarations of verbs name functions; each of them is there, and each option has a field."""

import pkgutil

import pytest

from kbsync.cli import VERBS
from kbsync.commands.codec import VERBS as ON_THE_SOCKET
from kbsync.commands.options import VerbGroup, parameters_of


def declared(name: str) -> list[type]:
    found = pkgutil.resolve_name(VERBS[name].declared)
    if isinstance(found, VerbGroup):
        return list(found.verbs.values())
    return [found] if isinstance(found, type) else []


KINDS = [kind for name in VERBS for kind in declared(name)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_a_declaration_names_is_there(kind: type) -> None:
    assert kind.help.endswith(".")  # type: ignore[attr-defined]
    for named in ("work", "prepare", "save"):
        if reference := getattr(kind, named, ""):
            assert callable(pkgutil.resolve_name(reference))
    names = [parameter.name for parameter in parameters_of(kind)]
    assert len(names) == len(set(names))


def test_each_verb_of_the_socket_is_declared_once() -> None:
    assert set(ON_THE_SOCKET.values()) <= set(KINDS)
    assert {verb for verb in ON_THE_SOCKET if " " not in verb} <= set(VERBS)
