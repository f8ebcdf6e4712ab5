"""Metadata as a mirror and its rules declare it: names of fields, and texts with placeholders."""

from __future__ import annotations

import string

PLACEHOLDERS = frozenset(
    {"parent", "stem", "relative_path", "name", "extension", "mtime", "size", "owner"}
)
MARKS = "kbsync_"
# Every document has these by itself, so that no server makes a field of such a name
# (docs/dify-api.md section 8).
BUILT_IN = frozenset({"document_name", "uploader", "upload_date", "last_update_date", "source"})
LONGEST_NAME = 255


def why_no_field(name: str) -> str | None:
    """Return why no metadata field may be called `name`, None where one may."""
    if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
        return f"it has 1 to {LONGEST_NAME} characters"
    if name.startswith(MARKS):
        return f"names that begin with {MARKS} are those of the marks"
    if name in BUILT_IN:
        return "every document has a built-in field of this name"
    return None


def template_fault(text: str) -> str | None:
    """Return what is wanted of a text with placeholders, None where it can be filled."""
    known = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return f"text with {known} is wanted, and {{{{ for a brace"
    for _, name, form, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            return f"one of {known} is wanted in braces, and {{{{ for a brace"
    return None
