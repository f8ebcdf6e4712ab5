"""The calls about chunks and their children, as a table."""

from __future__ import annotations

import click

from kbsync.cli.api import params as w
from kbsync.cli.api import workflows as ask
from kbsync.cli.api.params import Row

TEXTS = click.Argument(["texts"], metavar="TEXT...", type=w.typed, nargs=-1, required=True)
STATUS = w.option(
    "status",
    "Only chunks in this state.",
    click.Choice(["completed", "indexing", "error", "waiting", "re_segment"]),
)
CONTENT = w.option("text", "The new text (- reads it from standard input).", w.typed, "TEXT")
ENABLED = click.Option(
    ["--enable/--disable", "enabled"],
    default=None,
    help="Whether search finds it; a server that disables it leaves the rest as it is.",
)
REGENERATE = click.Option(
    ["--regenerate", "regenerate"],
    is_flag=True,
    default=None,
    help="Make its child chunks anew.",
)

ROWS = (
    Row(
        "list",
        "List the chunks of a document, in order.",
        (w.BASE, w.DOCUMENT, *w.PAGES, STATUS),
        lambda api, it: ask.listed(
            it,
            lambda page, limit: api.chunks.list(
                it["base"],
                it["document"],
                page=page,
                limit=limit,
                keyword=it.text("keyword") or "",
                status=it.text("status"),
            ),
        ),
    ),
    Row(
        "add",
        "Add chunks behind the last one.",
        (w.BASE, w.DOCUMENT, TEXTS, w.ANSWER, w.KEYWORDS),
        lambda api, it: api.chunks.add(
            it["base"],
            it["document"],
            [
                {"content": text, **it.told(answer="answer", keywords="keywords")}
                for text in it.texts("texts")
            ],
        ),
    ),
    Row(
        "get",
        "Show one chunk.",
        (w.BASE, w.DOCUMENT, w.CHUNK),
        lambda api, it: api.chunks.get(it["base"], it["document"], it["chunk"]),
    ),
    Row(
        "update",
        "Change what is given of a chunk.",
        (w.BASE, w.DOCUMENT, w.CHUNK, CONTENT, w.ANSWER, w.KEYWORDS, ENABLED, REGENERATE),
        ask.change_chunk,
    ),
    Row(
        "delete",
        "Delete a chunk.",
        (w.BASE, w.DOCUMENT, w.CHUNK),
        lambda api, it: api.chunks.delete(it["base"], it["document"], it["chunk"]),
        done="deleted chunk {chunk}",
        destroys="Delete the chunk {chunk} of {document}?",
    ),
    # -- children ----------------------------------------------------------------------------
    Row(
        "children",
        "List the child chunks of a chunk.",
        (w.BASE, w.DOCUMENT, w.CHUNK, *w.PAGES),
        lambda api, it: ask.listed(
            it,
            lambda page, limit: api.child_chunks.list(
                it["base"],
                it["document"],
                it["chunk"],
                page=page,
                limit=limit,
                keyword=it.text("keyword") or "",
            ),
        ),
    ),
    Row(
        "add-child",
        "Add a child chunk behind the last one.",
        (w.BASE, w.DOCUMENT, w.CHUNK, w.TEXT),
        lambda api, it: api.child_chunks.add(it["base"], it["document"], it["chunk"], it["text"]),
    ),
    Row(
        "update-child",
        "Change a child chunk's text.",
        (w.BASE, w.DOCUMENT, w.CHUNK, w.CHILD, w.TEXT),
        lambda api, it: api.child_chunks.change(
            it["base"], it["document"], it["chunk"], it["child"], it["text"]
        ),
    ),
    Row(
        "delete-child",
        "Delete a child chunk.",
        (w.BASE, w.DOCUMENT, w.CHUNK, w.CHILD),
        lambda api, it: api.child_chunks.delete(
            it["base"], it["document"], it["chunk"], it["child"]
        ),
        done="deleted child chunk {child}",
        destroys="Delete the child chunk {child} of {chunk}?",
    ),
)
