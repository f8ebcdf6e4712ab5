"""The calls about knowledge bases, their fields, tags and models, as a table."""

from __future__ import annotations

import click

from kbsync.cli.api import params
from kbsync.cli.api.api_verb import ApiVerb, group_of, workflow

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
METHOD = params.option("method", "How to search; by default the base's own way.", params.METHODS)
FILTERS = click.Option(
    ["--filter", "filters"],
    multiple=True,
    metavar="NAME=VALUE",
    help="Only documents with this metadata; may be repeated.",
)
KIND = click.Argument(["kind"], default="text-embedding")
TAGS = click.Argument(["tags"], metavar="TAG...", nargs=-1, required=True)
MAYBE_BASE = click.Argument(["base"], required=False)

VERBS = (
    # knowledge bases
    ApiVerb(
        "list",
        "List the knowledge bases.",
        (*params.PAGES, MINE),
        page=lambda api, args, page, limit: api.bases.list(
            page=page,
            limit=limit,
            keyword=args.text("keyword") or "",
            all_members=not args.flag("mine"),
        ),
    ),
    ApiVerb(
        "get",
        "Show one knowledge base.",
        (params.BASE,),
        lambda api, args: api.bases.get(args["base"]),
    ),
    ApiVerb(
        "create",
        "Make an empty knowledge base.",
        (
            params.NAME,
            params.DESCRIPTION,
            params.TECHNIQUE,
            params.PERMISSION,
            *params.EMBEDDING,
            params.RETRIEVAL,
        ),
        workflow("create_base"),
    ),
    ApiVerb(
        "update",
        "Change what is given of a knowledge base.",
        (
            params.BASE,
            params.NEW_NAME,
            params.DESCRIPTION,
            params.TECHNIQUE,
            params.PERMISSION,
            *params.EMBEDDING,
            params.RETRIEVAL,
        ),
        lambda api, args: api.bases.change(
            args["base"],
            args.given(
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
    ApiVerb(
        "delete",
        "Delete a knowledge base with everything in it.",
        (params.BASE,),
        lambda api, args: api.bases.delete(args["base"]),
        done="deleted knowledge base {base}",
        destroys="Delete the knowledge base {base} with every document in it?",
    ),
    ApiVerb(
        "retrieve",
        "Search one knowledge base.",
        (params.BASE, params.argument("query"), TOP, METHOD, FILTERS),
        workflow("search_base"),
    ),
    # metadata fields
    ApiVerb(
        "fields",
        "List the metadata fields of a knowledge base.",
        (params.BASE,),
        lambda api, args: api.metadata.fields(args["base"]),
    ),
    ApiVerb(
        "add-field",
        "Make a metadata field.",
        (params.BASE, params.NAME, TYPE),
        lambda api, args: api.metadata.create_field(args["base"], args["name"], args["type"]),
    ),
    ApiVerb(
        "rename-field",
        "Give a metadata field another name.",
        (params.BASE, params.FIELD, params.NAME),
        lambda api, args: api.metadata.rename_field(args["base"], args["field"], args["name"]),
    ),
    ApiVerb(
        "delete-field",
        "Delete a metadata field and its values.",
        (params.BASE, params.FIELD),
        lambda api, args: api.metadata.delete_field(args["base"], args["field"]),
        done="deleted field {field}",
        destroys="Delete the field {field} with its values on every document?",
    ),
    ApiVerb(
        "built-in",
        "List the built-in fields.",
        (params.BASE,),
        lambda api, args: api.metadata.built_in(args["base"]),
    ),
    ApiVerb(
        "show-built-in",
        "Show the built-in fields.",
        (params.BASE,),
        lambda api, args: api.metadata.show_built_in(args["base"], True),
        done="the built-in fields are shown",
    ),
    ApiVerb(
        "hide-built-in",
        "Hide the built-in fields.",
        (params.BASE,),
        lambda api, args: api.metadata.show_built_in(args["base"], False),
        done="the built-in fields are hidden",
    ),
    # tags
    ApiVerb(
        "tags",
        "List the tags of the workspace, or of one knowledge base.",
        (MAYBE_BASE,),
        lambda api, args: api.bases.tags(args["base"]) if args.text("base") else api.tags.list(),
    ),
    ApiVerb(
        "add-tag",
        "Make a tag.",
        (params.NAME,),
        lambda api, args: api.tags.create(args["name"]),
        done="made the tag {name}; this server does not tell its id",
    ),
    ApiVerb(
        "rename-tag",
        "Give a tag another name.",
        (params.TAG, params.NAME),
        lambda api, args: api.tags.rename(args["tag"], args["name"]),
        done="renamed the tag to {name}",
    ),
    ApiVerb(
        "delete-tag",
        "Delete a tag.",
        (params.TAG,),
        lambda api, args: api.tags.delete(args["tag"]),
        done="deleted tag {tag}",
        destroys="Delete the tag {tag} and take it off every knowledge base?",
    ),
    ApiVerb(
        "bind-tag",
        "Put tags on a knowledge base.",
        (params.BASE, TAGS),
        lambda api, args: api.tags.bind(args["base"], args.texts("tags")),
        done="tagged {base}",
    ),
    ApiVerb(
        "unbind-tag",
        "Take a tag off a knowledge base.",
        (params.BASE, params.TAG),
        lambda api, args: api.tags.unbind(args["base"], args["tag"]),
        done="took the tag off {base}",
    ),
    # models
    ApiVerb(
        "models",
        "List the server's models of a KIND: text-embedding, rerank, llm and others.",
        (KIND,),
        lambda api, args: api.search.models(args["kind"]),
    ),
)

GROUP = group_of(
    "kb",
    "Knowledge bases, their fields and tags, by hand. BASE and DOCUMENT are ids or exact names.",
    VERBS,
)
