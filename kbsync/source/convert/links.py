"""Relative links and pictures of Markdown and HTML, made absolute in what is sent.

A document in a knowledge base stands in no folder: what its links are relative to is declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urljoin, urlsplit

from kbsync.source.convert.markdown_loss import in_code

REVISION = 1
"""Of these rules: a change of what comes out raises it."""
MARKDOWN = frozenset({"md", "markdown", "mdx"})
HTML = frozenset({"html", "htm"})

# Counted, so that no line of brackets or quotes takes long.
_INLINE = re.compile(
    r"(?P<before>\]\(\s{0,9}<?)(?P<target>[^\s()<>]{1,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,200})?)"
)
_DEFINITION = re.compile(r"(?P<before> {0,3}\[[^\]]{1,999}\]:\s{0,9}<?)(?P<target>[^\s<>]{1,2000})")
_ATTRIBUTE = re.compile(
    r"(?P<before>\b(?:href|src)\s{0,9}=\s{0,9}[\"'])(?P<target>[^\"'<>]{1,2000})", re.IGNORECASE
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Links:
    """The links of one file.

    Args:
        base: what the source's root is on the web, such as ``https://docs.example/``.
        path: key path of the file.
    """

    def __init__(self, base: str, path: str) -> None:
        root = base if base.endswith("/") else base + "/"
        self._from = urljoin(root, quote(path))
        # A path that climbs out of the source stays on the base all the same.
        self._root = root

    def markdown(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines of a Markdown file, with absolute targets outside of code."""
        for line, code in in_code(lines):
            yield line if code or not _may_link(line) else self._line(line)

    def html(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines of a page with absolute targets."""
        return (_ATTRIBUTE.sub(self._absolute, line) for line in lines)

    def _line(self, line: str) -> str:
        # Every second piece stands between backticks.
        pieces = line.split("`")
        if len(pieces) % 2 == 0:
            pieces[-2:] = ["`".join(pieces[-2:])]
        pieces[::2] = map(self._prose, pieces[::2])
        return "`".join(pieces)

    def _prose(self, text: str) -> str:
        if text.lstrip(" ").startswith("[") and (found := _DEFINITION.match(text)):
            return self._absolute(found) + text[found.end() :]
        return _ATTRIBUTE.sub(self._absolute, _INLINE.sub(self._absolute, text))

    def _absolute(self, found: re.Match[str]) -> str:
        return found["before"] + self.of(found["target"])

    def of(self, target: str) -> str:
        """Return a target as an absolute one, unless it is that, or a place in the page."""
        if target.startswith(("#", "//", "{", "?")) or _SCHEME.match(target):
            return target
        if target.startswith("/"):
            return urljoin(self._root, target.lstrip("/"))
        try:
            found = urljoin(self._from, target)
            inside = urlsplit(found).path.startswith(urlsplit(self._root).path)
        except ValueError:
            return target
        return found if inside else urljoin(self._root, target.replace("../", ""))


def _may_link(line: str) -> bool:
    return "](" in line or "]:" in line or "=" in line
