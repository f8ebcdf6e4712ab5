"""The normal form of chunk text (docs/dify-api.md section 16, "Chunks of create-by-text")."""

from __future__ import annotations

import re
from typing import Final

_LINE_ENDS: Final = re.compile(r"\r\n?")
# The letters stand for the bytes of a broken character, which is why the real server drops them.
_DROPPED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xef\xbf\xbe\ufffe]")
_LEADING: Final = re.compile("[\\[\\]\"#$%&'()*+,./:;<=>?@^_`~\u2000-\u206f\u3000-\u3011]+")
_LINK: Final = re.compile(r"\[[^\]]*\]\(https?://[^)]*\)")

_MANY_LINES: Final = re.compile(r"\n{3,}")
_MANY_BLANKS: Final = re.compile("[\t\f\r \u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]{2,}")
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_ADDRESS: Final = re.compile(r"https?://[^\s)]+")
_LINKED_ADDRESS: Final = re.compile(r"(!?\[[^\]]*\]\()(https?://[^)]+)(\))")


def clean(text: str, *, extra_spaces: bool, urls_and_mails: bool) -> str:
    """What happens to the whole text before it is split.

    Args:
        text: as extracted from the file.
        extra_spaces: apply the rule `remove_extra_spaces`.
        urls_and_mails: apply the rule `remove_urls_emails`; targets of Markdown links stay.
    """
    text = _LINE_ENDS.sub("\n", text).replace("<|", "<").replace("|>", ">")
    text = _DROPPED.sub("", text)
    if extra_spaces:
        text = _MANY_BLANKS.sub(" ", _MANY_LINES.sub("\n\n", text))
    if urls_and_mails:
        text = _without_addresses(_MAIL.sub("", text))
    return text


def normal_form(chunk: str) -> str:
    """The chunk as it is stored: no leading run of punctuation, no blank ends; maybe empty.

    Blanks before the punctuation shield it: it is cut first and stripped afterwards.
    """
    leading = None if _LINK.match(chunk) else _LEADING.match(chunk)
    return chunk[leading.end() if leading else 0 :].strip()


def _without_addresses(text: str) -> str:
    kept: list[str] = []

    def shelter(found: re.Match[str]) -> str:
        kept.append(found[2])
        return f"{found[1]}\x00{len(kept) - 1}\x00{found[3]}"

    bare = _ADDRESS.sub("", _LINKED_ADDRESS.sub(shelter, text))
    return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], bare)
