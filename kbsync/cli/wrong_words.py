"""Words that people type and kbsync does not know, and what they mean there."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

import click

from kbsync.messages import Notice
from kbsync.messages import command as say

# What other tools call it.
SYNONYMS = {
    **dict.fromkeys(("sync", "push", "up", "upload", "deploy"), "apply"),
    **dict.fromkeys(("watch", "start", "daemon"), "run"),
    **dict.fromkeys(("diff", "preview", "dry-run", "changes"), "plan"),
    **dict.fromkeys(("check", "lint", "test"), "validate"),
    **dict.fromkeys(("new", "create", "setup", "configure"), "init"),
    **dict.fromkeys(("ls", "list", "info", "state", "ps"), "status"),
    **dict.fromkeys(("log", "logs", "journal"), "history"),
    **dict.fromkeys(("query", "ask", "find", "retrieve"), "search"),
    **dict.fromkeys(("compare",), "verify"),
    **dict.fromkeys(("why", "show"), "explain"),
    **dict.fromkeys(("stop",), "pause"),
    **dict.fromkeys(("continue", "unpause"), "resume"),
    **dict.fromkeys(("diagnose", "health"), "doctor"),
    **dict.fromkeys(("import",), "adopt"),
    **dict.fromkeys(("pull", "download", "dump"), "export"),
    **dict.fromkeys(("undelete", "restore", "undo"), "trash restore"),
    **dict.fromkeys(("backup",), "ledger backup"),
    **dict.fromkeys(("forget",), "mirror forget"),
    **dict.fromkeys(("rename",), "mirror rename"),
    **dict.fromkeys(("server",), "serve"),
    **dict.fromkeys(("dataset", "datasets", "bases", "knowledge"), "kb"),
    **dict.fromkeys(("documents", "doc"), "docs"),
    **dict.fromkeys(("segments", "chunk"), "chunks"),
    **dict.fromkeys(("completions", "install-completion"), "completion"),
    "help": "--help",
    "version": "--version",
}
# By verb and option.
OPTIONS = {
    **dict.fromkeys(((verb, "--dry-run") for verb in ("apply", "run")), "plan"),
    ("apply", "-n"): "plan",
    ("run", "--once"): "apply",
    ("status", "-f"): "status --watch",
    ("status", "--follow"): "status --watch",
    ("plan", "--verbose"): "plan --full",
    ("plan", "--all"): "plan --full",
}


def no_verb(typed: str, group: str, known: Collection[str]) -> Notice:
    """Return what is said of a verb that is not there, with the one that was meant.

    Args:
        typed: the word.
        group: the words before it, such as ``ledger``; empty for the first word.
        known: the verbs that are there.
    """
    where = tuple(group.split())
    if not group and typed in SYNONYMS:
        meant = tuple(SYNONYMS[typed].split())
        return say.VERB_MEANT(typed=typed, meant=meant, words=" ".join(meant))
    if near := get_close_matches(typed, known, n=1):
        words = (*where, near[0])
        return say.VERB_NEAR(typed=_named(group, typed), meant=words, words=" ".join(words))
    return say.NO_SUCH_VERB(
        typed=_named(group, typed), known=", ".join(known), asking=(*where, "--help")
    )


def _named(group: str, typed: str) -> str:
    return f"{group} {typed}" if group else typed


def option_meant(error: click.NoSuchOption) -> Notice | None:
    """Return what is said of an option that another verb has; None for any other."""
    verb = error.ctx.info_name if error.ctx else None
    meant = OPTIONS.get((verb or "", error.option_name))
    if meant is None:
        return None
    return say.OPTION_MEANT(
        verb=verb, option=error.option_name, meant=tuple(meant.split()), words=meant
    )
