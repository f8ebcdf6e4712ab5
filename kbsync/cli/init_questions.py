"""What `kbsync init` asks at a terminal: folder, server, key, and which of its knowledge bases."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import click

from kbsync.app import build
from kbsync.cli.api.outcome import value_of
from kbsync.cli.local_verbs import Init
from kbsync.config import Settings
from kbsync.config.loading import load
from kbsync.config.server import EMBEDDED
from kbsync.config.template import starter
from kbsync.messages import Problem, printable

KEY = "DIFY_API_KEY"


def answered(verb: Init) -> Init:
    """Ask for what was not typed, and return the verb with it. The key is not kept."""
    source = click.prompt("Folder to mirror", default=verb.source)
    url = click.prompt(
        "Address of the Dify server, which ends in /v1 (embedded: the one that comes with kbsync)",
        default=verb.url,
    )
    bases: Sequence[str] = ()
    if url != EMBEDDED:
        key = os.environ.get(KEY) or click.prompt(
            "Its knowledge API key, to list its knowledge bases (not shown, not written; may be "
            "left out)",
            hide_input=True,
            default="",
            show_default=False,
        )
        bases = _bases(url, key) if key else ()
    return replace(verb, source=source, url=url, knowledge_base=_chosen(bases, verb))


def _chosen(bases: Sequence[str], verb: Init) -> str:
    for number, name in enumerate(bases, 1):
        click.echo(f"  {number}. {printable(name)}")
    question = "Knowledge base: a number, or the name of a new one" if bases else "Knowledge base"
    typed: str = click.prompt(question, default=verb.knowledge_base)
    chosen = int(typed) - 1 if typed.isascii() and typed.isdigit() else -1
    return bases[chosen] if 0 <= chosen < len(bases) else typed


def _bases(url: str, key: str) -> list[str]:
    """Return the names of the server's knowledge bases; none, and why, where it does not say."""
    try:
        settings = _trial(url, key)
        return anyio.run(_listed, settings)
    except Problem as problem:
        click.echo(f"kbsync: warning: {problem}", err=True)
        return []


def _trial(url: str, key: str) -> Settings:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kbsync.yaml"
        file.write_text(starter(url=url), encoding="utf-8")
        return load(file, {**os.environ, KEY: key})


async def _listed(settings: Settings) -> list[str]:
    async with build.client(settings, next(iter(settings.servers))) as api:
        page = value_of(await api.bases.list(), "kb", "list")
    return [each.name for each in page.rows]
