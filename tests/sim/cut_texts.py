"""Texts that are cut here, and the strategy that writes the chunks that changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from kbsync.model.document_rule import CHUNK_SEPARATOR

from . import rules

if TYPE_CHECKING:
    from .history import History

SEPARATOR = CHUNK_SEPARATOR.encode()
WORDS = [f"chunk {number}".encode() for number in range(6)]


def cut_texts(history: History, chance: random.Random) -> None:
    """Documents are updated chunk by chunk from now on, or as a whole again."""
    history.cuts = chance.random() < 0.8


def write_cut(history: History, chance: random.Random) -> None:
    """A file is written that is sent cut; of equal chunks there may be several."""
    folder = rules._folder(history, chance)
    chunks = chance.choices(WORDS, k=chance.randint(1, 9))
    folder.write(chance.choice(rules.PATHS), joined(chunks))


def edit_cut(history: History, chance: random.Random) -> None:
    """A chunk of such a file is changed, taken out, or put in."""
    folder = rules._folder(history, chance)
    cut = sorted(path for path, file in folder.files.items() if SEPARATOR in file.content)
    if not cut:
        return
    path = chance.choice(cut)
    chunks = folder.files[path].content.split(SEPARATOR)[:-1]
    place = chance.randrange(len(chunks))
    size = chance.choice([0, 1, 1, 2])
    chunks[place : place + 1] = chance.choices(WORDS, k=size)
    if chunks:
        folder.edit(path, joined(chunks))


def joined(chunks: list[bytes]) -> bytes:
    return b"".join(chunk + SEPARATOR for chunk in chunks)
