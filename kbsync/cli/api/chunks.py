"""The calls about chunks and their children, as a table."""

from __future__ import annotations

import click

from kbsync.cli.api import params
from kbsync.cli.api.api_verb import ApiVerb, group_of, workflow

TEXTS = click.Argument(["texts"], metavar="TEXT...", type=params.typed, nargs=-1, required=True)
STATUS = params.option(
    "status",
    "Only chunks in this state.",
    click.Choice(["completed", "indexing", "error", "waiting", "re_segment"]),
)
CONTENT = params.option(
    "text", "The new text (- reads it from standard input).", params.typed, "TEXT"
)
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

VERBS = (
    ApiVerb(
        "list",
        "List the chunks of a document, in order.",
        (params.BASE, params.DOCUMENT, *params.PAGES, STATUS),
        page=lambda api, args, page, limit: api.chunks.list(
            args["base"],
            args["document"],
            page=page,
            limit=limit,
            keyword=args.text("keyword") or "",
            status=args.text("status"),
        ),
    ),
    ApiVerb(
        "add",
        "Add chunks behind the last one.",
        (params.BASE, params.DOCUMENT, TEXTS, params.ANSWER, params.KEYWORDS),
        lambda api, args: api.chunks.add(
            args["base"],
            args["document"],
            [
                {"content": text, **args.given(answer="answer", keywords="keywords")}
                for text in args.texts("texts")
            ],
        ),
    ),
    ApiVerb(
        "get",
        "Show one chunk.",
        (params.BASE, params.DOCUMENT, params.CHUNK),
        lambda api, args: api.chunks.get(args["base"], args["document"], args["chunk"]),
    ),
    ApiVerb(
        "update",
        "Change what is given of a chunk.",
        (
            params.BASE,
            params.DOCUMENT,
            params.CHUNK,
            CONTENT,
            params.ANSWER,
            params.KEYWORDS,
            ENABLED,
            REGENERATE,
        ),
        workflow("change_chunk"),
    ),
    ApiVerb(
        "delete",
        "Delete a chunk.",
        (params.BASE, params.DOCUMENT, params.CHUNK),
        lambda api, args: api.chunks.delete(args["base"], args["document"], args["chunk"]),
        done="deleted chunk {chunk}",
        destroys="Delete the chunk {chunk} of {document}?",
    ),
    # children
    ApiVerb(
        "children",
        "List the child chunks of a chunk.",
        (params.BASE, params.DOCUMENT, params.CHUNK, *params.PAGES),
        page=lambda api, args, page, limit: api.child_chunks.list(
            args["base"],
            args["document"],
            args["chunk"],
            page=page,
            limit=limit,
            keyword=args.text("keyword") or "",
        ),
    ),
    ApiVerb(
        "add-child",
        "Add a child chunk behind the last one.",
        (params.BASE, params.DOCUMENT, params.CHUNK, params.TEXT),
        lambda api, args: api.child_chunks.add(
            args["base"], args["document"], args["chunk"], args["text"]
        ),
    ),
    ApiVerb(
        "update-child",
        "Change a child chunk's text.",
        (params.BASE, params.DOCUMENT, params.CHUNK, params.CHILD, params.TEXT),
        lambda api, args: api.child_chunks.change(
            args["base"], args["document"], args["chunk"], args["child"], args["text"]
        ),
    ),
    ApiVerb(
        "delete-child",
        "Delete a child chunk.",
        (params.BASE, params.DOCUMENT, params.CHUNK, params.CHILD),
        lambda api, args: api.child_chunks.delete(
            args["base"], args["document"], args["chunk"], args["child"]
        ),
        done="deleted child chunk {child}",
        destroys="Delete the child chunk {child} of {chunk}?",
    ),
)

GROUP = group_of(
    "chunks",
    "Chunks of a document, by hand. BASE and DOCUMENT are ids or exact names.",
    VERBS,
)
