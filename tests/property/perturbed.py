"""Worlds where ledger, folder and server agreed once, and then drifted apart."""

from __future__ import annotations

from dataclasses import replace

from declared import mirror_config, one_rule
from hypothesis import strategies as st

from kbsync.model import (
    EntryState,
    Op,
    Present,
    Readiness,
    Rejection,
)
from kbsync.planning.case import DecisionRules
from tests.model.stored_document import FAILS, FINE, Document

from .world import NOW, World, key_of, pending, print_of

PATHS = [f"p{n}.md" for n in range(6)]
CONTENTS = st.sampled_from([b"a", b"b", b"cc"])
A_MOMENT = 60.0  # shorter than a pass
# Few sides at a time, so that what one of them does alone is drawn often enough.
DISTURBED = st.sampled_from(
    [
        (),
        ("local",),
        ("remote",),
        ("remote",),
        ("ledger",),
        ("local", "remote"),
        ("local", "remote"),
        ("ledger", "local", "remote"),
    ]
)

START = st.sampled_from(["new", "synced", "synced", "synced", "foreign", "nothing"])
MOVING = st.sampled_from(["synced", "synced", "synced", "nothing"])
SOME = st.sampled_from([(), (), (), ("remote",), ("local",)])
PAIRS = st.tuples(st.sampled_from(PATHS), st.sampled_from(PATHS))
FEW_RENAMES = st.lists(PAIRS, max_size=2)
TARGETS = st.sampled_from([*PATHS, *(f"q{n}.md" for n in range(9))])
RENAMES = st.lists(st.tuples(st.sampled_from(PATHS), TARGETS), min_size=3, max_size=8)
LEDGER = st.sampled_from(
    [
        "lost",
        "unknown",
        "swapping",
        "trashed",
        "settings",
        "indexing",
        "failed",
        "creating",
        "updating",
        "deleting",
    ]
)
LOCAL = st.sampled_from(["touch", "edit", "remove", "tear", "skip", "exclude"])
REMOTE = st.sampled_from(
    [
        "vanish",
        "vanish, and a twin",
        "chunk edited",
        "uploaded over",
        "newer copy",
        "twin",
        "copied mark",
        "other mirror",
        *Readiness,
    ]
)
TRASH = st.sampled_from(["vanish", "available"])


@st.composite
def worlds(draw: st.DrawFn, *, moving: bool = False) -> World:
    """Draw a world after something happened to each of its sides; or where files mostly moved."""
    rules = DecisionRules(
        base_id="base-1",
        rule=one_rule("S").shared,
        config=mirror_config(
            on_drift=draw(st.sampled_from(["report", "repair"])),
            prune=moving or draw(st.booleans()),
        ),
        prune_excluded=draw(st.booleans()),
        delete_drifted=draw(st.booleans()),
    )
    world = World(rules=rules)
    for path in PATHS:
        kind, sides = draw(MOVING if moving else START), draw(SOME if moving else DISTURBED)
        _begin(draw, world, path, kind)
        if "ledger" in sides:
            _ledger(draw, world, path, draw(LEDGER))
        if "local" in sides:
            _local(draw, world, path, draw(LOCAL))
        if "remote" in sides:
            trashed = path in world.entries and world.entries[path].state is EntryState.TRASHED
            _remote(draw, world, path, draw(TRASH if trashed else REMOTE))
        if kind == "synced" and not sides:
            world.calm.add(path)
    for old, new in draw(RENAMES if moving else FEW_RENAMES):
        _rename(world, old, new)
    return world


def _begin(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    if kind != "nothing":
        content = draw(st.just(f"only {path}".encode()) | CONTENTS)
        world.folder.write(path, content)
        local = world.folder.read(path)
        if kind == "synced" and isinstance(local, Present):
            world.settle(path, world.base.row(world.document(path, content)), local)
    if kind == "foreign":
        foreign = world.document(path, b"x")
        foreign.by_hand, foreign.metadata = True, {}
    if kind == "new" and draw(st.booleans()):
        refused = Rejection(
            key=key_of(path), fingerprint=print_of(b"a"), reason=("X", "no"), at=NOW
        )
        world.rejections[path] = refused


# -- the ledger ----------------------------------------------------------------------------------


def _ledger(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    entry = world.entries.get(path)
    if entry is None:
        return
    known = world.base.documents[entry.document_id]
    match kind:
        case "lost":
            del world.entries[path]
        case "swapping":
            before = world.document(path, b"before")
            world.entries[path] = replace(entry, superseded=before.id)
        case "trashed":
            world.entries[path] = replace(entry, state=EntryState.TRASHED)
            known.enabled = False
        case "indexing":
            world.entries[path] = replace(entry, state=EntryState.INDEXING)
        case "failed":
            retry = draw(st.sampled_from([None, NOW, NOW + 60]))
            failed = replace(entry, state=EntryState.FAILED, failures=1, retry_at=retry)
            world.entries[path] = failed
        case "unknown":
            world.entries[path] = replace(entry, fingerprint=None)
        case "settings":
            fingerprint = print_of(b"a", "other settings")
            world.entries[path] = replace(entry, fingerprint=fingerprint)
        case _:
            _call(world, path, kind, known, landed=draw(st.booleans()))


def _call(world: World, path: str, kind: str, known: Document, *, landed: bool) -> None:
    """A call that was not answered, and that took effect or not."""
    if kind == "creating":
        del world.entries[path]
        world.intents[path] = pending(path, Op.CREATE)
        known.metadata = {}  # its mark was never written
        if not landed:
            del world.base.documents[known.id]
    elif kind == "updating":
        world.intents[path] = pending(path, Op.UPDATE, document_id=known.id, rev_before=known.rev)
        if landed:
            world.base.put(known, known.name, b"landed", world.rules.settings)
    else:
        world.intents[path] = pending(path, Op.DELETE, document_id=known.id)
        if landed:
            del world.base.documents[known.id]


# -- the folder ----------------------------------------------------------------------------------


def _local(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    folder = world.folder
    if path not in folder.files:
        return
    match kind:
        case "remove":
            folder.remove(path)
        case "tear":
            folder.files[path].unreadable = True
        case "skip":
            folder.edit(path, b"")
        case "exclude":
            folder.excluded.add(path)
        case "touch":
            folder.edit(path, folder.files[path].content)
        case "edit":
            folder.edit(path, draw(CONTENTS))


def _rename(world: World, old: str, new: str) -> None:
    """As `mv -f` does."""
    if old != new and isinstance(world.folder.read(old), Present):
        world.folder.rename(old, new)
        world.calm -= {old, new}


# -- the server ----------------------------------------------------------------------------------


def _remote(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    entry = world.entries.get(path)
    known = world.base.documents.get(entry.document_id) if entry else None
    if known is None:
        return
    match kind:
        case "vanish":
            del world.base.documents[known.id]
        case "vanish, and a twin":
            del world.base.documents[known.id]
            world.document(path, draw(CONTENTS))
        case "chunk edited":
            known.edits += 1
        case "uploaded over":
            world.base.put(known, known.name, known.content, world.rules.settings)
        case "newer copy":
            file = world.folder.files.get(path)
            here = file.content if file and file.content else b"a"
            world.send(known, path, draw(st.just(here) | CONTENTS))
        case "twin":
            world.document(path, draw(CONTENTS))
        case "copied mark":
            copy = world.document("by hand", b"x")
            copy.by_hand, copy.metadata = True, dict(known.metadata)
        case "other mirror":
            other = world.document(path, b"a", name=f"wiki {path}", mirror="wiki")
            other.by_hand = True
        case Readiness():
            _show_as(known, kind)
        case "available":
            known.enabled = True


def _show_as(document: Document, readiness: Readiness) -> None:
    if readiness.busy:
        document.stage, document.ready_at = readiness, NOW + A_MOMENT
    document.archived = readiness is Readiness.ARCHIVED
    document.enabled = readiness is not Readiness.DISABLED
    document.fate = FAILS if readiness is Readiness.ERROR else FINE
