"""`kbsync docs`: documents of a knowledge base, by hand."""

from __future__ import annotations

from kbsync.cli.calls.documents import ROWS
from kbsync.cli.calls.group import group_of

command = group_of(
    "docs",
    "Documents of a knowledge base, by hand. BASE and DOCUMENT are ids or exact names.",
    ROWS,
)
