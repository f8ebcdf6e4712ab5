"""`kbsync docs`: documents of a knowledge base, by hand."""

from __future__ import annotations

from kbsync.cli.api.documents import ROWS
from kbsync.cli.api.table import group_of

command = group_of(
    "docs",
    "Documents of a knowledge base, by hand. BASE and DOCUMENT are ids or exact names.",
    ROWS,
)
