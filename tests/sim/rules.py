"""What can happen: in the folder, at the server, to the ledger, to the clock.

A rule that has nothing to work on does nothing.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from kbsync.model import EntryState
from tests.model.dated_folder import DatedFolder
from tests.model.folder import EMPTY, GONE, MOUNTED
from tests.model.knowledge_base import NEVER_READY
from tests.model.stored_document import Document

if TYPE_CHECKING:
    from .history import History

Rule = Callable[["History", random.Random], Awaitable[None] | None]

PATHS = ["a.md", "b.md", "c.txt", "d/a.md", "d/b.md", "d/e/c.md", "x%y.md"]
FOLDERS = ["d/", "d/e/"]
CONTENTS = [f"text {number}".encode() for number in range(7)] + [b"a longer text, once"]
FOREIGN = ["hand.md", "notes.txt"]


def begin(history: History) -> None:
    """Draw what stands there before kbsync is started for the first time."""
    chance = history.chance
    for folder in history.folders.values():
        for path in PATHS:
            if chance.random() < 0.5:
                folder.write(path, chance.choice(CONTENTS))
    if chance.random() < 0.5:
        history.server.make_base("Docs")
        for name in FOREIGN:
            if chance.random() < 0.5:
                _by_hand(history, name, b"mine")
        if chance.random() < 0.04:
            for number in range(105):
                _by_hand(history, f"crowd {number}.md", b"mine")


# -- the folder ----------------------------------------------------------------------------------


def _folder(history: History, chance: random.Random) -> DatedFolder:
    return history.folders[chance.choice(sorted(history.folders))]


def _some(folder: DatedFolder, chance: random.Random) -> str | None:
    return chance.choice(sorted(folder.files)) if folder.files else None


def write(history: History, chance: random.Random) -> None:
    _folder(history, chance).write(chance.choice(PATHS), chance.choice(CONTENTS))


def edit(history: History, chance: random.Random) -> None:
    folder = _folder(history, chance)
    if path := _some(folder, chance):
        folder.edit(path, chance.choice(CONTENTS))


def truncate(history: History, chance: random.Random) -> None:
    folder = _folder(history, chance)
    if path := _some(folder, chance):
        folder.edit(path, b"")


def delete(history: History, chance: random.Random) -> None:
    folder = _folder(history, chance)
    for _ in range(chance.choice([1, 1, 2, 5])):
        if path := _some(folder, chance):
            del folder.files[path]


def rename(history: History, chance: random.Random) -> None:
    folder = _folder(history, chance)
    if path := _some(folder, chance):
        folder.files[chance.choice(PATHS)] = folder.files.pop(path)


def swap(history: History, chance: random.Random) -> None:
    folder = _folder(history, chance)
    if len(folder.files) > 1:
        one, other = chance.sample(sorted(folder.files), 2)
        files = folder.files
        files[one], files[other] = files[other], files[one]


def chmod(history: History, chance: random.Random) -> None:
    """A file or a folder cannot be read, or can again."""
    folder = _folder(history, chance)
    if chance.random() < 0.5:
        folder.locked ^= {chance.choice(FOLDERS)}
    elif path := _some(folder, chance):
        folder.files[path].unreadable = not folder.files[path].unreadable


def mount(history: History, chance: random.Random) -> None:
    """The root goes away, leaving nothing or an empty folder, or comes back."""
    folder = _folder(history, chance)
    folder.mount = chance.choice([EMPTY, GONE]) if folder.mount == MOUNTED else MOUNTED


def filters(history: History, chance: random.Random) -> None:
    _folder(history, chance).excluded ^= {chance.choice(PATHS)}


# -- the server ----------------------------------------------------------------------------------


def _document(history: History, chance: random.Random) -> Document | None:
    documents = sorted(history.server.documents)
    return history.server.documents[chance.choice(documents)] if documents else None


def _by_hand(history: History, name: str, content: bytes) -> Document:
    server = history.server
    history.made_by_hand += 1
    document = Document(
        id=f"hand-{history.made_by_hand}", name=name, by_hand=True, made_at=server.now()
    )
    document.claimable = history.busy or history.pending(name)
    server.documents[document.id] = document
    server.put(document, name, content, "by hand")
    document.ready_at, document.fate = 0.0, "fine"
    return document


def edit_chunk(history: History, chance: random.Random) -> None:
    if document := _document(history, chance):
        document.edit(chance.randint(1, 9))
        key = history.holder(document)
        entry = None if key is None else history.store.entry(key)
        seen = (document.rev, EntryState.SYNCED)
        document.unseen |= entry is None or (entry.rev, entry.state) != seen
        history.tampered[document.id] += 1


def delete_there(history: History, chance: random.Random) -> None:
    document = _document(history, chance)
    if document is not None and not document.archived:
        history.watcher.deleted_there(document)
        del history.server.documents[document.id]


def disable(history: History, chance: random.Random) -> None:
    document = _document(history, chance)
    if document is not None and document.ready_at <= history.server.now():
        document.enabled = not document.enabled
        document.put_away = not document.enabled
        if document.enabled:
            history.trash.taken_out.add(document.id)
        else:
            history.trash.taken_out.discard(document.id)


def archive(history: History, chance: random.Random) -> None:
    if document := _document(history, chance):
        document.archived = not document.archived


def duplicate(history: History, chance: random.Random) -> None:
    """Another document of the same name is made by hand, metadata copied along."""
    if document := _document(history, chance):
        twin = _by_hand(history, document.name, document.content)
        twin.metadata = dict(document.metadata)


def namesake(history: History, chance: random.Random) -> None:
    """A document is made by hand that bears the name of one of our paths."""
    if history.server.base_id is not None:
        name = chance.choice(PATHS).replace("/", "\u2215").replace("%", "%25")
        _by_hand(history, name, b"made by hand")


def copy_metadata(history: History, chance: random.Random) -> None:
    one, other = _document(history, chance), _document(history, chance)
    if one is not None and other is not None and one is not other:
        other.metadata = dict(one.metadata)
        history.unmarked.add(other.id)


def delete_metadata(history: History, chance: random.Random) -> None:
    """Of one document, or a whole field with all its values."""
    if chance.random() < 0.5:
        if document := _document(history, chance):
            document.metadata = {}
            history.unmarked.add(document.id)
    elif history.server.fields:
        name = chance.choice(sorted(history.server.fields))
        del history.server.fields[name]
        for each in history.server.documents.values():
            each.metadata.pop(name, None)
        history.unmarked |= history.server.documents.keys()


def rename_metadata(history: History, chance: random.Random) -> None:
    if history.server.fields:
        name = chance.choice(sorted(history.server.fields))
        history.server.fields[name + "-old"] = history.server.fields.pop(name)
        for each in history.server.documents.values():
            if name in each.metadata:
                each.metadata[name + "-old"] = each.metadata.pop(name)
        history.unmarked |= history.server.documents.keys()


def heal(history: History, chance: random.Random) -> None:
    """The worker comes back: what hung is indexed."""
    for document in history.server.documents.values():
        if document.ready_at == NEVER_READY and not document.task_lost:
            document.fate = "fine"
            history.server.go_on(document, 1.0)


def delete_base(history: History, chance: random.Random) -> None:
    if chance.random() < 0.2:
        history.server.documents.clear()
        history.server.fields.clear()
        history.server.base_id = None


def refuse(history: History, chance: random.Random) -> None:
    history.server.refused ^= {chance.choice(CONTENTS)}


# -- the ledger, the settings, the clock ---------------------------------------------------------


def lose_ledger(history: History, chance: random.Random) -> None:
    history.own.lose()
    history.taken_over |= history.server.late > 0  # a mark of its ledger may be under way
    history.forget()


def keep_copy(history: History, chance: random.Random) -> None:
    history.own.keep_copy()


def roll_back(history: History, chance: random.Random) -> None:
    if history.own.roll_back():
        history.taken_over |= history.forgot  # by the ledger that was made anew in between
        history.forget()


def change_settings(history: History, chance: random.Random) -> None:
    history.settings = chance.choice(["settings-1", "settings-2"])


def clock_jumps(history: History, chance: random.Random) -> None:
    """Ahead or back. What is late lands first: its duration could not be measured any more."""
    history.server.land(float("inf"))
    history.wall_ahead += chance.choice([-86_400, -3600, -60, 60, 3600, 86_400])
    history.jumped_at = history.time()
    history.furthest_ahead = max(history.furthest_ahead, history.wall_ahead)


async def rest(history: History, chance: random.Random) -> None:
    await anyio.sleep(chance.choice([1, 60, 1000, 4000, 90_000]))


WORLD: tuple[Rule, ...] = (
    *(write, edit, truncate, delete, rename, swap, chmod, mount, filters),
    *(edit_chunk, delete_there, disable, archive, duplicate, namesake),
    *(copy_metadata, delete_metadata, rename_metadata, heal, delete_base, refuse),
    *(lose_ledger, keep_copy, roll_back, change_settings, clock_jumps, rest),
)
MEANWHILE = (
    *(write, edit, delete, rename, swap, truncate, mount),
    *(edit_chunk, delete_there, namesake),
)


def meddle(history: History, chance: random.Random) -> None:
    """Something happens while kbsync runs."""
    rule = chance.choice(MEANWHILE)
    history.note(f"meanwhile {rule.__name__}")
    history.met["meanwhile"] += 1
    rule(history, chance)
    history.noticed()
