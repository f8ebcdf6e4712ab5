"""One gitignore pattern as text: its bracket expressions, and what keeps it from matching.

A pattern that matches nothing leaves nothing out, and what it should have kept private would be
sent. git takes such a line in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ONE_OF = "gitignore knows no {a,b}: give each its own pattern, or write \\{ for a brace in a name"
_NO_COMMENT = "a comment needs a line of its own; write \\# for a # in a name"
_NO_PATH = "./, ../ and // match nothing: write the path from the folder of the pattern on"
_NO_SLASH = "a backslash separates no folders: write /"
_IN_QUOTES = "quotes belong to the name here: leave them out, or write \\ before them"
_BLANK_FIRST = "it begins with a blank: remove it, or write \\ before it"
_BLANK_LAST = "it ends with a blank that is no space: remove it"
_CUT_SHORT = "it ends with a \\ that belongs to nothing"
_CONTROL = "it has a control character, or line ends that are carriage returns"
_MARK_AMID = "it has a byte order mark in it"
_DAMAGED = "it has U+FFFD in it, which stands for a letter that was lost: save the file as UTF-8"
_NOT_SHOWN = "it has a character that is not shown: type the line anew, or write \\ before it"
_NAMES_SLASH = "∕ stands for / in the names of documents: write /, or \\ before it"
_ONE_A_LINE = "each pattern needs a line of its own; write \\ before a blank that begins a name"
_NO_SHELL = "~ and variables mean nothing here: write the path from the folder of the pattern on"
_NO_SIGNS = "- and + are no signs here: write the pattern alone, or \\ before it"
_NO_SYNTAX = "it is a line for another program: gitignore patterns are wanted"
_NOTHING = "it can match nothing"
_BRACKETS = "its [ is not closed, or names an unknown class"

# Characters that are not shown, without U+200C and U+200D: names in some scripts need these.
_HIDDEN = r"\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
# What a line has outside of brackets, and why it would match nothing that is meant.
_SIGNS = (
    (re.compile("\N{REPLACEMENT CHARACTER}"), _DAMAGED),
    (re.compile("\ufeff"), _MARK_AMID),
    # A folder's icon on a Mac is called Icon and a carriage return.
    (re.compile(r"[\x00-\x0c\x0e-\x1f\x7f]|\r(?!\r*\Z)"), _CONTROL),
    (re.compile(r"\A!?[^\S\r]"), _BLANK_FIRST),
    (re.compile(r"[^\S \r]\Z"), _BLANK_LAST),
    (re.compile(r"\A(?:[^\\]|\\.)*\\\Z"), _CUT_SHORT),
    (re.compile(r"(?<!\\)\\[0-9A-Za-z]"), _NO_SLASH),
    (re.compile(r"\s#(?:\s|\Z)|/\s+#"), _NO_COMMENT),
    (re.compile(r"""\A!?(["']).*\1\Z"""), _IN_QUOTES),
    (re.compile(r"(?<!\\)\{[^{}]*,[^{}]*\}"), _ONE_OF),
    (re.compile(r"(?:\A|/)\.\.?(?:/|\Z)|//"), _NO_PATH),
    (re.compile(rf"(?<!\\)[{_HIDDEN}]"), _NOT_SHOWN),
    (re.compile(r"(?<!\\)∕"), _NAMES_SLASH),
    (re.compile(r"/[,;]?\s+\S"), _ONE_A_LINE),
    (re.compile(r"\A(?:~|\$[A-Z_]+|\$\{\w+\}|%\w+%)/"), _NO_SHELL),
    (re.compile(r"\A[-+] \S"), _NO_SIGNS),
    (re.compile(r"\Asyntax:\s*\w|\A(?:regexp|relre|relglob|rootglob|glob):\S"), _NO_SYNTAX),
    (re.compile(r"\A/?\Z"), _NOTHING),
)
# In the name of a file: what cannot be in a pattern, and what needs an escape there.
_NEVER = re.compile(r"[\x00-\x1f\x7f\ufeff\ufffd]|[^\S ](?=\s*\Z)")
_SPECIAL = re.compile(rf"""[\\?*\[\]{{}}!#"'∕{_HIDDEN}]|(?<![^/])[\s,;]|\s\Z""")
# Brackets that hold nothing but a slash, which no name has.
_MATCHING_NONE = frozenset({"(?!)", "(?:(?!/)[/])"})
_TRAILING_BLANKS = re.compile(r"(?<!\\)((?:\\\\)*) +$")


def without_trailing_blanks(line: str) -> str:
    """Return `line` without the spaces at its end that git does not count."""
    return _TRAILING_BLANKS.sub(r"\1", line)


def says_nothing(line: str) -> bool:
    """Whether a line of an ignore file is blank or a comment."""
    return not line.strip() or line.startswith("#")


def fault_of(line: str) -> str | None:
    """Return why the pattern `line` cannot match what is meant, None where nothing is wrong."""
    try:
        plain, sets = extract_sets(without_trailing_blanks(line))
    except ValueError:
        return _CUT_SHORT if line.endswith("\\") else _BRACKETS
    if not _MATCHING_NONE.isdisjoint(sets.values()):
        return _NOTHING
    found = (why for sign, why in _SIGNS if sign.search(plain.removeprefix("!")))
    return next(found, None)


def pattern_of(path: str) -> str:
    """Return the pattern of one path below the folder of the pattern, and of what is below that."""
    # A character that cannot stand in a pattern is written as `?`, which matches any one.
    return "/" + "?".join(_SPECIAL.sub(r"\\\g<0>", each) for each in _NEVER.split(path))


def begins_at(line: str, root: str) -> bool:
    """Whether the pattern `line` begins at the top of the disk, with the path of the source.

    Args:
        line: a pattern.
        root: the absolute path of the source; what is below it is named without it.
    """
    named = line.removeprefix("!")
    return root != "/" and (named == root or named.startswith(f"{root}/"))


# -- Bracket expressions as git reads them


_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\v\f\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_ESCAPE_OR_OPENING = re.compile(r"\\.|\[", re.DOTALL)
_CLASS = re.compile(r"\[:([^\]]*):\]")
# Noncharacters: no file name and no ignore file has a use for them.
_FIRST_STAND_IN = 0xFDD0


def extract_sets(line: str) -> tuple[str, dict[str, str]]:
    """Replace each bracket expression by one character.

    Returns:
        The line without them, and the regular expression each character stands for.

    Raises:
        ValueError: the line can never match: an expression is not closed, or names an unknown
            class.
    """
    kept: list[str] = []
    sets: dict[str, str] = {}
    at = 0
    while opening := _ESCAPE_OR_OPENING.search(line, at):
        kept.append(line[at : opening.start()])
        at = opening.end()
        if opening[0] != "[":
            kept.append(opening[0])
            continue
        source, at = _set(line, at)
        stand_in = chr(_FIRST_STAND_IN + len(sets))
        if len(sets) == 32 or stand_in in line:
            raise ValueError(line)
        sets[stand_in] = source
        kept.append(stand_in)
    return "".join((*kept, line[at:])), sets


def restore_sets(source: str, sets: dict[str, str]) -> str:
    """Replace the characters that `extract_sets` left by what they stand for."""
    for stand_in, expression in sets.items():
        source = source.replace(stand_in, expression)
    return source


def _set(line: str, at: int) -> tuple[str, int]:
    """Read the expression whose content begins at `at`; return its regex and where it ends."""
    negated = line[at : at + 1] in ("!", "^")
    members: list[str] = []
    end = at + negated
    for member, following in _members(line, at + negated):
        members.append(member)
        end = following
    content = "".join(members)
    if negated:
        return f"[^/{content}]", end + 1
    return f"(?:(?!/)[{content}])" if content else "(?!)", end + 1


def _members(line: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield each member as `re` writes it, and where it ends; stop at the closing ``]``."""
    first = at
    while at == first or line[at : at + 1] != "]":
        if found := _CLASS.match(line, at):
            if found[1] not in _CLASSES:
                raise ValueError(line)
            at = found.end()
            yield _CLASSES[found[1]], at
            continue
        low, at = _character(line, at)
        if line[at : at + 1] == "-" and line[at + 1 : at + 2] not in ("", "]"):
            high, at = _character(line, at + 1)
            yield f"{re.escape(low)}-{re.escape(high)}" if low <= high else re.escape(low), at
        else:
            yield re.escape(low), at


def _character(line: str, at: int) -> tuple[str, int]:
    at += line[at : at + 1] == "\\"
    if at >= len(line):
        raise ValueError(line)
    return line[at], at + 1
