"""The table of docs/design.md section 4, read as it stands there, and compared with the code.

The words of its condition columns are given a meaning here, written from the page and not from the
rows: so the page decides which row a case belongs to, and the code has to agree.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import get_args

from kbsync.model import (
    Absent,
    Action,
    Create,
    Delete,
    EntryState,
    Excluded,
    Fingerprint,
    Hold,
    Present,
    Readiness,
    RemoteDocument,
    SetMetadata,
    Skipped,
    Unknown,
    Update,
)
from kbsync.planning.case import GONE, Case
from kbsync.planning.decide import ROWS
from kbsync.planning.marks import mark_of
from kbsync.planning.standstill import Standing

PAGE = Path(__file__).parents[3] / "docs" / "design.md"
HEADER = "| row | ledger | local | remote | action | why |"
ACTIONS = "|".join(each.__name__ for each in get_args(Action))
NAMED = re.compile(rf"\b({ACTIONS})\b(?:\(([^)]*)\))?")

Meaning = Callable[[Case], bool]
Did = tuple[str, str]  # an action's type, and its cause where the page tells causes


# -- what the words of a column mean -------------------------------------------------------------


def _state(state: EntryState) -> Meaning:
    return lambda case: case.entry is not None and case.entry.state is state


def _local(*kinds: type) -> Meaning:
    return lambda case: isinstance(case.local, kinds)


def _document(case: Case) -> RemoteDocument | None:
    return case.evidence.known if isinstance(case.evidence.known, RemoteDocument) else None


def _is(*readiness: Readiness) -> Meaning:
    return lambda case: (known := _document(case)) is not None and known.readiness in readiness


def _disabled_and_declared(enabled: bool | None) -> Meaning:
    disabled = _is(Readiness.DISABLED)
    return lambda case: disabled(case) and case.enabled is enabled


def _sent_anew(anew: bool) -> Meaning:
    busy = _is(Readiness.WAITING, Readiness.INDEXING, Readiness.PAUSED)
    return lambda case: busy(case) and _given_up(case) is anew


def _given_up(case: Case) -> bool:
    needless = isinstance(case.local, Absent) and case.standing is not Standing.MOVES
    return case.probe or case.standing is Standing.LOST or needless


def _gone(case: Case) -> bool:
    return case.evidence.known is GONE


def _same(case: Case) -> bool:
    entry, local = case.entry, case.local
    if entry is None or entry.fingerprint is None or not isinstance(local, Present):
        return False
    if local.content is None and local.stat != entry.stat:
        return False
    sent = entry.fingerprint
    return sent.settings == case.rules.settings and local.content in (None, sent.content)


def _changed_and_refused(case: Case) -> bool:
    entry, local, refusal = case.entry, case.local, case.rejection
    if _same(case) or not isinstance(local, Present) or refusal is None:
        return False
    now = case.rules.settings
    if entry and entry.fingerprint and entry.fingerprint.settings != now:
        return False
    if local.content is None:
        return refusal.fingerprint.settings == now and refusal.stat == local.stat
    return refusal.fingerprint == Fingerprint(content=local.content, settings=now)


def _drift(case: Case) -> bool:
    known, entry = _document(case), case.entry
    if known is None or entry is None or entry.state is not EntryState.SYNCED:
        return False
    counted = known.word_count is not None and entry.word_count is not None
    return known.rev != entry.rev or (counted and known.word_count != entry.word_count)


def _another_rev(case: Case) -> bool:
    known = _document(case)
    return known is not None and case.entry is not None and known.rev != case.entry.rev


def _marked_of_this_file(case: Case) -> bool:
    known, local = _document(case), case.local
    mark = mark_of(known) if known is not None else None
    if mark is None or not isinstance(local, Present) or local.content is None:
        return False
    sent = mark.fingerprint
    return (sent.content, sent.settings) == (local.content, case.rules.settings)


def _ours_twice(case: Case) -> bool:
    left_alone = (Readiness.DISABLED, Readiness.ARCHIVED)
    others = [each.readiness for each in case.evidence.marked]
    free = bool(others) and not others[0].busy and others[0] not in left_alone
    return free and _is(Readiness.AVAILABLE)(case)


def _new_one_done(case: Case) -> bool:
    known = _document(case)
    erred = known is not None and known.readiness is Readiness.ERROR
    return known is not None and not erred and _state(EntryState.SYNCED)(case)


def _new_one_failed(case: Case) -> bool:
    if case.evidence.replaced is GONE and isinstance(case.local, Absent):
        return False
    there = _document(case) is not None
    return _is(Readiness.ERROR)(case) or (there and _state(EntryState.FAILED)(case))


def _mended(case: Case) -> bool:
    known, entry = _document(case), case.entry
    if known is None or entry is None or _another_rev(case):
        return False
    more = (known.word_count or 0) > (entry.word_count or 0)
    return known.readiness is Readiness.AVAILABLE and (more or entry.retry_at is not None)


def _any(case: Case) -> bool:
    return True


LEDGER: Mapping[str, Meaning] = {
    "any": _any,
    "intent pending": lambda case: case.intent is not None,
    "none": lambda case: case.entry is None,
    "any entry": lambda case: case.entry is not None,
    "superseded id": lambda case: case.entry is not None and case.entry.superseded is not None,
    **{state.value: _state(state) for state in EntryState},
    "trashed": lambda case: _state(EntryState.TRASHED)(case) and case.entry.superseded is None,
}
LOCAL: Mapping[str, Meaning] = {
    "any": _any,
    "absent": _local(Absent),
    "present": _local(Present),
    "unknown": _local(Unknown),
    "skipped": _local(Skipped),
    "excluded": _local(Excluded),
    "same": _same,
    "changed": lambda case: isinstance(case.local, Present) and not _same(case),
    "changed, refused before": _changed_and_refused,
}
REMOTE: Mapping[str, Meaning] = {
    "any": _any,
    "not listed": lambda case: not case.evidence.listed,
    "none of ours": lambda case: not case.evidence.marked,
    "ours by a valid mark": lambda case: bool(case.evidence.marked),
    "foreign of our name": lambda case: bool(case.evidence.namesakes),
    "nothing of our name": lambda case: not case.evidence.namesakes and not case.evidence.marked,
    "busy, its task not known to be lost": _sent_anew(False),
    "busy, its task lost, or the probe": _sent_anew(True),
    "error": _is(Readiness.ERROR),
    "available": _is(Readiness.AVAILABLE),
    "disabled": _is(Readiness.DISABLED),
    "archived": _is(Readiness.ARCHIVED),
    "disabled, declared enabled": _disabled_and_declared(True),
    "disabled by an operator": _disabled_and_declared(None),
    "gone": _gone,
    "there": lambda case: _document(case) is not None,
    "not asked for": lambda case: case.evidence.known is None,
    "gone, another of ours for this path": lambda case: _gone(case) and bool(case.evidence.marked),
    "ours twice": _ours_twice,
    "the new one in error or failed, the old one or the file there": _new_one_failed,
    "the new one done": _new_one_done,
    "the new one gone, the old one there": lambda case: (
        _gone(case) and isinstance(case.evidence.replaced, RemoteDocument)
    ),
    "mended there": _mended,
    "match": lambda case: _document(case) is not None and not _drift(case),
    "drift": _drift,
    "drift with another rev, a valid mark of this file": lambda case: (
        _drift(case) and _another_rev(case) and _marked_of_this_file(case)
    ),
    "drift, not to be deleted": lambda case: _drift(case) and not case.rules.delete_drifted,
}
COLUMNS = (LEDGER, LOCAL, REMOTE)


# -- the table -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a row, or one of several cases of it."""

    row: str
    cells: tuple[str, str, str]
    action: str

    def names(self) -> Iterator[Did]:
        """Yield what the action column names."""
        for name, causes in NAMED.findall(self.action):
            for cause in causes.split(", ") if name in _TOLD else ("",):
                yield name, cause

    def meanings(self) -> tuple[Meaning, ...]:
        """Return what each column asks for.

        Raises:
            KeyError: a column has unknown words.
        """
        return tuple(
            _one_of([words[each] for each in cell.split(" / ")])
            for words, cell in zip(COLUMNS, self.cells, strict=True)
            if cell != "any"
        )


_TOLD = {kind.__name__ for kind in (Create, Update, Delete, SetMetadata)}


def _one_of(meanings: Sequence[Meaning]) -> Meaning:
    if len(meanings) == 1:
        return meanings[0]
    return lambda case: any(meaning(case) for meaning in meanings)


def lines_of(page: str) -> list[Line]:
    """Return the lines of the table in `page`."""
    _, _, after = page.partition(HEADER + "\n")
    found = []
    for text in after.splitlines()[1:]:
        if not text.startswith("|"):
            break
        row, ledger, local, remote, action, _ = (cell.strip() for cell in text.split("|")[1:-1])
        found.append(Line(row, (ledger, local, remote), action))
    return found


def done(action: Action) -> Did:
    """Return what an action column calls `action`."""
    name = type(action).__name__
    return name, action.cause if isinstance(action, Create | Update | Delete | SetMetadata) else ""


# -- the comparison ------------------------------------------------------------------------------

Decided = Iterable[tuple[Case, Action]]


def faults(page: str, stories: Decided, everything: Decided) -> list[str]:
    """Return everything in which the table of `page` and the code differ.

    Args:
        page: the whole design.
        stories: the cases of the truth table in the tests, with what is expected of each.
        everything: every case there is, decided.
    """
    lines = lines_of(page)
    try:
        meanings = [line.meanings() for line in lines]
    except KeyError as unknown:
        return [f"the page says {unknown} in a column, which has no meaning here"]
    hits, hit = list(stories), defaultdict[int, set[Did]](set)
    found = [*_apart(lines), *_without_story(lines, {action.row for _, action in hits})]
    for case, action in (*hits, *everything):
        number = next((n for n, each in enumerate(meanings) if all(m(case) for m in each)), None)
        if number is None or lines[number].row != action.row:
            where = "no line" if number is None else lines[number].row
            return [*found, f"the page has {where} where the code has {action.row}: {case}"]
        if case.rejection is None or not isinstance(action, Hold):  # what was refused is held
            hit[number].add(done(action))
    return [*found, *_misnamed(lines, hit)]


def _apart(lines: Sequence[Line]) -> Iterator[str]:
    rows = [line.row for line in lines]
    for row in dict.fromkeys(rows):
        first = rows.index(row)
        if rows[first : first + rows.count(row)] != [row] * rows.count(row):
            yield f"the lines of {row} do not stand together"


def _without_story(lines: Sequence[Line], hit: AbstractSet[str]) -> Iterator[str]:
    rows = {line.row for line in lines}
    yield from (f"no story hits {row} of the page" for row in sorted(rows - hit))
    yield from (f"a story hits {row}, which is not on the page" for row in sorted(hit - rows))


def _misnamed(lines: Sequence[Line], hit: Mapping[int, AbstractSet[Did]]) -> Iterator[str]:
    for number, line in enumerate(lines):
        named, made = set(line.names()), hit.get(number, frozenset[Did]())
        for name, cause in sorted(made - named):
            yield f"{line.row} {line.cells}: the page does not name {name}({cause})"
        for name, cause in sorted(named - made):
            yield f"{line.row} {line.cells}: nothing gives {name}({cause})"


def rows_of(everything: Decided) -> list[set[str]]:
    """Return the rows that each function of `ROWS` is the first to answer with."""
    answered: list[set[str]] = [set() for _ in ROWS]
    for case, action in everything:
        first = next(n for n, row in enumerate(ROWS) if row(case) is not None)
        answered[first].add(action.row)
    return answered


def disorder(page: str, answered: Sequence[AbstractSet[str]]) -> list[str]:
    """Return where the functions of `ROWS` do not follow the order of the rows of `page`."""
    rows = dict.fromkeys(line.row for line in lines_of(page))
    places = {row: number for number, row in enumerate(rows)}
    numbers = [sorted(places[row] for row in each) for each in answered]
    return [
        f"{sorted(earlier)} before {sorted(later)}"
        for (earlier, before), (later, after) in pairwise(zip(answered, numbers, strict=True))
        if before[-1] > after[0]
    ]
