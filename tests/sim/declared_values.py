"""Declared metadata and switches: by rule, by front matter, by a sidecar that may be broken.

A person changes values, and switches documents, at the server.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from kbsync.messages import source as says
from kbsync.model import (
    Action,
    Capability,
    Conflict,
    DocKey,
    Hold,
    Present,
    Readiness,
    Sidecar,
    Typed,
)
from kbsync.model.declared import OFF
from tests.model import front_matter

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
BESIDE: list[tuple[dict[str, str], bool | None]] = [
    ({"team": "beside"}, None),
    ({"team": "beside", "of": "nothing"}, None),
    ({}, None),
    ({}, True),
    ({}, False),
    ({"of": "nothing"}, False),
]
BROKEN = (says.SIDECAR_BROKEN, says.FRONT_MATTER_BROKEN)
BROKEN_BLOCK = next(block for block, said in front_matter.BLOCKS.items() if said is None)


def declare_values(history: History, chance: random.Random) -> None:
    """The configuration declares other metadata, fields of front matter, and switches."""
    history.values = chance.choice(DECLARED)
    history.front_matter = chance.choice([(), ("team",), ("team", "of")])
    history.enabled = chance.choice([None, None, False, True])


def describe(history: History, chance: random.Random) -> None:
    """A sidecar is written, changed, or removed."""
    folder, path = rules._folder(history, chance), chance.choice(rules.PATHS)
    folder.sidecars.pop(path, None)
    if chance.random() < 0.7:
        said, enabled = chance.choice(BESIDE)
        values = {name: Typed("string", value) for name, value in said.items()}
        digest = f"{said} {enabled}"
        folder.sidecars[path] = Sidecar(digest=digest, metadata=values, enabled=enabled)


def head(history: History, chance: random.Random) -> None:
    """A file gets front matter, or another one, or loses it; its text stays."""
    folder = rules._folder(history, chance)
    if path := rules._some(folder, chance):
        content = folder.files[path].content
        text = content[len(front_matter.block_of(content)) :]
        sound = [block for block in front_matter.BLOCKS if block != BROKEN_BLOCK]
        if text:
            folder.edit(path, chance.choice([b"", *sound]) + text)


def break_said(history: History, chance: random.Random) -> None:
    """Sidecars, or the front matter of a file, turn broken; or what is broken is mended."""
    folder = rules._folder(history, chance)
    if chance.random() < 0.5:
        for path, beside in sorted(folder.sidecars.items()):
            folder.sidecars[path] = _mended(beside) if beside.fault else _broken(path, beside)
    elif path := rules._some(folder, chance):
        content = folder.files[path].content
        block = front_matter.block_of(content)
        other = b"---\nteam: front\n---\n" if block == BROKEN_BLOCK else BROKEN_BLOCK
        if content[len(block) :]:
            folder.edit(path, other + content[len(block) :])


def _broken(path: str, sound: Sidecar) -> Sidecar:
    why = says.SIDECAR_BROKEN(name=f"{path}.kbsync.yaml", cause="it is no YAML")
    return Sidecar(digest=f"{sound.digest} [", fault=why)


def _mended(broken: Sidecar) -> Sidecar:
    """Return what it was before it turned broken."""
    for said, enabled in BESIDE:
        digest = f"{said} {enabled}"
        if broken.digest == f"{digest} [":
            values = {name: Typed("string", value) for name, value in said.items()}
            return Sidecar(digest=digest, metadata=values, enabled=enabled)
    raise AssertionError(broken)


def change_value_there(history: History, chance: random.Random) -> None:
    """A person changes a value in Dify, or takes it away."""
    document, name = rules._document(history, chance), chance.choice(["team", "of", "rank"])
    if document is None or name not in history.server.fields:
        return
    document.metadata.pop(name, None)
    if chance.random() < 0.6:
        document.metadata[name] = "7" if name == "rank" else "theirs"


def profile_of(history: History) -> str:
    """Return what tells what is declared from what was declared before."""
    declared = (sorted(history.values.items()), history.front_matter, history.enabled)
    if declared == ([], (), None):
        return ""
    return f"{declared}{OFF if history.enabled is False else ''}"


# -- what has to be true --------------------------------------------------------------------------


def wanted_switch(history: History, key: DocKey) -> bool | None:
    """Return whether searches are to look at the document of `key`; None where it is left so."""
    return _declared_switch(history, key) if Capability.SWITCH in history.server.able else None


def _declared_switch(history: History, key: DocKey) -> bool | None:
    folder = history.folders[key.mirror]
    # One that stands alone says nothing.
    there = isinstance(folder.untouched(key.path), Present)
    beside = folder.sidecars.get(key.path) if there else None
    if beside is None or (beside.enabled is None and beside.fault is None):
        return history.enabled
    return beside.enabled


def as_declared(history: History, key: DocKey) -> tuple[Readiness, ...]:
    """Return how a document may stand at rest.

    While its sidecar is broken, and on a server that has no switch, that is left as it is.
    """
    off = _declared_switch(history, key) is False
    beside = history.folders[key.mirror].sidecars.get(key.path)
    left = off and Capability.SWITCH not in history.server.able
    if left or (beside is not None and beside.fault is not None):
        return (Readiness.AVAILABLE, Readiness.DISABLED)
    return (Readiness.DISABLED if off else Readiness.AVAILABLE,)


def is_broken(history: History, key: DocKey) -> bool:
    """Whether something that declares the metadata of `key` cannot be used."""
    folder = history.folders[key.mirror]
    beside, file = folder.sidecars.get(key.path), folder.files.get(key.path)
    block = front_matter.block_of(file.content) if file and history.front_matter else b""
    return bool(beside and beside.fault) or block == BROKEN_BLOCK


def is_unusable(action: Action) -> bool:
    """Whether a key is held because what declares its metadata cannot be used."""
    return isinstance(action, Hold | Conflict) and action.why.message in BROKEN


def faults(history: History, key: DocKey, held: Action | None) -> list[str]:
    """Return the values that a document at rest does not have as declared."""
    if is_broken(history, key):
        unsaid = held is None
        return [f"what {key.path} declares cannot be used, and that is not said"] if unsaid else []
    entry = history.store.entry(key)
    document = history.server.documents.get(entry.document_id) if entry else None
    if held is not None or document is None or Capability.METADATA not in history.server.able:
        return []
    return [
        f"{name} of {key.path} is {document.metadata.get(name)}, and declared as {value}"
        for name, value in _declared(history, key).items()
        if document.metadata.get(name) != value
    ]


def _declared(history: History, key: DocKey) -> dict[str, str | None]:
    """Return the value of each field that is declared of the document; None for no value."""
    folder, stem = history.folders[key.mirror], key.path.rpartition("/")[2].rpartition(".")[0]
    found: dict[str, str | None] = {
        name: str(value).format(relative_path=key.path, stem=stem)
        for name, value in history.values.items()
    }
    said = front_matter.BLOCKS.get(front_matter.block_of(folder.files[key.path].content)) or {}
    found |= {name: said[name] for name in history.front_matter if name in said}
    beside = folder.sidecars.get(key.path)
    return found | {
        n: str(each.value) for n, each in (beside.metadata if beside else {}).items() if each
    }
