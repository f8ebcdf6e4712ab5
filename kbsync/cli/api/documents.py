"""The calls about documents, as a table."""

from __future__ import annotations

import click

from kbsync.cli.api import params as w
from kbsync.cli.api import workflows
from kbsync.cli.api import workflows as ask
from kbsync.cli.api.params import Row

STATUS = w.option(
    "status",
    "Only documents in this state.",
    click.Choice(["queuing", "indexing", "paused", "error", "available", "disabled", "archived"]),
)
BATCH = w.argument("batch")
VALUES = click.Argument(["values"], metavar="NAME=VALUE...", nargs=-1, required=True)
REPLACE = click.Option(["--replace"], is_flag=True, help="Drop the document's other values.")


def _switch(verb: str, help: str) -> Row:
    action = verb.replace("-", "_")
    return Row(
        verb,
        help,
        (w.BASE, w.DOCUMENTS),
        lambda api, it: api.documents.switch(it["base"], action, it.texts("documents")),
        done=f"{verb}: done",
    )


ROWS = (
    Row(
        "list",
        "List the documents of a knowledge base, newest first.",
        (w.BASE, *w.PAGES, STATUS),
        lambda api, it: ask.listed(
            it,
            lambda page, limit: api.documents.list(
                it["base"],
                page=page,
                limit=limit,
                keyword=it.text("keyword") or "",
                status=it.text("status"),
            ),
        ),
    ),
    Row(
        "get",
        "Show one document.",
        (w.BASE, w.DOCUMENT),
        lambda api, it: api.documents.get(it["base"], it["document"]),
    ),
    # -- upload ------------------------------------------------------------------------------
    Row(
        "create-file",
        "Make a document of a file; one of the same name is written over.",
        (w.BASE, w.FILE, w.NEW_NAME, w.TECHNIQUE, *w.SHAPING, w.TWIN, w.RAW, w.WAIT),
        workflows.create_file,
    ),
    Row(
        "create-text",
        "Make a document of a text (- reads it from standard input).",
        (w.BASE, w.NAME, w.TEXT, w.TECHNIQUE, *w.SHAPING, w.WAIT),
        workflows.create_text,
    ),
    Row(
        "update-file",
        "Replace a document's content and name by a file.",
        (w.BASE, w.DOCUMENT, w.FILE, w.NEW_NAME, *w.SHAPING, w.RAW, w.WAIT),
        workflows.update_file,
    ),
    Row(
        "update-text",
        "Replace a document's content and name by a text (- reads it from standard input).",
        (w.BASE, w.DOCUMENT, w.NAME, w.TEXT, *w.SHAPING, w.WAIT),
        workflows.update_text,
    ),
    Row(
        "indexing",
        "Show how far indexing of an upload is, by the batch its reply told.",
        (w.BASE, BATCH),
        lambda api, it: api.documents.indexing(it["base"], it["batch"]),
    ),
    # -- change ------------------------------------------------------------------------------
    Row(
        "delete",
        "Delete a document.",
        (w.BASE, w.DOCUMENT),
        lambda api, it: api.documents.delete(it["base"], it["document"]),
        done="deleted document {document}",
        destroys="Delete the document {document} of {base}?",
    ),
    _switch("enable", "Let search find documents again."),
    _switch("disable", "Keep documents, but out of search."),
    _switch("archive", "Freeze documents: neither found nor changed."),
    _switch("un-archive", "Take documents out of the archive."),
    Row(
        "assign",
        "Give a document metadata values; an empty VALUE takes one away.",
        (w.BASE, w.DOCUMENT, VALUES, REPLACE),
        ask.assign,
    ),
)
