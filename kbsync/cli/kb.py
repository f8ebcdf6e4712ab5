"""`kbsync kb`: knowledge bases, their fields and tags, by hand."""

from __future__ import annotations

from kbsync.cli.api.knowledge_bases import ROWS
from kbsync.cli.api.table import group_of

command = group_of(
    "kb",
    "Knowledge bases, their fields and tags, by hand. BASE and DOCUMENT are ids or exact names.",
    ROWS,
)
