"""What a person and a program see of a plan, compared with files.

To write the files anew after a wanted change: KBSYNC_GOLDEN=write pytest tests/golden/plan
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kbsync.config.guard import GuardConfig
from kbsync.messages import Message, Notice
from kbsync.messages import base_settings as base_say
from kbsync.messages import engine as say
from kbsync.model import (
    Action,
    Adopt,
    BaseChange,
    Cause,
    Conflict,
    Create,
    Delete,
    DocKey,
    Forget,
    Halted,
    Hold,
    Intent,
    Move,
    Noop,
    Op,
    Readiness,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
    Setting,
    Skipped,
    Stat,
    Trash,
    Update,
)
from kbsync.planning.guard import Facts, History, Root, guard, root_fault
from kbsync.planning.plan import Plan, Rates, make_plan
from kbsync.planning.plan_text import as_text
from kbsync.planning.render import as_json
from tests.coded import coded, coded_values

HERE = Path(__file__).parent
TOO_BIG = Message("KB-T002", "{path} is too large")
HOSTILE = {
    "newline": "two\nlines.md",
    "return": "over\rwritten.md",
    "escape": "\x1b[31mred\x1b[0m.md",
    "title": "\x1b]0;owned\x07.md",
    "bell": "ring\x07.md",
    "c1": "csi\x9b2J.md",
    "bidi": "evil\u202egnp.exe",
    "isolate": "a\u2066b\u2069c.md",
    "separator": "one\u2028two\u2029three.md",
    "invisible": "zero\u200bwidth\ufeff.md",
    "surrogate": "lone\udcff.md",
    "markup": "<b>&[bold]{path}.md",
    "plain": "größe/日本語 🙂.md",
}


def _key(path: str) -> DocKey:
    return DocKey(mirror="docs", path=path)


def _create(path: str, size: int) -> Create:
    return Create(key=_key(path), row="T9", cause=Cause.NEW, stat=Stat(size, 1, 1, 1))


def _every_action() -> list[Action]:
    document = RemoteDocument(
        id="d-7", name="lost.md", rev="r", word_count=1, readiness=Readiness.AVAILABLE
    )
    stat = Stat(2_500, 1, 1, 1)
    intent = Intent(key=_key("pending.md"), op=Op.CREATE, name="pending.md", started_at=0.0)
    held = say.HELD_BACK_OFF(path="slow.md", failures=2, reason="the embedder is away")
    conflict = say.CONFLICT_FOREIGN_NAME(path="b.md", name="b.md", base="base-1", document="d-9")
    return [
        Delete(
            key=_key("a-removed.md"), row="T20", cause=Cause.REMOVED, document_id="d-1", name="x"
        ),
        _create("guides/new.md", 10),
        _create("huge.pdf", 3 * 1024**3),
        Update(key=_key("edited.md"), row="T17", cause=Cause.EDITED, stat=stat, document_id="d-2"),
        Move(
            key=_key("to.md"),
            row="T9",
            cause=Cause.MOVED,
            origin=_key("from.md"),
            document_id="d-3",
            stat=stat,
        ),
        SetMetadata(key=_key("tagged.md"), row="T14", cause=Cause.METADATA, document_id="d-4"),
        Adopt(key=_key("lost.md"), row="T7", cause=Cause.MARK, document=document),
        Restore(key=_key("back.md"), row="T3", cause=Cause.RETURNED, document_id="d-5"),
        Trash(
            key=_key("old.md"),
            row="T20",
            cause=Cause.REMOVED,
            document_id="d-6",
            name="old.md",
            disable=True,
        ),
        Forget(key=_key("gone.md"), row="T18", cause=Cause.GONE_ON_BOTH_SIDES),
        Resolve(key=_key("pending.md"), row="T0", cause=Cause.PENDING_CREATE, intent=intent),
        Hold(
            key=_key("slow.md"),
            row="R3",
            cause=Cause.RECOVER,
            why=held,
            until=1_000_000.0,
            document_id="d-6",
        ),
        Conflict(key=_key("b.md"), row="T8", cause=Cause.NEW, why=conflict, document_id="d-9"),
        Noop(key=_key("same.md"), row="T14"),
    ]


def _everything() -> Plan:
    big = Skipped(key=_key("movie.mkv"), why=TOO_BIG(path="movie.mkv"))
    rates = Rates(requests_per_minute=2, indexed_per_minute=30.0)
    return make_plan(_every_action(), skipped=[big], unchanged=41, rates=rates)


def _removed(count: int) -> list[Action]:
    paths = [f"removed{n:02}.md" for n in range(count)]
    return [
        Delete(key=_key(p), row="T20", cause=Cause.REMOVED, document_id=f"d-{p}", name=p)
        for p in paths
    ]


def _halted(*, root: bool = False, drifted: int = 0, count: int = 12) -> Plan:
    stat = Stat(100, 1, 1, 1)
    actions = _removed(count) + [
        Update(
            key=_key(f"drift{n:02}.md"), row="T16", cause=Cause.DRIFT, stat=stat, document_id="d"
        )
        for n in range(drifted)
    ]
    why = root_fault(Root(files=0, recorded=count, found=0)) if root else None
    facts = Facts(mirror="docs", documents=30, root=why)
    decided = guard(actions, facts, History(removals=2, deleted=1), GuardConfig())
    assert isinstance(decided, Halted)
    return make_plan(actions, unchanged=3, halts=[decided])


def _hostile() -> Plan:
    actions: list[Action] = [_create(path, 1) for path in HOSTILE.values()]
    for path in (HOSTILE["escape"], HOSTILE["bidi"]):
        key = _key("held/" + path)
        actions.append(
            Hold(key=key, row="R1", cause=Cause.INDEXING, why=say.HELD_INDEXING(path=key.path))
        )
        key = _key("removed/" + path)
        actions.append(Delete(key=key, row="T20", cause=Cause.REMOVED, document_id="d", name=path))
    path = "skipped/" + HOSTILE["newline"]
    return make_plan(actions, skipped=[Skipped(key=_key(path), why=TOO_BIG(path=path))])


def _skipped() -> Plan:
    left_out = [f"{n:02}.mkv" for n in range(23)]
    return make_plan([], skipped=[Skipped(key=_key(p), why=TOO_BIG(path=p)) for p in left_out])


def _many(folders: int) -> Plan:
    """More changes than anyone reads: by folder, one alone in its folder, and two to see to."""
    actions: list[Action] = [
        _create(f"handbook/part{n % folders:02}/page{n:04}.md", 1000) for n in range(900)
    ]
    actions += [
        Delete(key=_key(f"old/{p}"), row="T20", cause=Cause.REMOVED, document_id="d", name=p)
        for p in map(str, range(40))
    ]
    actions.append(
        Update(
            key=_key("alone.md"),
            row="T17",
            cause=Cause.EDITED,
            stat=Stat(5, 1, 1, 1),
            document_id="d",
        )
    )
    for path in ("handbook/slow.md", "a\x1b[2J.md"):
        why = say.HELD_INDEXING(path=path)
        actions.append(Hold(key=_key(path), row="R1", cause=Cause.INDEXING, why=why))
    return make_plan(actions, unchanged=3, rates=Rates(requests_per_minute=60))


def _settings() -> Plan:
    """A base with other settings than declared: one of each kind, and a name from the server."""

    def change(
        setting: Setting, before: str, after: str, cause: Cause, **more: Notice
    ) -> BaseChange:
        name = HOSTILE["escape"]
        words = {"before": before, "after": after, "cause": cause}
        return BaseChange(mirror="docs", base=name, setting=setting, **words, **more)  # type: ignore[arg-type]

    price = base_say.EMBEDS_ALL(
        mirror="docs",
        base="Docs",
        setting=Setting.TECHNIQUE,
        before="economy",
        after="high_quality",
        documents=812,
        model="embed-3",
        provider="acme",
        id="base-1",
    )
    return make_plan([], unchanged=812).with_base(
        [
            change(Setting.DESCRIPTION, "", "How we work. " * 9, Cause.SETTINGS),
            change(Setting.PERMISSION, "only_me", "all_team_members", Cause.DRIFT),
            change(Setting.TECHNIQUE, "economy", "high_quality", Cause.SETTINGS, why=price),
        ]
    )


def _settings_of_a_new_base() -> Plan:
    made = BaseChange(
        mirror="docs",
        base="Docs",
        setting=Setting.PERMISSION,
        before="",
        after="all_team_members",
        cause=Cause.NEW,
    )
    return make_plan([_create("a.md", 1)]).with_base([made])


PLANS: dict[str, Callable[[], Plan]] = {
    "empty": lambda: make_plan([], unchanged=5),
    "everything": _everything,
    "halted": _halted,
    "halted-root": lambda: _halted(root=True, count=2),
    "halted-twice": lambda: _halted(drifted=51),
    "hostile": _hostile,
    "settings": _settings,
    "settings-of-a-new-base": _settings_of_a_new_base,
    "skipped": _skipped,
}
# A person sees these summed up; a program sees each change of them as of any other.
LONG: dict[str, Callable[[], Plan]] = {
    "many": lambda: _many(20),
    "many-folders": lambda: _many(200),
}


def _compare(name: str, text: str) -> None:
    file = HERE / name
    if os.environ.get("KBSYNC_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*PLANS, *LONG])
def test_the_text_is_what_the_file_says(name: str) -> None:
    _compare(f"{name}.txt", coded("\n".join(as_text((PLANS | LONG)[name]()))) + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_the_json_is_what_the_file_says(name: str) -> None:
    shown = json.dumps(coded_values(as_json(PLANS[name]())), indent=2)
    _compare(f"{name}.json", shown + "\n")


def test_no_line_of_text_can_steer_a_terminal() -> None:
    lines = list(as_text(_hostile()))
    assert len(lines) == 1 + len(HOSTILE) + 4 + 1 + 1 + 1
    steering = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
    for line in lines:
        assert not steering.search(line), ascii(line)
        line.encode()  # no lone surrogate either


def test_in_full_every_change_and_every_skipped_file_has_its_line() -> None:
    for made in (_many(200), _skipped()):
        lines = list(as_text(made, full=True))
        for path in (
            *(each.key.path for each in made.actions if isinstance(each, Create)),
            *(each.key.path for each in made.skipped),
        ):
            assert sum(line.split("  (")[0][2:] == path for line in lines) == 1


def test_plain_names_are_shown_as_they_are() -> None:
    assert any(HOSTILE["plain"] in line for line in as_text(_hostile()))
    assert any(HOSTILE["markup"] in line for line in as_text(_hostile()))


def test_a_program_gets_the_very_paths_back() -> None:
    shown = json.loads(json.dumps(as_json(_hostile())))
    paths = {action["path"] for action in shown["actions"] if action["action"] == "create"}
    assert paths == set(HOSTILE.values())
