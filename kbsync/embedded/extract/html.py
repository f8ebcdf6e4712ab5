"""HTML: the text a reader sees."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.entities import html5
from html.parser import HTMLParser
from typing import Final

from bs4.dammit import UnicodeDammit

_XML_PROLOGUE: Final = re.compile(rb"<\?xml[^>]*>")
_UNSEEN: Final = frozenset({"script", "style", "template", "rt", "rp"})
_AS_WRITTEN: Final = frozenset({"pre", "textarea"})
# What ends where it begins.
_EMPTY: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "keygen", "link", "menuitem"}
    | {"meta", "param", "source", "track", "wbr", "basefont", "bgsound", "command", "frame"}
    | {"image", "isindex", "nextid", "spacer"}
)
_BLANKS: Final = re.compile(r"[\n\t\x0c\r ]+")


def read_html(content: bytes) -> list[str]:
    """The text of the page without scripts and styles, in the charset that the page names."""
    page = _Page()
    page.feed(UnicodeDammit(_XML_PROLOGUE.sub(b"", content), is_html=True).unicode_markup or "")
    page.close()
    return [page.text().strip()]


class _Page(HTMLParser):
    """Collects the text of a page, as the library of the real server does with `get_text`.

    That library builds a tree first, of a hundred times the page's size.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._open: list[str] = []
        self._counted: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._run: list[str] = []
        self._texts: list[str] = []

    def text(self) -> str:
        """All text so far."""
        self._end_run()
        return "".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        del attrs
        self._begin(tag)
        if tag in _EMPTY:
            self._end(tag)
            self._ended[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open and close an element."""
        del attrs
        self._begin(tag)
        self._end(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, unless it ended where it began."""
        if self._ended[tag]:
            self._ended[tag] -= 1
        else:
            self._end(tag)

    def handle_data(self, data: str) -> None:
        """Take text."""
        self._run.append(data)

    def handle_charref(self, name: str) -> None:
        """Take a character by its number."""
        self._run.append(unescape(f"&#{name};"))

    def handle_entityref(self, name: str) -> None:
        """Take a character by its name; an unknown one loses its semicolon."""
        self._run.append(html5.get(f"{name};", f"&{name}"))

    def handle_comment(self, data: str) -> None:
        """Leave out a comment."""
        del data
        self._end_run()

    def handle_decl(self, decl: str) -> None:
        """Leave out a declaration."""
        del decl
        self._end_run()

    def handle_pi(self, data: str) -> None:
        """Leave out an instruction."""
        del data
        self._end_run()

    def unknown_decl(self, data: str) -> None:
        """Take the text of a CDATA section, and leave out other declarations."""
        self._end_run()
        if data.upper().startswith("CDATA["):
            self._texts.append(_squeezed(data[len("CDATA[") :]))

    def _begin(self, tag: str) -> None:
        self._end_run()
        self._open.append(tag)
        self._counted[tag] += 1

    def _end(self, tag: str) -> None:
        """Close what is open down to the last one of that name, if there is one."""
        self._end_run()
        while self._counted[tag]:
            closed = self._open.pop()
            self._counted[closed] -= 1
            if closed == tag:
                return

    def _end_run(self) -> None:
        if not self._run:
            return
        text, self._run = "".join(self._run), []
        if not self._within(_UNSEEN):
            self._texts.append(text if self._within(_AS_WRITTEN) else _squeezed(text))

    def _within(self, tags: frozenset[str]) -> bool:
        return any(self._counted[tag] for tag in tags)


def _squeezed(text: str) -> str:
    """The text; blanks alone are one."""
    if not _BLANKS.fullmatch(text):
        return text
    return "\n" if "\n" in text else " "
