"""The normal form of chunk text (docs/dify-api.md section 16, "Chunks of create-by-text")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LINE_ENDS: Final = re.compile(r"\r\n?")
# The letters stand for the bytes of a broken character, which is why the real server drops them.
_DROPPED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xef\xbf\xbe\ufffe]")
# The ellipsis and the bracket that opens a lenticular pair are spared (U+2026, U+3010).
_LEADING: Final = re.compile(
    "[\\[\\]\"#$%&'()*+,./:;<=>?@^_`~"
    "\u2000-\u2025\u2027-\u206f\u2e00-\u2e7f\u3000-\u300f\u3011-\u303f]+"
)
_LINK: Final = re.compile(r"\[[^\]]+\]\(https?://[^)]+\)")

_MANY_LINES: Final = re.compile(r"\n{3,}")
_MANY_BLANKS: Final = re.compile("[\t\f\r \u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]{2,}")
_MAIL: Final = re.compile(r"[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+")
_ADDRESS: Final = re.compile(r"https?://\S+")
_LINKED: Final = re.compile(r"\[[^\]]*\]\(https?://[^)]+\)")
_PICTURE: Final = re.compile(r"!\[.*?(\]\(https?://[^)]+\))")


def clean(text: str, steps: Iterable[str]) -> str:
    """What happens to the whole text before it is split.

    Args:
        text: as extracted from the file.
        steps: the pre-processing rules that are switched on, in the order of the request.
    """
    text = _LINE_ENDS.sub("\n", text).replace("<|", "<").replace("|>", ">")
    text = _DROPPED.sub("", text)
    for step in steps:
        if step == "remove_extra_spaces":
            text = _MANY_BLANKS.sub(" ", _MANY_LINES.sub("\n\n", text))
        elif step == "remove_urls_emails":
            text = _without_addresses(_MAIL.sub("", text))
    return text


def normal_form(chunk: str) -> str:
    """The chunk as it is stored: no leading run of punctuation, no blank ends; maybe empty.

    Blanks before the punctuation shield it: it is cut first and stripped afterwards.
    """
    leading = None if _LINK.match(chunk) else _LEADING.match(chunk)
    return chunk[leading.end() if leading else 0 :].strip()


def _without_addresses(text: str) -> str:
    """The text without addresses; Markdown links and pictures are kept whole."""
    kept: list[str] = []

    def shelter(whole: str) -> str:
        kept.append(whole)
        return f"\x00{len(kept) - 1}\x00"

    text = _LINKED.sub(lambda found: shelter(found[0]), text)
    # A picture the line above missed has a bracket in its description, and loses that.
    text = _PICTURE.sub(lambda found: shelter(f"![image{found[1]}"), text)
    return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], _ADDRESS.sub("", text))
