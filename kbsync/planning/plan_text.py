"""A plan as people read it, at five changes and at five thousand. Names are made safe to print."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kbsync.messages import printable, verb
from kbsync.model import (
    Action,
    BaseChange,
    Cause,
    Conflict,
    Create,
    Hold,
    Move,
    Skipped,
    Switch,
    Update,
)
from kbsync.planning.base_settings import in_short
from kbsync.planning.plan import SET_BASE, Forecast, Plan, name_of
from kbsync.planning.render import halted_lines, minutes_of, size_of

# More lines than these are no list any more: changes are shown by folder then.
LISTED = 60
FOLDERS = 30
NAMED = 20


class Words(NamedTuple):
    """An action for people: its sign, what it will be, what it is called in a sum and beside it."""

    sign: str
    sum: str
    legend: str
    doing: str = ""


WORDS = {
    "create": Words("+", "to create", "new"),
    "update": Words("~", "to update", "changed"),
    "move": Words(">", "to move", "renamed"),
    "set_metadata": Words("*", "to give other metadata", "no upload", "metadata"),
    "adopt": Words("*", "to take over", "no upload", "taken over"),
    "restore": Words("*", "to take out of the trash", "no upload", "out of the trash"),
    "trash": Words("-", "to put into the trash", "removed", "into the trash"),
    "switch": Words("*", "to enable or disable", "no upload", "switch"),
    "delete": Words("-", "to delete", "removed"),
    "forget": Words("*", "to forget", "no upload", "forgotten"),
    "hold": Words("?", "left as is", "left as is"),
    "conflict": Words("!", "in conflict", "yours to decide"),
    "resolve": Words("*", "to look into", "no upload", "a call without an answer"),
    SET_BASE: Words("~", "settings to set", "changed", "setting"),
}
# Causes whose own word says little to who has not read the design.
PLAIN: dict[str, str] = {
    Cause.MISSING: "its document was deleted at the server",
    Cause.SETTINGS: "its settings changed",
    Cause.UNKNOWN: "what was sent is not known",
    Cause.DRIFT: "changed at the server",
    Cause.RECOVER: "indexing failed before",
    Cause.STUCK: "the server lost it",
    Cause.PROBE: "to see whether the server indexes",
    Cause.ORPHAN: "of no file any more",
    Cause.EXTRA: "a second document of one file",
    Cause.SUPERSEDED: "replaced by a newer one",
    Cause.FAILED: "the newer one was not indexed",
    Cause.EXPIRED: "its time in the trash is over",
    Cause.STALE: "it holds what the file held before",
    Cause.MARK: "its mark says that it is ours",
    Cause.METADATA: "differs",
    Cause.SWITCHED: "as declared",
    Cause.RETURNED: "its file is back",
}


def plain(action: str, cause: str) -> str:
    """Return why an action is, for people.

    Args:
        action: its name in snake case.
        cause: the cause, or what the journal has in its place.
    """
    why = PLAIN.get(cause, cause)
    doing = WORDS[action].doing if action in WORDS else action
    return f"{doing}: {why}" if doing else why


def sign_of(action: str) -> str:
    """Return the sign of an action's lines."""
    return WORDS[action].sign if action in WORDS else "*"


def as_text(plan: Plan, *, uncompared: int = 0, full: bool = False) -> Iterator[str]:
    """Yield the lines a person reads: what it costs, what changes, what the signs mean, the sum.

    Args:
        plan: what to show.
        uncompared: how many mirrors could not be planned, and so are not in it.
        full: name every change and every skipped file, however many there are.
    """
    yield from price(plan)
    for change in plan.base:
        yield setting_line(change)
    if full or len(plan.actions) <= LISTED:
        yield from map(line_of, plan.actions)
    else:
        yield from _by_folder(plan.actions)
    yield from _skipped(plan, full=full)
    yield from _legend(plan)
    yield summary(plan, uncompared)
    for halted in plan.halts:
        yield from halted_lines(halted)


def price(plan: Plan) -> Iterator[str]:
    """Yield what carrying it out costs, where it changes anything."""
    if not plan.changes:
        return
    documents = sum(isinstance(each, Create | Update) for each in plan.actions)
    parts = [_count(plan.forecast.writes, "request"), f"{_count(documents, 'document')} to embed"]
    if plan.forecast.upload_bytes:
        parts[1] += f" ({size_of(plan.forecast.upload_bytes)})"
    yield f"costs: {', '.join([*parts, *_how_long(plan.forecast)])}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _how_long(forecast: Forecast) -> Iterator[str]:
    if forecast.minutes:
        yield f"{minutes_of(forecast.minutes)} at the rate limit"
    if forecast.indexing_minutes:
        yield f"{minutes_of(forecast.indexing_minutes)} of indexing at the rate seen last"


def _by_folder(actions: Sequence[Action]) -> Iterator[str]:
    """Yield one line for each kind of change in each folder; what a person has to see to, by name.

    Folders are those of the sources; where they are too many, those above them.
    """
    needed = [each for each in actions if isinstance(each, Hold | Conflict)]
    several = len({each.key.mirror for each in actions}) > 1
    deepest = max(each.key.path.count("/") for each in actions)
    for depth in range(deepest, -1, -1):
        groups = _groups(actions, depth)
        if len(groups) <= FOLDERS:
            break
    for (mirror, folder, name), members in list(groups.items())[:FOLDERS]:
        where = f"{mirror}: {folder}" if several else folder
        yield _group_line(name, where, members)
    left = list(groups.values())[FOLDERS:]
    if left:
        yield f"  and {sum(map(len, left))} changes in {len(left)} more folders"
    yield f"  each change by name: {verb('plan --full').line()}"
    yield from map(line_of, needed[:NAMED])
    if len(needed) > NAMED:
        yield f"? {len(needed) - NAMED} more are left as is"


def _groups(actions: Sequence[Action], depth: int) -> dict[tuple[str, str, str], list[Action]]:
    groups: dict[tuple[str, str, str], list[Action]] = defaultdict(list)
    for each in actions:
        if not isinstance(each, Hold | Conflict):
            folders = each.key.path.split("/")[:-1][:depth]
            folder = "".join(f"{part}/" for part in folders) or "./"
            groups[each.key.mirror, folder, name_of(each)].append(each)
    return dict(sorted(groups.items()))


def _group_line(name: str, where: str, members: Sequence[Action]) -> str:
    if len(members) == 1:
        return line_of(members[0])
    sizes = sum(each.stat.size for each in members if isinstance(each, Create | Update))
    parts = [f"{len(members)} {WORDS[name].sum}"] + ([size_of(sizes)] if sizes else [])
    return f"{sign_of(name)} {printable(where)}  ({', '.join(parts)})"


def _skipped(plan: Plan, *, full: bool) -> Iterator[str]:
    """Yield the skipped files: each by name where they are few beside changes, or by reason."""
    shown = len(plan.skipped) if full else NAMED if plan.changes else 0
    if len(plan.skipped) <= shown:
        for each in plan.skipped:
            yield f". {printable(each.key.path)}  ({each.why})"
        return
    reasons = by_reason(plan.skipped)
    for each, files in reasons:
        yield f". {files}  ({each.why})"
    if len(plan.skipped) > len(reasons):
        yield f"  each skipped file by name: {verb('plan --full').line()}"


def by_reason(skipped: Sequence[Skipped]) -> list[tuple[Skipped, str]]:
    """Return the first file of each reason, and how it is named with the others."""
    number = Counter(each.why.code for each in skipped)
    first = {each.why.code: each for each in reversed(skipped)}
    return [(each, _with_more(each, number[code] - 1)) for code, each in sorted(first.items())]


def _with_more(each: Skipped, more: int) -> str:
    return printable(each.key.path) + (f" and {more} more" if more else "")


def _legend(plan: Plan) -> Iterator[str]:
    """Yield what the signs mean that stand in the plan."""
    names = [*map(name_of, plan.actions), *(SET_BASE for each in plan.base if each.why is None)]
    meant = {WORDS[name].sign: WORDS[name].legend for name in WORDS if name in names}
    if plan.held_settings:
        meant.setdefault("?", WORDS["hold"].legend)
    if plan.skipped:
        meant["."] = "never sent"
    if meant:
        yield "signs: " + ", ".join(f"{sign} {words}" for sign, words in meant.items())


def line_of(action: Action) -> str:
    """Return one action as a line: sign, path, cause."""
    name = name_of(action)
    where = f"{sign_of(name)} {printable(action.key.path)}"
    match action:
        case Create(stat=stat) | Update(stat=stat):
            return f"{where}  ({plain(name, action.cause)}, {size_of(stat.size)})"
        case Hold(why=why) | Conflict(why=why):
            return f"{where}  ({why})"
        case Move(origin=origin):
            return f"{where}  (moved from {printable(origin.path)})"
        case Switch(enabled=enabled):
            return f"{where}  ({'enable' if enabled else 'disable'}: as declared)"
    return f"{where}  ({plain(name, action.cause)})"


def setting_line(change: BaseChange) -> str:
    """Return a setting of a knowledge base as a line: sign, what it is, and what becomes of it."""
    what = f"knowledge base {printable(change.base)}: {change.setting}"
    if change.why is not None:
        return f"? {what}  ({change.why})"
    after = printable(in_short(change.after))
    if change.cause is Cause.NEW:
        return f"+ {what}  (new: {after})"
    before = printable(in_short(change.before))
    why = PLAIN.get(change.cause, str(change.cause))
    return f"~ {what}  ({why}: {before} becomes {after})"


def summary(plan: Plan, uncompared: int = 0) -> str:
    """Return the closing line: how many of what."""
    counts = ", ".join(f"{number} {WORDS[name].sum}" for name, number in plan.counts.items())
    nothing = "nothing to do in the others" if uncompared else "nothing to do"
    parts = [counts or nothing, f"{plan.unchanged} unchanged"]
    if uncompared:
        parts.insert(0, f"{_count(uncompared, 'mirror')} not compared")
    if plan.held_settings:
        parts.append(f"{_count(len(plan.held_settings), 'setting')} left as is")
    if plan.stale:
        parts.append(f"{plan.stale} stale")
    if plan.skipped:
        parts.append(f"{len(plan.skipped)} skipped")
    if plan.left_out:
        parts.append(f"{plan.left_out} left out by default")
    return "; ".join(parts)
