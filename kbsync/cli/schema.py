"""`kbsync schema`: print the JSON Schema of the configuration, or every key as it is written."""

from __future__ import annotations

import click

from kbsync.cli import output
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Schema
from kbsync.config.declaration import json_schema
from kbsync.config.template import example


def schema(verb: Schema, context: CliContext) -> None:
    """Print the schema, or the example."""
    if verb.example:
        click.echo(example(), nl=False)
    else:
        output.as_json(json_schema())
