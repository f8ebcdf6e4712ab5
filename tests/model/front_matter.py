"""Front matter as the model of a folder knows it: some blocks, and what each of them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsync.messages import source as says
from kbsync.model import FileFacts, Stat, Typed

# None: a block that cannot be used.
BLOCKS: Mapping[bytes, Mapping[str, str | None] | None] = {
    b"---\nteam: front\n---\n": {"team": "front"},
    b"---\nteam: other front\nof: front\n---\n\n": {"team": "other front", "of": "front"},
    b"---\nteam:\n---\n": {"team": None},
    b"---\ntitle: of no concern\n---\n": {},
    b"---\nteam: [front\n---\n": None,
}


def block_of(content: bytes) -> bytes:
    """Return the block that a file begins with; empty where it has none."""
    return next((block for block in BLOCKS if content.startswith(block)), b"")


def facts_of(content: bytes, stat: Stat, fields: Sequence[str]) -> FileFacts:
    """Return what of a file becomes metadata, where `fields` of its front matter are chosen."""
    block = block_of(content) if fields else b""
    said = BLOCKS.get(block, {})
    if said is None:
        fault = says.FRONT_MATTER_BROKEN(cause="it is no YAML")
        return FileFacts(stat=stat, owner="ada", fault=fault)
    chosen = {name: said[name] for name in fields if name in said}
    values = {
        name: None if text is None else Typed("string", text) for name, text in chosen.items()
    }
    return FileFacts(stat=stat, owner="ada", front_matter=values)
