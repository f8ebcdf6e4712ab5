"""The calls about documents, as a table."""

from __future__ import annotations

import click

from kbsync.cli.api import params
from kbsync.cli.api.api_verb import ApiVerb, group_of, workflow

STATUS = params.option(
    "status",
    "Only documents in this state.",
    click.Choice(["queuing", "indexing", "paused", "error", "available", "disabled", "archived"]),
)
BATCH = params.argument("batch")
VALUES = click.Argument(["values"], metavar="NAME=VALUE...", nargs=-1, required=True)
REPLACE = click.Option(["--replace"], is_flag=True, help="Drop the document's other values.")


def _switch(verb: str, help: str) -> ApiVerb:
    action = verb.replace("-", "_")
    return ApiVerb(
        verb,
        help,
        (params.BASE, params.DOCUMENTS),
        lambda api, args: api.documents.switch(args["base"], action, args.texts("documents")),
        done=f"{verb}: done",
    )


VERBS = (
    ApiVerb(
        "list",
        "List the documents of a knowledge base, newest first.",
        (params.BASE, *params.PAGES, STATUS),
        page=lambda api, args, page, limit: api.documents.list(
            args["base"],
            page=page,
            limit=limit,
            keyword=args.text("keyword") or "",
            status=args.text("status"),
        ),
    ),
    ApiVerb(
        "get",
        "Show one document.",
        (params.BASE, params.DOCUMENT),
        lambda api, args: api.documents.get(args["base"], args["document"]),
    ),
    # upload
    ApiVerb(
        "create-file",
        "Make a document of a file; one of the same name is written over.",
        (
            params.BASE,
            params.FILE,
            params.NEW_NAME,
            params.TECHNIQUE,
            *params.SHAPING,
            params.TWIN,
            params.RAW,
            params.WAIT,
        ),
        workflow("create_file"),
    ),
    ApiVerb(
        "create-text",
        "Make a document of a text (- reads it from standard input).",
        (params.BASE, params.NAME, params.TEXT, params.TECHNIQUE, *params.SHAPING, params.WAIT),
        workflow("create_text"),
    ),
    ApiVerb(
        "update-file",
        "Replace a document's content and name by a file.",
        (
            params.BASE,
            params.DOCUMENT,
            params.FILE,
            params.NEW_NAME,
            *params.SHAPING,
            params.RAW,
            params.WAIT,
        ),
        workflow("update_file"),
    ),
    ApiVerb(
        "update-text",
        "Replace a document's content and name by a text (- reads it from standard input).",
        (params.BASE, params.DOCUMENT, params.NAME, params.TEXT, *params.SHAPING, params.WAIT),
        workflow("update_text"),
    ),
    ApiVerb(
        "indexing",
        "Show how far indexing of an upload is, by the batch its reply named.",
        (params.BASE, BATCH),
        lambda api, args: api.documents.indexing(args["base"], args["batch"]),
    ),
    # change
    ApiVerb(
        "delete",
        "Delete a document.",
        (params.BASE, params.DOCUMENT),
        lambda api, args: api.documents.delete(args["base"], args["document"]),
        done="deleted document {document}",
        destroys="Delete the document {document} of {base}?",
    ),
    _switch("enable", "Let search find documents again."),
    _switch("disable", "Keep documents, but out of search."),
    _switch("archive", "Freeze documents: neither found nor changed."),
    _switch("un-archive", "Take documents out of the archive."),
    ApiVerb(
        "assign",
        "Give a document metadata values; an empty VALUE takes one away.",
        (params.BASE, params.DOCUMENT, VALUES, REPLACE),
        workflow("assign"),
    ),
)

GROUP = group_of(
    "docs",
    "Documents of a knowledge base, by hand. BASE and DOCUMENT are ids or exact names.",
    VERBS,
)
