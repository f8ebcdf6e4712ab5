"""HTML to Markdown, by markdownify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from bs4 import BeautifulSoup, Tag
from bs4.element import PreformattedString
from markdownify import ATX, MarkdownConverter

_BLANK_LINES = re.compile(r"\n{3,}")


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a page as Markdown."""
    yield of_html(file.read(), titled=True)


def of_html(page: bytes | str, *, titled: bool = False) -> str:
    """Return a page as Markdown.

    Args:
        page: bytes are read in the charset that they name.
        titled: it begins with its title where it has no heading.
    """
    soup = BeautifulSoup(page, "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title and titled else ""
    head = f"# {title}\n\n" if title and soup.find("h1") is None else ""
    for each in soup.find_all(("head", "title", "script", "style", "template")):
        each.decompose()
    for note in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        note.extract()
    _plain_pictures(soup)
    _plain_bars(soup)
    text = _CONVERTER.convert_soup(soup)
    return head + _BLANK_LINES.sub("\n\n", text).strip() + "\n"


def _plain_pictures(soup: BeautifulSoup) -> None:
    """Leave only the description of pictures that are in the page itself, or nowhere."""
    for each in soup.find_all("img"):
        target = str(each.get("src") or "")
        if not target or target.startswith("data:"):
            each.replace_with(str(each.get("alt") or ""))


def _plain_bars(soup: BeautifulSoup) -> None:
    """Write bars in cells so that they do not end the cell."""
    for cell in soup.find_all(("td", "th")):
        for text in cell.find_all(string=lambda text: "|" in text, recursive=True):
            text.replace_with(str(text).replace("|", "\\|"))


def _language(block: Tag) -> str:
    """Return the language of a block of code, by its class or that of the code within."""
    inside = block.find("code")
    for each in (block, inside) if isinstance(inside, Tag) else (block,):
        for name in each.get("class") or ():
            if name.startswith("language-"):
                return name.removeprefix("language-")
    return ""


_CONVERTER = MarkdownConverter(
    heading_style=ATX,
    bullets="-",
    autolinks=False,
    table_infer_header=True,
    # An escaped name is another word for a search.
    escape_asterisks=False,
    escape_underscores=False,
    code_language_callback=_language,
)
