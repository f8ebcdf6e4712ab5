"""`kbsync schema`: print the JSON Schema of the configuration."""

from __future__ import annotations

import click


@click.command(help="Print the JSON Schema of kbsync.yaml, for editors and linters.")
def command() -> None:
    """Print the schema."""
    from kbsync.cli import output  # noqa: PLC0415
    from kbsync.config.declaration import json_schema  # noqa: PLC0415

    output.as_json(json_schema())
