"""`kbsync chunks`: chunks of a document, by hand."""

from __future__ import annotations

from kbsync.cli.calls.chunks import ROWS
from kbsync.cli.calls.group import group_of

command = group_of(
    "chunks",
    "Chunks of a document, by hand. BASE and DOCUMENT are ids or exact names.",
    ROWS,
)
