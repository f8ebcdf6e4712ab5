"""What tries kbsync's word: things that look like nothing happened, or like something that did not.

Each kind is off until a program takes it up. What happens by itself is drawn from a chance of its
own, so that a program without trials plays as it did before there were any.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsync.messages import remote as say
from kbsync.model import Ambiguous, Capability, EntryState, Readiness, Withheld

from . import rules
from .cut_texts import cut_texts, edit_cut, write_cut
from .declared_base import change_base_there, declare_base
from .declared_values import (
    break_said,
    change_value_there,
    declare_values,
    describe,
    head,
)
from .rules import CONTENTS, PATHS, Rule
from .trash_judge import TITLE

if TYPE_CHECKING:
    from tests.model.dated_folder import DatedFolder

    from .history import History

# How often something of a trial comes along when something else happens while kbsync runs.
OFTEN = 0.4
ALIKE = CONTENTS[:7]
REFUSALS = [
    Withheld(say.QUOTA(what="create", words="the limit of your subscription")),
    Withheld(say.MODEL_AWAY(what="create", words="no model"), updates=True),
    Ambiguous(say.SERVER_FAULT(what="create", status=503, words="maintenance"), withheld=True),
]
BASE_CODES = {each.why.code for each in REFUSALS}
# How many uploads may try before it is known, and how many more to see whether it ended.
AT_ONCE, PROBES = 4, 6
POINTS = ["d", "d/e"]


# -- mounts below the root -----------------------------------------------------------------------


def mount_below(history: History, chance: random.Random) -> None:
    """A folder is on a disk of its own, which goes, comes back, or gives way to an empty one."""
    folder = rules._folder(history, chance)
    point, there = chance.choice(POINTS), chance.random() < 0.5
    if folder.nested.get(point) and not there:
        folder.nested[point] = False
        folder.strange ^= {point} if chance.random() < 0.3 else set()
    elif point in folder.nested and there and chance.random() < 0.1:
        del folder.nested[point]  # what was on the disk stands in the folder now
        folder.strange.discard(point)
    else:
        folder.nested[point] = True
        folder.strange.discard(point)


@dataclass(frozen=True, slots=True)
class Refused:
    """When a base began to take nothing, and how much had been done by then."""

    at: float
    passes: int
    deleted: int


def _another(history: History, chance: random.Random) -> tuple[DatedFolder, str, bytes] | None:
    """Return a file and another content of its size."""
    folder = rules._folder(history, chance)
    path = rules._some(folder, chance)
    if path is None:
        return None
    now = folder.files[path].content
    alike = [each for each in CONTENTS if len(each) == len(now) and each != now]
    return (folder, path, chance.choice(alike)) if alike else None


# -- stats that lie ------------------------------------------------------------------------------


def put_back(history: History, chance: random.Random) -> None:
    """A file is written to, and its modification time is put back."""
    if found := _another(history, chance):
        folder, path, content = found
        folder.put_back(path, content)


def replace_alike(history: History, chance: random.Random) -> None:
    """Another file of the same size, time and inode stands there."""
    if found := _another(history, chance):
        folder, path, content = found
        folder.replace_alike(path, content)


def touch(history: History, chance: random.Random) -> None:
    """Files get other permissions, or a link more: nothing that concerns kbsync."""
    folder = rules._folder(history, chance)
    for path in sorted(folder.files):
        if chance.random() < 0.5:
            folder.touch(path)


def restore(history: History, chance: random.Random) -> None:
    """A copy of the folder is made, or put back with the times it had."""
    folder = rules._folder(history, chance)
    (folder.keep_copy if folder.copy is None else folder.restore)()


def coarse(history: History, chance: random.Random) -> None:
    """Times are kept in ticks of two seconds from now on, or exactly again."""
    folder = rules._folder(history, chance)
    folder.coarse = not folder.coarse


def write_amid(history: History, chance: random.Random) -> None:
    """A file is edited, and twice more in the moment it is read."""
    folder = rules._folder(history, chance)
    if path := rules._some(folder, chance):
        one, *two = chance.sample(ALIKE, 3)
        folder.edit(path, one)
        (folder.amid if chance.random() < 0.5 else folder.amid_hash)[path] = (two[0], two[1])


def hide(history: History, chance: random.Random) -> None:
    """A content changes, and nothing tells: only who reads it knows."""
    if found := _another(history, chance):
        folder, path, content = found
        folder.hide(path, content)
        history.hidden = True


def link(history: History, chance: random.Random) -> None:
    """A file gets another name: what is written to one is written to both."""
    folder = rules._folder(history, chance)
    if path := rules._some(folder, chance):
        folder.link(path, chance.choice(PATHS))


# -- documents that are completed and not found --------------------------------------------------


def race(history: History, chance: random.Random) -> None:
    """Tasks of the base write over each other's keywords from now on, as versions from 1.16 do."""
    server = history.server
    if Capability.KEEPS_KEYWORDS not in server.able and server.able.version is not None:
        server.keywords.settle(server.now())
        server.searched = server.keywords.races = True
        history.one_at_a_time = chance.random() < 0.4


# -- queues that lose tasks ----------------------------------------------------------------------


def lose_tasks(history: History, chance: random.Random) -> None:
    """The queue is lost with all that is in it, or the worker with all that it works on."""
    stage = chance.choice([Readiness.WAITING, Readiness.WAITING, Readiness.INDEXING])
    lost = history.server.lose_tasks(stage)
    history.met["tasks lost"] += len(lost)
    history.note(f"tasks lost: {lost}")


def stop_worker(history: History, chance: random.Random) -> None:
    """The worker stops, so that all waits, or runs again."""
    server = history.server
    if server.worker_runs:
        server.worker_runs = False
    else:
        server.start_worker()


# -- refusals of a whole base --------------------------------------------------------------------


def withhold(history: History, chance: random.Random) -> None:
    """The base takes nothing, whatever is sent, or takes everything again."""
    if history.refused_since is not None:
        end_refusals(history)
        return
    history.refused_since = Refused(history.time(), history.passes, history.server.deleted)
    history.server.withheld = chance.choice(REFUSALS)


def end_refusals(history: History) -> None:
    """The base takes everything again: until then few uploads tried it."""
    server, since = history.server, history.refused_since
    if since is not None:
        hours = (history.time() - since.at) / 3600.0
        passes = 1 + history.passes - since.passes
        most = len(history.mirrors) * (AT_ONCE + PROBES + 2 * passes + hours)
        most += server.deleted - since.deleted
        if server.turned_away > most:
            history.watcher.fault("futile", f"{server.turned_away} uploads in {hours:.1f} hours")
    history.refused_since, server.withheld, server.turned_away = None, None, 0


# -- the trash, and documents that are replaced ---------------------------------------------------


def declare_trash(history: History, chance: random.Random) -> None:
    """Documents of deleted files are kept for a while from now on, or are not."""
    history.on_delete = chance.choice(["disable", "disable", "keep", "delete"])
    history.trash_for = chance.choice([None, 100.0, 5000.0])


def take_out(history: History, chance: random.Random) -> None:
    """An operator enables a document in the trash, or edits it there."""
    trashed = [
        each
        for name in history.mirrors
        for each in history.store.entries(name, states=[EntryState.TRASHED])
        if each.document_id in history.server.documents
    ]
    if trashed:
        document = history.server.documents[chance.choice(trashed).document_id]
        if chance.random() < 0.5:
            document.enabled, document.put_away = True, False
            history.trash.taken_out.add(document.id)
        else:
            document.edit(1)
            history.tampered[document.id] += 1
            history.trash.edited.add(document.id)


def empty_trash(history: History, chance: random.Random) -> None:
    """Passes empty the trash from now on, or do not."""
    del chance
    history.empties = not history.empties


def declare_swap(history: History, chance: random.Random) -> None:
    """Updates are sent beside what they replace from now on, or are not."""
    del chance
    history.swap = not history.swap


def title(history: History, chance: random.Random) -> None:
    """A document gets a title by hand, in a field that is no one else's."""
    document = rules._document(history, chance)
    if document is not None and Capability.METADATA in history.server.able:
        if TITLE not in history.server.fields:
            history.server.make_field(history.server.base_id or "", TITLE)
        document.metadata = {**document.metadata, TITLE: "by hand"}
        history.trash.titled.setdefault(document.id, history.time())


KINDS: dict[str, tuple[Rule, ...]] = {
    "stats": (put_back, put_back, replace_alike, restore, touch),
    "ticks": (coarse, write_amid, write_amid),
    "hidden": (hide,),
    "links": (link, rules.edit),
    "race": (race, rules.write, rules.edit),
    "queue": (lose_tasks, lose_tasks, stop_worker, rules.write, rules.edit),
    "base": (withhold, withhold, rules.write, rules.delete),
    "mounts": (mount_below, mount_below, rules.delete),
    "chunks": (cut_texts, write_cut, write_cut, edit_cut, edit_cut, edit_cut, rules.edit_chunk),
    "settings": (declare_base, declare_base, change_base_there),
    "trash": (declare_trash, declare_trash, rules.delete, rules.write, empty_trash, take_out),
    "swap": (declare_swap, title, title, rules.edit, rules.rest),
    "values": (
        *(declare_values, declare_values, describe, describe, head, head),
        *(break_said, change_value_there, rules.disable),
    ),
}
ALL: tuple[Rule, ...] = tuple(
    dict.fromkeys(rule for group in KINDS.values() for rule in group if rule not in rules.WORLD)
)


def meanwhile(history: History) -> None:
    """While kbsync runs, a trial that was taken up goes on."""
    if history.taken_up and history.word.random() < OFTEN:
        rule = history.word.choice(history.taken_up)
        history.note(f"meanwhile {rule.__name__}")
        rule(history, history.word)


def end(history: History) -> None:
    """What comes and goes is there in the end."""
    for folder in history.folders.values():
        folder.nested = dict.fromkeys(folder.nested, True)
        folder.strange.clear()
    history.server.start_worker()
    history.empties = False
    end_refusals(history)
