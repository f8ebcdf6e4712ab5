"""Worlds that were one ledger once, and went apart: its memory, the folder and the server."""

from __future__ import annotations

from dataclasses import replace

from declared import mirror_config
from hypothesis import strategies as st

from kbsync.messages import Message
from kbsync.model import (
    EntryState,
    Excluded,
    Op,
    Present,
    Readiness,
    Rejection,
    RemoteDocument,
    Skipped,
    Unknown,
)
from kbsync.planning.case import DecisionRules

from .world import NOW, World, file_of, key_of, pending, print_of

PATHS = [f"p{n}.md" for n in range(6)]
WHY = Message("KB-T001", "a test said so")()
CONTENTS = st.sampled_from(["a", "b", "cc"])
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
        settings="S",
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
        content = draw(st.just(f"only {path}") | CONTENTS)
        local = world.files[path] = file_of(path, content)
        if kind == "synced":
            world.settle(path, world.document(path, local.content or ""), local)
    if kind == "foreign":
        foreign = world.document(path, "x")
        world.others(replace(foreign, metadata={}))
    if kind == "new" and draw(st.booleans()):
        refused = Rejection(key=key_of(path), fingerprint=print_of("a"), reason=("X", "no"), at=NOW)
        world.rejections[path] = refused


# -- the ledger ----------------------------------------------------------------------------------


def _ledger(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    entry = world.entries.get(path)
    if entry is None:
        return
    known = world.documents[entry.document_id]
    match kind:
        case "lost":
            del world.entries[path]
        case "swapping":
            before = world.document(path, "before")
            world.entries[path] = replace(entry, superseded=before.id)
        case "trashed":
            world.entries[path] = replace(entry, state=EntryState.TRASHED)
            world.documents[known.id] = replace(known, readiness=Readiness.DISABLED)
        case "indexing":
            world.entries[path] = replace(entry, state=EntryState.INDEXING)
        case "failed":
            retry = draw(st.sampled_from([None, NOW, NOW + 60]))
            failed = replace(entry, state=EntryState.FAILED, failures=1, retry_at=retry)
            world.entries[path] = failed
        case "unknown":
            world.entries[path] = replace(entry, fingerprint=None)
        case "settings":
            fingerprint = print_of("a", "other settings")
            world.entries[path] = replace(entry, fingerprint=fingerprint)
        case _:
            _call(world, path, kind, known, landed=draw(st.booleans()))


def _call(world: World, path: str, kind: str, known: RemoteDocument, *, landed: bool) -> None:
    """A call that nobody saw the end of, and that took effect or not."""
    if kind == "creating":
        del world.entries[path]
        world.intents[path] = pending(path, Op.CREATE)
        world.documents[known.id] = replace(known, metadata={})  # its mark was never written
        if not landed:
            del world.documents[known.id]
    elif kind == "updating":
        world.intents[path] = pending(path, Op.UPDATE, document_id=known.id, rev_before=known.rev)
        if landed:
            world.documents[known.id] = replace(known, rev="landed", word_count=9)
    else:
        world.intents[path] = pending(path, Op.DELETE, document_id=known.id)
        if landed:
            del world.documents[known.id]


# -- the folder ----------------------------------------------------------------------------------


def _local(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    local = world.files.get(path)
    if not isinstance(local, Present):
        return
    match kind:
        case "remove":
            del world.files[path]
        case "tear":
            world.files[path] = Unknown(key=key_of(path), why=WHY)
        case "skip":
            world.files[path] = Skipped(key=key_of(path), why=WHY)
        case "exclude":
            world.files[path] = Excluded(key=key_of(path))
        case "touch":
            world.files[path] = file_of(path, local.content or "", tick=2)
        case "edit":
            world.files[path] = file_of(path, draw(CONTENTS), tick=2)


def _rename(world: World, old: str, new: str) -> None:
    """As `mv -f` does."""
    local = world.files.get(old)
    if not isinstance(local, Present) or old == new:
        return
    del world.files[old]
    world.files[new] = file_of(new, local.content or "", tick=3)
    world.calm -= {old, new}


# -- the server ----------------------------------------------------------------------------------


def _remote(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    entry = world.entries.get(path)
    known = world.documents.get(entry.document_id) if entry else None
    if known is None:
        return
    documents = world.documents
    match kind:
        case "vanish":
            del documents[known.id]
        case "vanish, and a twin":
            del documents[known.id]
            world.document(path, draw(CONTENTS))
        case "chunk edited":
            documents[known.id] = replace(known, word_count=8)
        case "uploaded over":
            documents[known.id] = replace(known, rev="theirs")
        case "newer copy":
            local = world.files.get(path)
            here = local.content if isinstance(local, Present) and local.content else "a"
            newer = world.document(path, draw(st.just(here) | CONTENTS))
            del documents[newer.id]
            documents[known.id] = replace(newer, id=known.id)
        case "twin":
            world.document(path, draw(CONTENTS))
        case "copied mark":
            copy = world.document("by hand", "x")
            world.others(replace(copy, metadata=known.metadata))
        case "other mirror":
            world.others(world.document(path, "a", name=f"wiki {path}", mirror="wiki"))
        case Readiness():
            words = None if kind.busy else known.word_count
            documents[known.id] = replace(known, readiness=kind, word_count=words)
        case "available":
            documents[known.id] = replace(known, readiness=Readiness.AVAILABLE)
