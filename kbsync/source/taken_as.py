"""What a mirror's texts are taken as: what its configuration names, or a guess that is sure.

A guess that is not sure is no knowledge. The other files of the folder may decide; then the file
is held, and the message names what may be meant and the key that says it.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence

from kbsync.config.encodings import AUTO
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.encoding import Chosen, Text, byte_order_mark, decodes
from kbsync.source.guess import Guess, guess
from kbsync.source.neighbours import Neighbours
from kbsync.source.unmarked import may_be, unmarked

SHOWN = 3


class TakenAs:
    """The choice of one mirror.

    Args:
        declared: the encodings it names, in turn; `auto` may be the last.
    """

    def __init__(self, declared: Sequence[str]) -> None:
        self.declared = ", ".join(declared)
        self._named = [name for name in declared if name != AUTO]
        self._auto = AUTO in declared
        self._neighbours = Neighbours()

    def choose(self, text: Text, folder: int, before: str | None) -> Chosen | None:
        """Return what `text` is taken as; None for UTF-8 in spite of its control characters.

        Args:
            text: of one file.
            folder: descriptor of its folder.
            before: what it was sent as, which decides where nothing else is sure.
        """
        if marked := byte_order_mark(text.head):
            return Chosen(marked)
        size = os.fstat(text.fd).st_size
        for name in self._named:
            if may_be(name, text.head, size, text.stray) and decodes(text.fd, name, text.head):
                return Chosen(name)
        found = unmarked(text.head, size)
        if text.stray < 0 and not found:
            return None
        if not self._auto:
            return Chosen("", says.NOT_IN_ENCODING(encoding=self.declared))
        return Chosen(found) if found else self._guessed(text, folder, before)

    def _guessed(self, text: Text, folder: int, before: str | None) -> Chosen:
        taken = guess(text.sample())
        if taken.rivals and before and _known(before) and decodes(text.fd, before, text.head):
            return Chosen(before)
        if taken.rivals:
            taken = self._neighbours.settle(taken, folder)
        if not taken.rivals:
            return Chosen(taken.encoding)
        return Chosen(taken.encoding, _unsure(taken))


def _unsure(taken: Guess) -> Notice:
    others = " or ".join(taken.rivals[:SHOWN])
    return says.ENCODING_UNSURE(encoding=taken.encoding, others=others)


def _known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True
