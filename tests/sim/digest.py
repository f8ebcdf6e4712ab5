"""One sha256 over many traces: the same before and after a change that changes no behaviour.

Notices are reduced to their codes, so that their words may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

CODE = re.compile(r"KB-[A-Z]\d{3}")
GUARD = re.compile(r" (?:Allowed|Halted)\(.*")
ENUM = re.compile(r"<\w+\.\w+: ([^>]*)>")
# How indexing ended is said in words, without a code.
INDEXED = re.compile(r"(\S+ \S+ index) .*?(indexed|failed)$")
# A line that carries a notice begins with its time and "problem", "docs is halted" or "a.md hold".
BEFORE_NOTICE = re.compile(r"\S+ (?:problem\b|\S+ is \S+|\S+ \S+)")


def reduced(line: str) -> str:
    """Return `line` with the notices in it reduced to their codes."""
    line = INDEXED.sub(r"\1 \2", ENUM.sub(r"\1", GUARD.sub("", line)))
    codes = sorted(set(CODE.findall(line)))
    found = BEFORE_NOTICE.match(line)
    return " ".join([found.group(), *codes]) if codes and found else line


def digest_of(trace: Iterable[str]) -> str:
    """Return the digest of one trace, in hexadecimal digits."""
    text = "\n".join(map(reduced, trace))
    return sha256(text.encode(errors="backslashreplace")).hexdigest()


def combined(digests: Mapping[int, str]) -> str:
    """Return one digest of the `digests` of some seeds, in whatever order they were played."""
    return sha256("\n".join(f"{n} {digests[n]}" for n in sorted(digests)).encode()).hexdigest()
