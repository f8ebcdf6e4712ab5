"""Metadata of documents: declared anew, said by a sidecar, changed at the server by a person."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from unittest import mock

from kbsync.engine.observe import evidence
from kbsync.ledger.store import LedgerStore
from kbsync.model import DocKey, Sidecar, Typed
from tests.model.stored_document import Document

from . import rules

if TYPE_CHECKING:
    from .history import History

DECLARED: list[dict[str, object]] = [
    {},
    {"team": "ours"},
    {"team": "others", "of": "{relative_path}"},
    {"of": "{stem}", "rank": 1},
    {"rank": 2},
]
BESIDE = [{"team": "beside"}, {"team": "beside", "of": "nothing"}, {}]


def declare_values(history: History, chance: random.Random) -> None:
    """The configuration declares other metadata."""
    history.values = chance.choice(DECLARED)


def describe(history: History, chance: random.Random) -> None:
    """A sidecar is written, changed, or removed."""
    folder, path = rules._folder(history, chance), chance.choice(rules.PATHS)
    folder.sidecars.pop(path, None)
    if chance.random() < 0.6:
        said = chance.choice(BESIDE)
        values = {name: Typed("string", value) for name, value in said.items()}
        folder.sidecars[path] = Sidecar(digest=str(said), metadata=values)


def change_value_there(history: History, chance: random.Random) -> None:
    """A person changes a value in Dify, or takes it away."""
    document, name = rules._document(history, chance), chance.choice(["team", "of", "rank"])
    if document is None or name not in history.server.fields:
        return
    document.metadata.pop(name, None)
    if chance.random() < 0.6:
        document.metadata[name] = "7" if name == "rank" else "theirs"


def profile_of(values: dict[str, object]) -> str:
    """Return what tells what is declared from what was declared before."""
    return str(sorted(values.items())) if values else ""


def faults(history: History, key: DocKey, document: Document) -> list[str]:
    """Return the values that a document at rest does not have as declared."""
    stem = key.path.rpartition("/")[2].rpartition(".")[0]
    said = {
        name: value.format(relative_path=key.path, stem=stem) if isinstance(value, str) else value
        for name, value in history.values.items()
    }
    beside = history.folders[key.mirror].sidecars.get(key.path)
    said |= {n: each.value for n, each in (beside.metadata if beside else {}).items() if each}
    return [
        f"{name} of {key.path} is {document.metadata.get(name)}, and declared as {value}"
        for name, value in said.items()
        if document.metadata.get(name) != str(value)
    ]


# -- the promises, taken out -----------------------------------------------------------------------


def values_are_believed() -> Any:
    """A mutant: what was written once counts as declared, whatever is declared now."""
    return mock.patch.object(evidence, "profile_of", return_value="")


def listed_values_are_believed() -> Any:
    """A mutant: a value that is listed otherwise than it was written is left so."""
    return mock.patch.object(LedgerStore, "_altered", return_value=frozenset())


def sidecars_say_nothing() -> Any:
    """A mutant: the file beside a file is not looked at."""
    return mock.patch.object(evidence, "sidecar_of", return_value=None)
