"""What the document of a path becomes: every declared setting that may differ from file to file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from kbsync.lazy_dataclass import dataclass
from kbsync.model.documents import Chunking

MetadataValue = str | int | float
SUFFIXES = (".txt", ".md")
"""What may be put behind a path in its document's name."""

CHUNK_SEPARATOR = "\n=====\n"
"""Behind each chunk of a text that is cut here; no line of a chunk is that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DocumentRule:
    """The settings of one path, merged from its mirror's keys and the rules that match it.

    Args:
        settings: hash of what shapes its chunks, half of a fingerprint.
        profile: hash of the other settings a document keeps (metadata, front matter, the switch);
            empty where none is declared. Another one than the entry's makes it be looked at again.
        chunking: its process rule and language.
        encoding: what its text is written in that is not UTF-8, as for `MirrorConfig.encoding`.
        csv: ``commas`` or ``as_is``.
        send: ``file``, ``text``, ``converted`` or ``rows``; ``file`` too where the path is of no
            type that the declared one takes.
        declared_send: what is declared, whatever the type of the path.
        any_type: a rule of its own says how it is sent, so that its type need not be accepted.
        links: the URL that its relative links are rewritten to, None to leave them.
        metadata: templates of its metadata values, by field.
        front_matter: fields that its front matter gives; None leaves front matter in the text.
        enabled: whether searches look at it; None leaves the switch to the server.
        update_strategy: ``in_place``, ``swap`` or ``chunks``.
        cut: characters of a chunk at most, where the text is cut here; 0 where the server cuts.
        on_delete: ``delete``, ``disable`` or ``keep``.
        trash_for: seconds after which a document in the trash is deleted; None for never.
        origins: where each of these comes from, in words, for `kbsync explain`.
    """

    settings: str
    chunking: Chunking
    profile: str = ""
    encoding: tuple[str, ...] = ("auto",)
    csv: str = "commas"
    send: str = "file"
    declared_send: str = "file"
    any_type: bool = False
    links: str | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    front_matter: tuple[str, ...] | None = None
    enabled: bool | None = None
    update_strategy: str = "in_place"
    cut: int = 0
    on_delete: str = "delete"
    trash_for: float | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def taken_by(self) -> str:
        """How its text is taken, as the ledger notes it with what the text was taken as."""
        return f"({', '.join(self.encoding)}{', csv as it is' if self.csv == 'as_is' else ''})"

    @property
    def converts(self) -> bool:
        """Whether to read its file may take long, because it becomes something else."""
        return self.send in ("converted", "rows")

    @property
    def suffix(self) -> str:
        """What is put behind the path in the document's name, so that the server reads it so."""
        if self.cut and self.send == "converted":
            return ".txt"  # headings would cut it once more
        return {"text": ".txt", "rows": ".txt", "converted": ".md"}.get(self.send, "")


class DocumentRules(Protocol):
    """The rules of all paths of one mirror."""

    @property
    def shared(self) -> DocumentRule | None:
        """The rule of every path, None where paths may have rules of their own."""
        ...

    def of(self, path: str) -> DocumentRule:
        """Return the rule of a key path."""
        ...


@dataclass(frozen=True, slots=True)
class OneRule:
    """One rule for every path; implements `DocumentRules`."""

    shared: DocumentRule

    def of(self, path: str) -> DocumentRule:
        """Return the rule, whatever the path."""
        del path
        return self.shared
