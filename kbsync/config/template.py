"""The first configuration file, as `kbsync init` writes it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from kbsync.config.server import EMBEDDED

_EMBEDDED = """\
# The knowledge base that comes with kbsync. For a Dify server write instead:
#   server: {url: "https://api.dify.ai/v1", api_key: "${DIFY_API_KEY}"}
server:
  url: embedded
"""

_DIFY = """\
# The key comes from the environment: export DIFY_API_KEY=dataset-...
server:
  url: %s
  api_key: ${DIFY_API_KEY}
"""

USUAL = "kbsync.yaml"
# Beside the configuration, for editors; the name stands in its first line.
SCHEMA = "kbsync.schema.json"

_WHOLE = """\
# yaml-language-server: $schema=./kbsync.schema.json
# kbsync.yaml: which folders are kept like which knowledge bases.
# Every key there is, with its default: kbsync schema --example. Check this file: kbsync validate
version: 1

%s
# What was synced is remembered here. Paths are relative to this file.
ledger: %s

mirrors:
  - name: %s
    source: %s
    knowledge_base: %s    # by name; made when there is none

    # Gitignore patterns; without include every file of an accepted type is taken.
    # include: ["*.md"]
    # exclude: ["drafts/"]
"""


def starter(
    *,
    source: str = "./docs",
    knowledge_base: str = "Docs",
    url: str = EMBEDDED,
    name: str = "",
    file: str = USUAL,
) -> str:
    """Return the text of a commented configuration with one mirror.

    Args:
        source: the folder, relative to the file.
        knowledge_base: the base's name.
        url: ``embedded`` or the address of a Dify server's knowledge API.
        name: the mirror's; by default made of the base's name.
        file: what the file will be called; two files in one folder have a ledger each.
    """
    short = slug(file.removesuffix(".yaml").removesuffix(".yml"))
    ledger = "./state/ledger.db" if file == USUAL else f"./state-{short}/ledger.db"
    server = _EMBEDDED if url == EMBEDDED else _DIFY % _quoted(url)
    return _WHOLE % (
        server,
        ledger,
        _quoted(name or slug(knowledge_base)),
        _quoted(source),
        _quoted(knowledge_base),
    )


def example() -> str:
    """Return the text of a configuration that shows every key, with comments."""
    return Path(__file__).with_name("config.example.yaml").read_text("utf-8")


def _quoted(text: str) -> str:
    """Return `text` as a YAML scalar that comes back as it is, dollar signs included."""
    escaped = text.replace("$", "$$")
    plain = yaml.safe_dump(escaped, default_style='"', allow_unicode=True, width=1 << 20)
    return str(plain).strip()


def slug(text: str) -> str:
    """Return `text` as the short name of a mirror."""
    short = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:64]
    return short or "docs"
