"""The arguments and options that several calls by hand take."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import click


def json_object(text: str) -> dict[str, object]:
    """Return the JSON object that was typed."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.BadParameter('a JSON object is wanted, such as {"mode": "automatic"}')
    return found


def typed(text: str) -> str:
    """Return the text that was typed, or for ``-`` all of standard input, read as UTF-8."""
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"standard input is not UTF-8 (byte {error.start})") from None


TECHNIQUES = click.Choice(["economy", "high_quality"])
FORMS = click.Choice(["text_model", "hierarchical_model", "qa_model"])
METHODS = click.Choice(["keyword_search", "semantic_search", "full_text_search", "hybrid_search"])


def argument(name: str, metavar: str = "", *, many: bool = False) -> click.Argument:
    """Return an argument that has to be given, once or (`many`) at least once."""
    return click.Argument([name], metavar=metavar or name.upper(), nargs=-1 if many else 1)


def option(
    name: str,
    help: str,
    type: click.Choice[str] | Callable[[str], object] | None = None,
    metavar: str | None = None,
) -> click.Option:
    """Return an option that may be left out."""
    names = [f"--{name}", name.replace("-", "_")]
    return click.Option(names, help=help, type=type, metavar=metavar)


BASE = argument("base")
DOCUMENT = argument("document")
DOCUMENTS = click.Argument(["documents"], metavar="DOCUMENT...", nargs=-1, required=True)
CHUNK = argument("chunk")
CHILD = argument("child")
FIELD = argument("field")
NAME = argument("name")
TAG = argument("tag")
TEXT = click.Argument(["text"], metavar="TEXT", type=typed)
FILE = click.Argument(["file"], type=click.Path(exists=True, dir_okay=False))

NEW_NAME = option("name", "The name to give it.")
TECHNIQUE = option("technique", "economy: keywords; high_quality: embeddings.", TECHNIQUES)
PERMISSION = option(
    "permission",
    "Who sees it.",
    click.Choice(["only_me", "all_team_members", "partial_members"]),
)
RETRIEVAL = option("retrieval", "How it answers searches, as the API's JSON.", json_object, "JSON")
EMBEDDING = (
    option("embedding-model", "Model, as `kbsync kb models` names it."),
    option("embedding-provider", "Its provider, as `kbsync kb models` names it."),
)
DESCRIPTION = option("description", "What it is about; at most 400 characters.")

PAGES = (
    option("keyword", "Only rows that contain this."),
    click.Option(["--page"], type=click.IntRange(min=1), default=1, help="Which page."),
    click.Option(
        ["--limit"],
        type=click.IntRange(1, 100),
        default=100,
        show_default=True,
        help="Rows of a page.",
    ),
    click.Option(["--all", "every"], is_flag=True, help="Every page."),
)

SHAPING = (
    option("form", "Form of the chunks; by default what the base has.", FORMS),
    option("language", "Language of the text, in the server's words."),
    option("rule", "How it is cut into chunks, as the API's JSON.", json_object, "JSON"),
)
WAIT = click.Option(
    ["--wait"],
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait until it is indexed, at most so long.",
)
RAW = click.Option(["--raw"], is_flag=True, help="Send the bytes as they are, not text as UTF-8.")
TWIN = click.Option(["--twin"], is_flag=True, help="Make a second document when the name is taken.")
KEYWORDS = click.Option(
    ["--keyword", "keywords"], multiple=True, help="Find it by this word too; may be repeated."
)
ANSWER = option("answer", "The answer, in a base of questions and answers.")
