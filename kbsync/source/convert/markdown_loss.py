"""Markdown of which a server would lose text.

Of a Markdown file servers delete everything between `<` and `>` on a line, in code too, and each
`#` of a heading's text (docs/dify-api.md section 16). Tags of HTML and comments are meant to go;
`List<String>`, `<placeholder>` and `<https://…>` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_HTML = (
    "a abbr address area article aside audio b base bdi bdo big blockquote body br button canvas "
    "caption center cite code col colgroup data datalist dd del details dfn dialog div dl dt em "
    "embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hgroup hr "
    "html i iframe img input ins kbd label legend li link main map mark menu meta meter nav "
    "noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp "
    "script search section select slot small source span strike strong style sub summary sup "
    "svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video "
    "wbr"
)
_TAGS = frozenset(_HTML.split())
_TAG = re.compile(r"</?(?P<name>[A-Za-z][A-Za-z0-9.-]*)(?:[\s/][^<>]*)?>")
_HEADING = re.compile(r"#+\s+(?P<title>.*?)(?:\s+#+)?\s*")
_FENCE = re.compile(r"\s{0,9}(?:```|~~~)")


def loses(lines: Iterable[str], *, components: bool = False) -> bool:
    """Whether a server would lose text of these lines of Markdown.

    Args:
        lines: from the first on.
        components: tags with a capital are meant, as in MDX.
    """
    return any(_loses(line, code, components) for line, code in in_code(lines))


def in_code(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield each line, and whether it stands in a block of code."""
    code = False
    for line in lines:
        fence = line.lstrip().startswith(("```", "~~~")) and _FENCE.match(line) is not None
        yield line, code and not fence
        code ^= fence


def _loses(line: str, code: bool, components: bool) -> bool:
    if not code and line.startswith("#"):
        heading = _HEADING.fullmatch(line.rstrip())
        return heading is not None and "#" in heading["title"]
    return any(not gone for _, _, gone in taken(line, code=code, components=components))


def taken(
    line: str, *, code: bool = False, components: bool = False
) -> Iterator[tuple[int, int, bool]]:
    """Yield what a server takes out of a line of Markdown: from where to where, and if it is a tag.

    Args:
        line: it.
        code: it stands in a block of code, where nothing is a tag.
        components: tags with a capital are meant.
    """
    start, ticks = 0, 0
    # By hand: a pattern would look for the end of each `<` of a line that has no end of any.
    while (begin := line.find("<", start)) >= 0 and (end := line.find(">", begin)) >= 0:
        ticks += line.count("`", start, begin)
        inline = code or ticks % 2 == 1
        yield begin, end + 1, not inline and _is_tag(line[begin : end + 1], components)
        ticks += line.count("`", begin, end + 1)
        start = end + 1


def _is_tag(text: str, components: bool) -> bool:
    if text.startswith("<!--"):
        return True
    found = _TAG.fullmatch(text)
    if found is None:
        return components and text in {"<>", "</>"}
    name = found["name"]
    return name.lower() in _TAGS or (components and name[0].isupper())
