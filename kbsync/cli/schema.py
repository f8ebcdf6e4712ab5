"""`kbsync schema`: print the JSON Schema of the configuration."""

from __future__ import annotations

from kbsync.cli import output
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Schema
from kbsync.config.declaration import json_schema


def schema(verb: Schema, context: CliContext) -> None:
    """Print the schema."""
    output.as_json(json_schema())
