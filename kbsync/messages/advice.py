"""Advice: what to do next, in words and in commands that can be pasted into a shell.

A command is a template like the words around it, but each of its values becomes exactly one word of
a shell, whatever is in it. So ``verb("retry -- {path}")`` filled with ``x $(touch y).md`` is
``kbsync retry 'x $(touch y).md'``, with the `-c FILE` that this process was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum

from kbsync.lazy_dataclass import dataclass

Value = str | tuple[str, ...]
Values = Mapping[str, Value]

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# A word that starts with = names a program to zsh.
_BARE = re.compile(r"[\w@%+:,./-][\w@%+=:,./-]*", re.ASCII)


def printable(text: str) -> str:
    """Return `text` with every character that could steer a terminal or reorder a line escaped.

    File names and server replies are hostile input: control characters, bidirectional marks,
    lone surrogates and unassigned code points come out as ``\\xNN`` or ``\\uNNNN``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(ch) if _is_hidden(ch) else ch for ch in text)


def quoted(text: str) -> str:
    """Return `text` as one word of a shell that is safe to print.

    What a terminal must not see is written as octal bytes in ``$'…'``, as bash, zsh and
    POSIX.1-2024 read it. An older sh takes the word literally: as one word still, because a
    quotation mark is written as bytes, too.
    """
    if any(map(_is_hidden, text)):
        return f"$'{''.join(map(_in_bytes, text))}'"
    if _BARE.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _is_hidden(ch: str) -> bool:
    return unicodedata.category(ch) in _HIDDEN


def _visible(ch: str) -> str:
    point = ord(ch)
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def _in_bytes(ch: str) -> str:
    # A shell may look for its history behind a ! in there.
    if ch not in "'\\!" and not _is_hidden(ch):
        return ch
    # Other surrogates than those of undecodable bytes are in no name of a file.
    raw = ch.encode("utf-8", "surrogateescape" if 0xDC80 <= ord(ch) <= 0xDCFF else "replace")
    return "".join(f"\\{byte:03o}" for byte in raw)


@dataclass(frozen=True, slots=True)
class Invocation:
    """How this process was started, which is how the commands it prints have to start.

    Args:
        program: what is typed for ``kbsync``, in words of a shell.
        config: the configuration file that was named; None when it is the usual one.
        verb: the verb and the words behind it; none of them is a secret.
    """

    program: str = "kbsync"
    config: str | None = None
    verb: tuple[str, ...] = ("--help",)

    def __str__(self) -> str:
        return self.program if self.config is None else f"{self.program} -c {quoted(self.config)}"


_USUAL = Invocation()
INVOCATION = ContextVar("INVOCATION", default=_USUAL)


@contextmanager
def invoked(as_typed: Invocation) -> Iterator[None]:
    """Have commands printed meanwhile begin with `as_typed`."""
    before = INVOCATION.set(as_typed)
    try:
        yield
    finally:
        INVOCATION.reset(before)


class Program(Enum):
    """What the words of a command stand behind, as the page of messages has it."""

    KBSYNC = "kbsync "
    AGAIN = "kbsync … "
    OTHER = ""


@dataclass(frozen=True, slots=True)
class ShellLine:
    """A line for a shell: words between blanks, of which those with fields are quoted when filled.

    A word that is one field may be filled with several values. ``--`` is printed only where a word
    behind it begins with a dash.

    Args:
        template: the words, without those that `program` stands for.
        program: what they stand behind.
    """

    template: str
    program: Program

    def __str__(self) -> str:
        return f"{self.program.value}{self.template}".strip()

    def filled(self, values: Values) -> str:
        """Return the line, to be pasted as it is."""
        words = list(_words(self.template, values))
        if not any(word.lstrip("$'").startswith("-") for word in _behind_dashes(words)):
            words = [word for word in words if word != "--"]
        return " ".join(_behind(self.program, words))


def _behind(program: Program, words: list[str]) -> list[str]:
    invocation = INVOCATION.get()
    match program:
        case Program.OTHER:
            return words
        case Program.AGAIN:
            typed = list(map(quoted, invocation.verb))
            end = typed.index("--") if "--" in typed else len(typed)
            return [str(invocation), *typed[:end], *words, *typed[end:]]
        case Program.KBSYNC if words[0] == "-c":
            return [invocation.program, *words]
    return [str(invocation), *words]


def _words(template: str, values: Values) -> Iterator[str]:
    for word in template.split():
        several = values.get(word[1:-1])
        if isinstance(several, tuple):
            yield from map(quoted, several)
        elif "{" in word:
            yield quoted(word.format_map(values))
        else:
            yield word


def _behind_dashes(words: list[str]) -> list[str]:
    return words[words.index("--") + 1 :] if "--" in words else []


@dataclass(frozen=True, slots=True)
class Advice:
    """Words and commands, in the order they are read.

    Args:
        parts: `str.format` templates as words, and commands.
    """

    parts: tuple[str | ShellLine, ...] = ()

    def __add__(self, more: str | Advice) -> Advice:
        return Advice((*self.parts, *advice(more).parts))

    def __radd__(self, before: str) -> Advice:
        return Advice((before, *self.parts))

    def __bool__(self) -> bool:
        return any(self.parts)

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    def filled(self, values: Values) -> str:
        """Return it as one line, safe to print."""
        return "".join(
            part.filled(values) if isinstance(part, ShellLine) else prose(part, values)
            for part in self.parts
        )

    def line(self, **values: Value) -> str:
        """Return it as one line, filled with words of its own."""
        return self.filled(values)

    def commands(self, values: Values) -> tuple[str, ...]:
        """Return the commands alone, each to be pasted as it is."""
        return tuple(part.filled(values) for part in self.parts if isinstance(part, ShellLine))


def prose(template: str, values: Values) -> str:
    """Fill words in; every value is made safe to print."""
    return template.format_map({name: _shown(value) for name, value in values.items()})


def _shown(value: Value) -> str:
    return printable(value if isinstance(value, str) else ", ".join(value))


def advice(given: str | Advice) -> Advice:
    """Return words alone as advice, too."""
    return given if isinstance(given, Advice) else Advice((given,) if given else ())


def verb(template: str) -> Advice:
    """Return the command `kbsync TEMPLATE`, with the `-c FILE` of this process."""
    return Advice((ShellLine(template, Program.KBSYNC),))


def again(more: str = "") -> Advice:
    """Return the very command that was typed, with `more` behind its words."""
    return Advice((ShellLine(more, Program.AGAIN),))


def shell(template: str) -> Advice:
    """Return a command of another program."""
    return Advice((ShellLine(template, Program.OTHER),))
