"""Process rules: checked, stored and applied to texts (docs/dify-api.md sections 4.4 and 4.5)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .replies import invalid
from .request_models import ProcessRule, ProcessRuleDetails, Segmentation
from .sqlite_store import fresh_id
from .text_splitting import clean, normal_form, split_at, split_automatically

MIN_CHUNK: Final = 50
MAX_CHUNK: Final = 4000
MAX_PARENT: Final = 10_000
KNOWN_CLEANING: Final = ("remove_stopwords", "remove_extra_spaces", "remove_urls_emails")
AUTOMATIC: Final[dict[str, object]] = {
    "pre_processing_rules": [
        {"id": "remove_extra_spaces", "enabled": True},
        {"id": "remove_urls_emails", "enabled": False},
    ],
    # This one is shown only: an automatic rule cuts by `split_automatically`.
    "segmentation": {"delimiter": "\n", "max_tokens": 500, "chunk_overlap": 50},
}


@dataclass(frozen=True, slots=True)
class TextChunk:
    """One chunk of a document and, in the hierarchical form, its children."""

    content: str
    children: Sequence[str] = ()


def check(rule: ProcessRule) -> None:
    """Refuse a custom or hierarchical rule that lacks a part, one message each (section 4.4)."""
    if rule.mode == "automatic":
        return
    if rule.rules is None:
        raise invalid("Process rule rules is required")
    if rule.rules.pre_processing_rules is None:
        raise invalid("Process rule pre_processing_rules is required")
    for cleaning in rule.rules.pre_processing_rules:
        if cleaning.id not in KNOWN_CLEANING:
            raise invalid("Process rule pre_processing_rules id is invalid")
    if rule.rules.segmentation is None:
        raise invalid("Process rule segmentation is required")
    if not rule.rules.segmentation.separator:
        raise invalid("Process rule segmentation separator is required")
    if not rule.rules.segmentation.max_tokens:
        raise invalid("Process rule segmentation max_tokens is required")


def record(db: sqlite3.Connection, base: str, rule: ProcessRule | None) -> str:
    """Store the rule (None: automatic) as the base's newest and return its id."""
    rules = AUTOMATIC
    if rule is not None and rule.mode != "automatic" and rule.rules is not None:
        rules = rule.rules.model_dump()
    rule_id = fresh_id()
    db.execute(
        "INSERT INTO process_rule (id, knowledge_base, mode, rules) VALUES (?, ?, ?, ?)",
        (rule_id, base, rule.mode if rule else "automatic", json.dumps(rules)),
    )
    return rule_id


def latest(db: sqlite3.Connection, base: str) -> sqlite3.Row | None:
    """The newest rule of the base."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM process_rule WHERE knowledge_base = ? ORDER BY number DESC LIMIT 1", (base,)
    ).fetchone()
    return row


def rule_object(row: sqlite3.Row | None) -> dict[str, object]:
    """The JSON object of a rule; the default one for None."""
    if row is None:
        return {"mode": "automatic", "rules": AUTOMATIC}
    return {"mode": row["mode"], "rules": json.loads(row["rules"])}


def children(
    db: sqlite3.Connection, document: sqlite3.Row, content: str, *, spared: bool
) -> list[str]:
    """The child chunks that the rule of a document makes of one chunk's text."""
    row = db.execute("SELECT * FROM process_rule WHERE id = ?", (document["rule"],)).fetchone()
    return StoredRule(row, spared=spared).cut_children(content)


class StoredRule:
    """A stored rule, ready to be applied to texts.

    Args:
        row: a document joined with its process rule.
        spared: the text is spared what old versions take from it.
    """

    def __init__(self, row: sqlite3.Row, *, spared: bool) -> None:
        self._spared = spared
        stored = json.loads(row["rules"])
        automatic = row["mode"] == "automatic"
        self._rules = None if automatic else ProcessRuleDetails.model_validate(stored)
        self._cleaning = [
            entry["id"] for entry in stored.get("pre_processing_rules") or [] if entry["enabled"]
        ]

    def clean(self, text: str) -> str:
        """The text after the pre-processing rules."""
        return clean(text, self._cleaning, spared=self._spared)

    def cut(self, text: str, *, hierarchical: bool) -> Iterator[TextChunk]:
        """Yield the chunks of a cleaned text.

        Raises:
            ValueError: the rule's lengths make no sense; `check` accepts such rules.
        """
        if not hierarchical:
            return (TextChunk(piece) for piece in self._pieces(text))
        rules = self._rules or ProcessRuleDetails()
        if rules.parent_mode == "full-doc":
            whole = text.strip()[:MAX_PARENT]
            parents = iter([whole] if whole else [])
        else:
            parents = self._pieces(text)
        return (TextChunk(parent, self.cut_children(parent)) for parent in parents)

    def cut_children(self, parent: str) -> list[str]:
        """The child chunks of a parent chunk.

        Raises:
            ValueError: the rule's lengths make no sense.
        """
        children = self._rules.subchunk_segmentation if self._rules else None
        return list(self._normal(self._cut(parent, children)))

    def _pieces(self, text: str) -> Iterator[str]:
        segmentation = self._rules.segmentation if self._rules else None
        return self._normal(self._cut(text, segmentation))

    def _cut(self, text: str, segmentation: Segmentation | None) -> Iterator[str]:
        if segmentation is None:
            return split_automatically(text, longest=500, overlap=50)
        # The real server finds this out while it indexes, so it is the document's error.
        if not MIN_CHUNK <= segmentation.max_tokens <= MAX_CHUNK:
            raise ValueError(
                f"Custom segment length should be between {MIN_CHUNK} and {MAX_CHUNK}."
            )
        if segmentation.chunk_overlap > segmentation.max_tokens:
            raise ValueError(
                f"Got a larger chunk overlap ({segmentation.chunk_overlap}) than chunk size "
                f"({segmentation.max_tokens}), should be smaller."
            )
        return split_at(
            segmentation.separator,
            text,
            longest=segmentation.max_tokens,
            overlap=segmentation.chunk_overlap,
            spared=self._spared,
        )

    def _normal(self, pieces: Iterable[str]) -> Iterator[str]:
        normal = (normal_form(piece, spared=self._spared) for piece in pieces)
        return (chunk for chunk in normal if chunk)
