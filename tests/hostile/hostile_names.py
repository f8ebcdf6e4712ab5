"""File names chosen to do harm, or that merely look alike."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

# Each is one file below the source; bytes, because not every name is text.
MIRRORED: dict[str, bytes] = {
    name: spelled.encode()
    for name, spelled in {
        "newline": "two\nlines.md",
        "forged line": "x\n+ forged.md",
        "forged log": "x\n{'event': 'forged'}.md",
        "carriage return": "over\rwritten.md",
        "tab": "a\tb.md",
        "colours": "\x1b[31mred\x1b[0m.md",
        "clear screen": "\x1b[2J\x1b[H.md",
        "window title": "\x1b]0;owned\x07.md",
        "hyperlink": "\x1b]8;;http:⧸⧸evil\x1b\\click\x1b]8;;\x1b\\.md",
        "eight-bit sequence": "\x9b31m\x9d0;owned\x9c.md",
        "bells and backspaces": "safe.md\x08\x08\x08\x07.md",
        "controls": "\x01\x02\x7f.md",
        "like a NUL": "a%00b\\0\u2400.md",
        "markup": "<img src=x onerror=alert(1)>.md",
        "table markup": "[red]bold[!] [link=x].md",
        "double quotes": 'say "hi" and %22.md',
        "double primes": "say ″hi″.md",
        "quotes": "'; DROP TABLE entries;--.md",
        "shell": "$(reboot) `id` ${DIFY_API_KEY} $DIFY_API_KEY.md",
        "templates": "{name} {0.__class__} %s %n %(x)s {{.md",
        "address": "a?b=c&d#e+f g;h@i:80.md",
        "climbing slashes": "..∕..∕etc∕passwd.md",
        "climbing escapes": "..%2f..%2e%2e%2Fpasswd.md",
        "climbing backslashes": "..\\..\\passwd.md",
        "double dot": "..md.md",
        "right to left override": "invoice\u202egpj.md",
        "isolates": "\u2066a\u2069\u2067b\u2069\u200f\u061c.md",
        "byte order mark": "\ufeffbom.md",
        "zero width": "zero\u200bwidth\u200djoin\u00adsoft.md",
        "line separators": "a\u2028b\u2029c\u0085d.md",
        "tags": "plain\U000e0041\U000e007f.md",
        "noncharacters": "\ufdd0\uffff\U0010ffff\ue000.md",
        "longest ASCII": "a" * 252 + ".md",
        "longest umlauts": "ü" * 126 + ".md",
        "longest emoji": "🎉" * 63 + ".md",
        "many marks": "Z" + "\u0300\u0323\u0489" * 30 + ".md",
        "leading dashes": "--help.md",
        "leading dash": "-rf.md",
        "blanks": "  .md",
        "blank inside": "no\u00a0break\u3000.md",
        "device": "CON.md",
        "dots inside": "a....md",
        "case one": "Case.md",
        "case two": "cASE.md",
        "ligature": "ﬁle.md",
        "compatibility": "file\u2460K.md",
        "hangul apart": unicodedata.normalize("NFD", "한글.md"),
        "in a folder": "sub\x1b[7m\n\u202e/page.md",
        "in dots": "..../....../page.md",
        "in a dash": "--/-c/page.md",
    }.items()
}
# What has a twin, or no type: named in the outputs with its reason.
NAMED: dict[str, tuple[bytes, str]] = {
    "not UTF-8": (b"caf\xe9\x80.md", "KB-S009"),
    "not UTF-8 with a sequence": (b"\xff\x1b[31m\xfe.md", "KB-S009"),
    "surrogates as UTF-8": (b"\xed\xa0\x80.md", "KB-S009"),
    "overlong slash": (b"..\xc0\xaf..\xc0\xafpasswd.md", "KB-S009"),
    "twin composed": ("tw\u00edn.md".encode(), "KB-S010"),
    "twin decomposed": ("twi\u0301n.md".encode(), "KB-S010"),
    "only dots": (b"...", "KB-S006"),
    "many dots": (b"." * 255, "KB-S006"),
    "escape for a type": (b"a.\x1b[5m", "KB-S006"),
}
EVERY = {**MIRRORED, **{name: spelled for name, (spelled, _) in NAMED.items()}}


def path_of(spelled: bytes) -> str:
    """Return the key path of a name that is text."""
    return unicodedata.normalize("NFC", spelled.decode())


def write_all(folder: Path) -> None:
    for name, spelled in EVERY.items():
        at = folder / os.fsdecode(spelled)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(f"# The page called {name}\n\nWith words of its own.\n")
