"""Plans are stable values, and carrying them out ends: at most four passes, the last one empty.

The model world starts from one ledger. Its files, documents and entries are perturbed, each on
their own; every planned action is pretended done, and the world is planned again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbsync.messages import Message
from kbsync.model import (
    Absent,
    Action,
    Adopt,
    Conflict,
    Create,
    Delete,
    DocKey,
    EntryState,
    FileState,
    Fingerprint,
    Forget,
    Hold,
    Intent,
    LedgerEntry,
    Mark,
    Move,
    Noop,
    Op,
    Present,
    Readiness,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
    Skipped,
    Stat,
    Unknown,
    Update,
)
from kbsync.planning.case import GONE, Case, Evidence, Rules
from kbsync.planning.decide import decide
from kbsync.planning.marks import mark_of, values_of
from kbsync.planning.plan import digest_of, make_plan

PASSES = 4
MIRROR = "docs"
NOW = 1_000_000.0
WHY = Message("KB-T001", "a test said so")()
CONTENTS = st.sampled_from(["a", "b", "c"])
PATHS = [f"p{n}.md" for n in range(6)]


# -- plans as values -----------------------------------------------------------------------------

NAMES = st.text(min_size=1, max_size=12)
KEYS = st.builds(DocKey, mirror=st.sampled_from(["docs", "wiki"]), path=NAMES)
STATS = st.builds(Stat, st.integers(0, 99), st.integers(0, 99), st.integers(0, 9))
DOCUMENTS = st.builds(
    RemoteDocument,
    id=NAMES,
    name=NAMES,
    rev=NAMES,
    word_count=st.integers(0, 9),
    readiness=st.sampled_from(Readiness),
)
COMMON = {"key": KEYS, "row": st.just("T0"), "cause": st.sampled_from(["new", "edited"])}
HELD = {"key": KEYS, "row": st.just("T1"), "why": st.just(WHY)}
INTENTS = st.builds(Intent, key=KEYS, op=st.sampled_from(Op), name=NAMES, started_at=st.just(0.0))
ACTIONS = st.one_of(
    st.builds(Create, **COMMON, stat=STATS),
    st.builds(Update, **COMMON, stat=STATS, document_id=NAMES),
    st.builds(Delete, **COMMON, document_id=NAMES, name=NAMES),
    st.builds(Move, **COMMON, origin=KEYS, document_id=NAMES, stat=STATS),
    st.builds(SetMetadata, **COMMON, document_id=NAMES),
    st.builds(Restore, **COMMON, document_id=NAMES),
    st.builds(Adopt, **COMMON, document=DOCUMENTS),
    st.builds(Forget, **COMMON),
    st.builds(Resolve, **COMMON, intent=INTENTS),
    st.builds(Hold, **HELD),
    st.builds(Conflict, **HELD),
    st.builds(Noop, key=KEYS, row=st.just("T14")),
)
PLANS = st.lists(ACTIONS, max_size=12, unique_by=lambda action: action.key)


@settings(max_examples=50)
@given(PLANS, st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_it_was_found_in(
    actions: list[Action], chance: random.Random
) -> None:
    shuffled = actions[:]
    chance.shuffle(shuffled)
    assert make_plan(shuffled) == make_plan(actions)


@settings(max_examples=50)
@given(PLANS)
def test_uploads_come_before_deletes_and_then_paths_in_order(actions: list[Action]) -> None:
    plan = make_plan(actions)
    places = [(isinstance(a, Delete), a.key.mirror, a.key.path) for a in plan.actions]
    assert places == sorted(places)
    assert len(plan.actions) == sum(not isinstance(action, Noop) for action in actions)
    assert sum(plan.counts.values()) == len(plan.actions)
    assert 0 not in plan.counts.values()
    assert plan.changes == any(not isinstance(a, Hold | Conflict) for a in plan.actions)


@settings(max_examples=50)
@given(PLANS, ACTIONS)
def test_one_more_action_is_another_digest(actions: list[Action], more: Action) -> None:
    if isinstance(more, Noop) or any(action.key == more.key for action in actions):
        return
    assert make_plan([*actions, more]).digest != make_plan(actions).digest


@given(st.one_of(*(st.builds(kind, **COMMON, document_id=NAMES, **extra) for kind, extra in (
    (Update, {"stat": STATS}),
    (Delete, {"name": NAMES}),
    (Restore, {}),
    (SetMetadata, {}),
    (Move, {"origin": KEYS, "stat": STATS}),
))))  # fmt: skip
def test_another_document_is_another_digest(action: Update | Delete | Restore) -> None:
    other = replace(action, document_id=action.document_id + "x")
    assert digest_of([other]) != digest_of([action])


@given(st.builds(Move, **COMMON, origin=KEYS, document_id=NAMES, stat=STATS))
def test_another_origin_is_another_digest(action: Move) -> None:
    other = replace(action, origin=replace(action.origin, path=action.origin.path + "x"))
    assert digest_of([other]) != digest_of([action])


DIGEST = """
from kbsync.model import Absent, Create, Delete, DocKey, RemoteDocument, Stat, Adopt, Readiness
from kbsync.planning.plan import make_plan
keys = [DocKey(mirror="docs", path=path) for path in {"a", "b", "ü∕\\x1b", "d", "e"}]
actions = {Create(key=key, row="T9", cause="new", stat=Stat(1, 2, 3)) for key in keys}
actions |= {
    Delete(key=DocKey(mirror="docs", path=p), row="T20", cause="removed", document_id=p, name=p)
    for p in {"x", "y", "z"}
}
print(make_plan(actions).digest)
"""


def test_a_digest_is_the_same_in_every_process_and_under_every_hash_seed() -> None:
    digests = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        ran = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        digests.add(ran.stdout.strip())
    assert len(digests) == 1
    assert len(digests.pop()) == 64


# -- a world that converges ----------------------------------------------------------------------


@dataclass
class World:
    """Files, entries and documents; indexing takes no time."""

    rules: Rules
    files: dict[str, FileState] = field(default_factory=dict)
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    documents: dict[str, RemoteDocument] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)
    made: int = 0

    def document(self, path: str, content: str, settings: str = "S") -> RemoteDocument:
        """A finished document of ours, marked."""
        self.made += 1
        rev = f"rev-{self.made}"
        mark = Mark(mirror=MIRROR, path=path, fingerprint=_print(content, settings), rev=rev)
        made = RemoteDocument(
            id=f"doc-{self.made}",
            name=path,
            rev=rev,
            word_count=7,
            readiness=Readiness.AVAILABLE,
            metadata=values_of(mark),
        )
        self.documents[made.id] = made
        return made

    def settle(self, path: str, document: RemoteDocument, local: Present) -> None:
        """Entry, file and document agree."""
        self.entries[path] = LedgerEntry(
            key=_key(path),
            document_id=document.id,
            document_name=path,
            state=EntryState.SYNCED,
            stat=local.stat,
            fingerprint=_print(local.content or "", self.rules.settings),
            rev=document.rev,
            word_count=document.word_count,
        )

    def case(self, path: str) -> Case:
        entry = self.entries.get(path)
        own = {entry.document_id, entry.superseded} if entry else set()
        marked, namesakes = [], []
        for document in self.documents.values():
            mark = mark_of(document)
            if document.id in own:
                continue
            if mark is not None and mark.path == path:
                marked.append(document)
            elif document.name == path and mark is None:
                namesakes.append(document)
        known = self.documents.get(entry.document_id, GONE) if entry else None
        old = entry.superseded if entry else None
        replaced = self.documents.get(old, GONE) if old else None
        return Case(
            key=_key(path),
            name=path,
            local=self.files.get(path, Absent(key=_key(path))),
            rules=self.rules,
            now=NOW,
            entry=entry,
            evidence=Evidence(
                listed=True,
                known=known,
                replaced=replaced,
                namesakes=tuple(namesakes),
                marked=tuple(marked),
            ),
            repairs=self.repairs.get(path, 0),
        )

    def plan(self) -> Sequence[Action]:
        marks = (mark_of(document) for document in self.documents.values())
        paths = {*self.files, *self.entries, *(mark.path for mark in marks if mark)}
        return make_plan(decide(self.case(path)) for path in sorted(paths)).actions

    def pretend(self, action: Action) -> None:
        """The action was carried out, and whatever was sent is indexed."""
        path = action.key.path
        local = self.files.get(path)
        match action:
            case Create() | Update():
                assert isinstance(local, Present)
                self._uploaded(path, local, getattr(action, "document_id", None))
                self.repairs[path] = self.repairs.get(path, 0) + (action.cause == "drift")
            case Delete(document_id=gone):
                self._deleted(path, gone, action.cause)
            case Adopt(document=document, fingerprint=fingerprint, stat=stat):
                self.settle(path, document, Present(key=action.key, stat=Stat(0, 0, 0)))
                self.entries[path] = replace(self.entries[path], fingerprint=fingerprint, stat=stat)
            case Restore(document_id=back):
                self.documents[back] = replace(self.documents[back], readiness=Readiness.AVAILABLE)
                self.entries[path] = replace(self.entries[path], state=EntryState.SYNCED)
            case Forget():
                del self.entries[path]
            case _:
                raise AssertionError(f"{action} is no change of this world")

    def _uploaded(self, path: str, local: Present, over: str | None) -> None:
        made = self.document(path, local.content or "", self.rules.settings)
        if over is not None:
            del self.documents[made.id]
            made = replace(made, id=over)
            self.documents[over] = made
        self.settle(path, made, local)

    def _deleted(self, path: str, gone: str, cause: str) -> None:
        assert gone not in self.foreign
        self.deleted.append(gone)
        self.documents.pop(gone, None)
        entry = self.entries.get(path)
        if entry is None:
            return
        if cause == "superseded":
            self.entries[path] = replace(entry, superseded=None)
        elif cause == "failed" and entry.superseded is not None:
            self.entries[path] = replace(
                entry, document_id=entry.superseded, superseded=None, fingerprint=None
            )
        elif entry.document_id == gone:
            del self.entries[path]


def _key(path: str) -> DocKey:
    return DocKey(mirror=MIRROR, path=path)


def _print(content: str, settings: str) -> Fingerprint:
    return Fingerprint(content=content, settings=settings)


def _file(path: str, content: str, tick: int = 1) -> Present:
    return Present(key=_key(path), stat=Stat(len(content), tick, 1), content=content)


LOCAL = st.sampled_from(["same", "touch", "edit", "remove", "tear", "skip"])
REMOTE = st.sampled_from(
    ["same", "vanish", "chunk edited", "uploaded over", "newer copy", "twin", "disable", "fail"]
)
READINESS = {
    "disable": Readiness.DISABLED,
    "enable": Readiness.AVAILABLE,
    "fail": Readiness.ERROR,
}
TRASH = st.sampled_from(["same", "vanish", "enable"])
LEDGER = st.sampled_from(["same", "lost", "unknown", "swapping", "trashed", "settings"])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rules = Rules(
        base_id="base-1",
        settings="S",
        repair_drift=draw(st.booleans()),
        prune=draw(st.booleans()),
        delete_drifted=draw(st.booleans()),
    )
    world = World(rules=rules)
    for path in PATHS:
        _settle(draw, world, path)
        _ledger(draw, world, path, draw(LEDGER))
        _local(draw, world, path, draw(LOCAL))
        trashed = path in world.entries and world.entries[path].state is EntryState.TRASHED
        _remote(draw, world, path, draw(TRASH if trashed else REMOTE))
    return world


def _settle(draw: st.DrawFn, world: World, path: str) -> None:
    kind = draw(st.sampled_from(["new", "synced", "synced", "foreign", "nothing"]))
    if kind in ("new", "synced", "foreign"):
        world.files[path] = _file(path, draw(CONTENTS))
    if kind == "synced":
        local = world.files[path]
        assert isinstance(local, Present)
        world.settle(path, world.document(path, local.content or ""), local)
    if kind == "foreign":
        foreign = world.document(path, "x")
        world.documents[foreign.id] = replace(foreign, metadata={})
        world.foreign.add(foreign.id)


def _ledger(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    entry = world.entries.get(path)
    if entry is None or kind == "same":
        return
    if kind == "lost":
        del world.entries[path]
    elif kind == "swapping":
        before = world.document(path, "before")
        world.entries[path] = replace(entry, superseded=before.id)
    elif kind == "trashed":
        world.entries[path] = replace(entry, state=EntryState.TRASHED)
        known = world.documents[entry.document_id]
        world.documents[known.id] = replace(known, readiness=Readiness.DISABLED)
    else:
        fingerprint = None if kind == "unknown" else _print("a", "other settings")
        world.entries[path] = replace(entry, fingerprint=fingerprint)


def _local(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    local = world.files.get(path)
    if not isinstance(local, Present) or kind == "same":
        return
    if kind == "remove":
        del world.files[path]
    elif kind in ("tear", "skip"):
        state = Unknown if kind == "tear" else Skipped
        world.files[path] = state(key=_key(path), why=WHY)
    else:
        content = draw(CONTENTS) if kind == "edit" else local.content or ""
        world.files[path] = _file(path, content, tick=2)


def _remote(draw: st.DrawFn, world: World, path: str, kind: str) -> None:
    entry = world.entries.get(path)
    known = world.documents.get(entry.document_id) if entry else None
    if known is None:
        return
    if kind == "vanish":
        del world.documents[known.id]
    elif kind == "chunk edited":
        world.documents[known.id] = replace(known, word_count=8)
    elif kind == "uploaded over":
        world.documents[known.id] = replace(known, rev="theirs")
    elif kind == "newer copy":
        newer = world.document(path, draw(CONTENTS))
        del world.documents[newer.id]
        world.documents[known.id] = replace(newer, id=known.id)
    elif kind == "twin":
        world.document(path, draw(CONTENTS))
    elif kind in READINESS:
        readiness = READINESS[kind]
        world.documents[known.id] = replace(known, readiness=readiness)


def _changes(actions: Sequence[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Hold | Conflict)]


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_plans_carried_out_in_any_order_come_to_an_end(world: World, chance: random.Random) -> None:
    foreign = {each: world.documents[each] for each in world.foreign}
    for _ in range(PASSES):
        actions = _changes(world.plan())
        chance.shuffle(actions)
        for action in actions:
            world.pretend(action)
    assert _changes(world.plan()) == []
    assert {each: world.documents[each] for each in foreign} == foreign
    _assert_mirrored(world)


def _assert_mirrored(world: World) -> None:
    """Whatever is neither held nor in conflict is there once, with the file's content."""
    stopped = {action.key.path for action in world.plan()}
    for path, local in world.files.items():
        if path in stopped or not isinstance(local, Present):
            continue
        entry = world.entries[path]
        mark = mark_of(world.documents[entry.document_id])
        assert mark is not None
        assert mark.fingerprint == _print(local.content or "", world.rules.settings)
        copies = [d for d in world.documents.values() if (m := mark_of(d)) and m.path == path]
        assert [each.id for each in copies] == [entry.document_id]
    gone = {*world.entries} - {*world.files} - stopped
    if world.rules.prune:
        assert {world.entries[path].state for path in gone} <= {EntryState.TRASHED}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds())
def test_a_file_that_could_not_be_read_keeps_everything(world: World) -> None:
    unread = {p for p, state in world.files.items() if isinstance(state, Unknown | Skipped)}
    before = {path: world.entries.get(path) for path in unread}
    for _ in range(PASSES):
        for action in _changes(world.plan()):
            assert action.key.path not in unread
            world.pretend(action)
    assert {path: world.entries.get(path) for path in unread} == before
