"""The calls about knowledge bases, their fields, tags and models, as a table."""

from __future__ import annotations

import click

from kbsync.cli.api import params as w
from kbsync.cli.api import workflows as ask
from kbsync.cli.api.params import Row

MINE = click.Option(["--mine"], is_flag=True, help="Leave out what only other members see.")
TYPE = click.Option(
    ["--type"],
    type=click.Choice(["string", "number", "time"]),
    default="string",
    show_default=True,
    help="What its values are.",
)
TOP = click.Option(
    ["--top"], type=click.IntRange(1, 100), default=3, show_default=True, help="Chunks to return."
)
METHOD = w.option("method", "How to search; by default the base's own way.", w.METHODS)
FILTERS = click.Option(
    ["--filter", "filters"],
    multiple=True,
    metavar="NAME=VALUE",
    help="Only documents with this metadata; may be repeated.",
)
KIND = click.Argument(["kind"], default="text-embedding")
TAGS = click.Argument(["tags"], metavar="TAG...", nargs=-1, required=True)
MAYBE_BASE = click.Argument(["base"], required=False)

ROWS = (
    # -- knowledge bases ---------------------------------------------------------------------
    Row(
        "list",
        "List the knowledge bases.",
        (*w.PAGES, MINE),
        lambda api, it: ask.listed(
            it,
            lambda page, limit: api.bases.list(
                page=page,
                limit=limit,
                keyword=it.text("keyword") or "",
                all_members=not it.flag("mine"),
            ),
        ),
    ),
    Row(
        "get",
        "Show one knowledge base.",
        (w.BASE,),
        lambda api, it: api.bases.get(it["base"]),
    ),
    Row(
        "create",
        "Make an empty knowledge base.",
        (w.NAME, w.DESCRIPTION, w.TECHNIQUE, w.PERMISSION, *w.EMBEDDING, w.RETRIEVAL),
        ask.create_base,
    ),
    Row(
        "update",
        "Change what is given of a knowledge base.",
        (w.BASE, w.NEW_NAME, w.DESCRIPTION, w.TECHNIQUE, w.PERMISSION, *w.EMBEDDING, w.RETRIEVAL),
        lambda api, it: api.bases.change(
            it["base"],
            it.told(
                name="name",
                description="description",
                indexing_technique="technique",
                permission="permission",
                embedding_model="embedding_model",
                embedding_model_provider="embedding_provider",
                retrieval_model="retrieval",
            ),
        ),
    ),
    Row(
        "delete",
        "Delete a knowledge base with everything in it.",
        (w.BASE,),
        lambda api, it: api.bases.delete(it["base"]),
        done="deleted knowledge base {base}",
        destroys="Delete the knowledge base {base} with every document in it?",
    ),
    Row(
        "retrieve",
        "Search one knowledge base.",
        (w.BASE, w.argument("query"), TOP, METHOD, FILTERS),
        lambda api, it: ask.retrieve(
            api,
            it["base"],
            it["query"],
            top=it.number("top"),
            method=it.text("method"),
            filters=it.texts("filters"),
        ),
    ),
    # -- metadata fields ---------------------------------------------------------------------
    Row(
        "fields",
        "List the metadata fields of a knowledge base.",
        (w.BASE,),
        lambda api, it: api.metadata.fields(it["base"]),
    ),
    Row(
        "add-field",
        "Make a metadata field.",
        (w.BASE, w.NAME, TYPE),
        lambda api, it: api.metadata.create_field(it["base"], it["name"], it["type"]),
    ),
    Row(
        "rename-field",
        "Give a metadata field another name.",
        (w.BASE, w.FIELD, w.NAME),
        lambda api, it: api.metadata.rename_field(it["base"], it["field"], it["name"]),
    ),
    Row(
        "delete-field",
        "Delete a metadata field and its values.",
        (w.BASE, w.FIELD),
        lambda api, it: api.metadata.delete_field(it["base"], it["field"]),
        done="deleted field {field}",
        destroys="Delete the field {field} with its values on every document?",
    ),
    Row(
        "built-in",
        "List the built-in fields.",
        (w.BASE,),
        lambda api, it: api.metadata.built_in(it["base"]),
    ),
    Row(
        "show-built-in",
        "Show the built-in fields.",
        (w.BASE,),
        lambda api, it: api.metadata.show_built_in(it["base"], True),
        done="the built-in fields are shown",
    ),
    Row(
        "hide-built-in",
        "Hide the built-in fields.",
        (w.BASE,),
        lambda api, it: api.metadata.show_built_in(it["base"], False),
        done="the built-in fields are hidden",
    ),
    # -- tags --------------------------------------------------------------------------------
    Row(
        "tags",
        "List the tags of the workspace, or of one knowledge base.",
        (MAYBE_BASE,),
        lambda api, it: api.bases.tags(it["base"]) if it.text("base") else api.tags.list(),
    ),
    Row(
        "add-tag",
        "Make a tag.",
        (w.NAME,),
        lambda api, it: api.tags.create(it["name"]),
        done="made the tag {name}; this server does not tell its id",
    ),
    Row(
        "rename-tag",
        "Give a tag another name.",
        (w.TAG, w.NAME),
        lambda api, it: api.tags.rename(it["tag"], it["name"]),
        done="renamed the tag to {name}",
    ),
    Row(
        "delete-tag",
        "Delete a tag.",
        (w.TAG,),
        lambda api, it: api.tags.delete(it["tag"]),
        done="deleted tag {tag}",
        destroys="Delete the tag {tag} and take it off every knowledge base?",
    ),
    Row(
        "bind-tag",
        "Put tags on a knowledge base.",
        (w.BASE, TAGS),
        lambda api, it: api.tags.bind(it["base"], it.texts("tags")),
        done="tagged {base}",
    ),
    Row(
        "unbind-tag",
        "Take a tag off a knowledge base.",
        (w.BASE, w.TAG),
        lambda api, it: api.tags.unbind(it["base"], it["tag"]),
        done="took the tag off {base}",
    ),
    # -- models ------------------------------------------------------------------------------
    Row(
        "models",
        "List the server's models of a KIND: text-embedding, rerank, llm and others.",
        (KIND,),
        lambda api, it: api.search.models(it["kind"]),
    ),
)
