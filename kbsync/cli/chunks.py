"""`kbsync chunks`: chunks of a document, by hand."""

from __future__ import annotations

from kbsync.cli.api.chunks import ROWS
from kbsync.cli.api.table import group_of

command = group_of(
    "chunks",
    "Chunks of a document, by hand. BASE and DOCUMENT are ids or exact names.",
    ROWS,
)
