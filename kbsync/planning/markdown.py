"""A plan as Markdown, for the summary of a CI job. Names of files are hostile: none is markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from kbsync.messages import Notice, printable
from kbsync.model import Action, Halted
from kbsync.planning.plan import Plan, name_of
from kbsync.planning.plan_text import WORDS, line_of, price, setting_line, summary

MOST = 500
"""Actions that are shown: a summary may have 1 MiB, and a longer list is not read."""


def as_markdown(
    plan: Plan,
    *,
    failed: Sequence[tuple[str, Notice]] = (),
    notes: Sequence[Notice] = (),
    most: int = MOST,
) -> Iterator[str]:
    """Yield the lines of a summary.

    Args:
        plan: what to show.
        failed: mirrors that could not be planned, each with the reason.
        notes: what the server cannot take, or would lose.
        most: how many actions are shown; the rest are counted.
    """
    yield "### kbsync plan\n"
    for mirror, why in failed:
        yield f"- **not compared**: mirror {_plain(mirror)}: {_plain(str(why))}"
    for halted in plan.halts:
        yield from _halted(halted)
    for line in (summary(plan, len(failed)), *price(plan)):
        yield f"\n{_plain(line)}\n"
    for change in plan.base:
        yield f"- {_plain(setting_line(change))}"
    yield from _actions(plan.actions, most)
    for note in notes:
        yield f"- note: {_plain(str(note))}"


def _halted(halted: Halted) -> Iterator[str]:
    for why in halted.why:
        yield f"- **held back** by the guard: {_plain(str(why))}"
    yield f"  - next: {_plain(halted.why[-1].next)}"


def _actions(actions: Sequence[Action], most: int) -> Iterator[str]:
    counted = Counter(map(name_of, actions))
    shown = sorted(actions[:most], key=name_of)
    for name, group in groupby(shown, key=name_of):
        yield f"<details><summary>{counted[name]} {_plain(WORDS[name].sum)}</summary>\n"
        for action in group:
            yield f"- {_plain(line_of(action))}"
        yield "\n</details>\n"
    if len(actions) > most:
        yield f"{len(actions) - most} more; `kbsync plan --json` has each."


def _plain(text: str) -> str:
    """Return text with every character that Markdown or HTML could read as an entity of it."""
    return re.sub(r"[^\w\s/,;]|_", lambda found: f"&#{ord(found[0])};", printable(text))
