"""Printed messages → their codes and the words filled in.

What a message says stands in docs/messages.md, and is asserted there alone. Every other text that
tests compare is passed through here first, so that better words change one file.
"""

from __future__ import annotations

import re
from functools import cache
from string import Formatter

from kbsync.messages import Message, catalogue
from kbsync.messages.advice import quoted

CODED = re.compile(r"(?P<before>.*) \[(?P<code>KB-[A-Z]\d{3})\](?P<after>.*)")
# Less text than this also stands where it is no message.
LITERAL = 12


def coded(text: str) -> str:
    """Return `text` with ``KB-E005 (path: a.md)`` for each message that ends with its code.

    A line that says what to type next is ``next`` where it is that message's own, with the words
    that its first line has not.
    """
    lines: list[str] = []
    last: tuple[Message, dict[str, str]] | None = None
    for line in text.split("\n"):
        if last and (own := _own_next(line, *last)) is not None:
            lines.append(own)
            continue
        found = CODED.fullmatch(line)
        message = catalogue().get(found["code"]) if found else None
        if found is None or message is None:
            lines.append(line)
            continue
        before, words = _split(message, found["before"])
        last = message, words
        lines.append(f"{before}{_shown(message, words)}{found['after']}")
    return "\n".join(lines)


def coded_values(value: object) -> object:
    """Return JSON with every text that is a message's as its code and words."""
    if isinstance(value, dict):
        return {key: coded_values(each) for key, each in value.items()}
    if isinstance(value, list):
        return [coded_values(each) for each in value]
    return _recognised(value) if isinstance(value, str) else value


def _split(message: Message, text: str) -> tuple[str, dict[str, str]]:
    found = re.fullmatch(f"(?P<_before>(?:kbsync: |[a-z]+: )?.*?){_pattern(message.text)}", text)
    assert found is not None, f"not the words of {message.code}: {text}"
    words = found.groupdict()
    return words.pop("_before"), words


def _own_next(line: str, message: Message, words: dict[str, str]) -> str | None:
    found = re.fullmatch(f"(?P<_before> *next): {_following(message)}", line)
    if found is None:
        return None
    filled = found.groupdict()
    before = filled.pop("_before")
    meant = {name: (word, quoted(word)) for name, word in words.items()}
    if any(word not in meant.get(name, (word,)) for name, word in filled.items()):
        return None
    more = {name: word for name, word in filled.items() if name not in words}
    return before + _inside(more)


def _shown(message: Message, words: dict[str, str]) -> str:
    return message.code + _inside(words)


def _inside(words: dict[str, str]) -> str:
    pairs = (f"{name}: {_recognised(word)}" for name, word in sorted(words.items()))
    return f" ({', '.join(pairs)})" if words else ""


def _recognised(text: str) -> str:
    if CODED.fullmatch(text):
        return coded(text)
    fitting = [(size, message) for size, message, whole in _long() if whole.fullmatch(text)]
    if not fitting:
        return text
    _, message = max(fitting, key=lambda each: each[0])
    return _shown(message, _split(message, text)[1])


@cache
def _long() -> list[tuple[int, Message, re.Pattern[str]]]:
    """Return the messages that are known by their text alone, each with the size of that text."""
    sized = ((len(_literal(message)), message) for message in catalogue().values())
    # `re` itself keeps fewer patterns than there are messages.
    return [
        (size, each, re.compile(_pattern(each.text))) for size, each in sized if size >= LITERAL
    ]


@cache
def _pattern(template: str) -> str:
    seen: set[str] = set()
    parts = []
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    return "".join(parts)


def _following(message: Message) -> str:
    """Return a pattern of the advice, whatever its commands begin with."""
    pattern = _pattern(str(message.advice)).replace(r"\ \-\-\ ", r"\ (?:--\ )?")
    return re.sub(r"kbsync\\ (?!\\-c)", r"kbsync\\ (?:-c\\ \\S+\\ )?", pattern)


def _literal(message: Message) -> str:
    return "".join(literal for literal, _, _, _ in Formatter().parse(message.text))
