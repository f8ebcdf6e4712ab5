"""The `mirrors` section: one folder tied to one knowledge base."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from kbsync.config.chunking import ChunkingSection, settings_hash
from kbsync.config.document_rules import (
    FrontMatter,
    Metadata,
    OnDelete,
    Pattern,
    RuleConfig,
    Send,
    TrashTime,
    UpdateStrategy,
    Url,
)
from kbsync.config.encodings import AUTO, Encodings
from kbsync.config.guard import GuardConfig
from kbsync.config.knowledge_base import KnowledgeBase, base_settings
from kbsync.config.types import (
    WHOLE,
    Bytes,
    FilePath,
    Name,
    Section,
    lasting,
    not_empty,
    wanted,
)
from kbsync.model import BaseSettings, Chunking
from kbsync.model.file_types import ACCEPTED


def _prefix(value: str) -> str:
    parts = value.strip("/").split("/") if value else []
    if value.startswith("/") or any(part in {"", ".", ".."} for part in parts):
        raise wanted("a relative folder is wanted, such as handbook/, without . and ..")
    return "/".join(parts) + "/" if parts else ""


def _extension(value: str) -> str:
    name = value.removeprefix(".").lower()
    if not re.fullmatch(r"[a-z0-9]{1,16}", name):
        raise wanted("a file name extension is wanted, such as md")
    return name


def _never(value: object) -> object:
    return 0 if value == "never" else value


Extension = Annotated[str, AfterValidator(_extension)]


class MirrorConfig(Section):
    """One folder and the knowledge base that is kept like it."""

    name: Name = Field(
        description="Short name, unique in this file: a-z, 0-9, dot, dash, underscore."
    )
    source: FilePath = Field(description="The folder, relative to this file.")
    knowledge_base: KnowledgeBase = Field(
        description="Name of the base, or {id: …}, or {name: …} with its settings."
    )
    server: Name | None = Field(
        default=None, description="Which of the servers; needed when there are several."
    )
    prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        default="",
        description="Folder put before every document's name; "
        "needed when two mirrors fill one base.",
    )
    include: tuple[Pattern, ...] = Field(
        default=(), description="Gitignore patterns of files to take; empty: every file."
    )
    exclude: tuple[Pattern, ...] = Field(
        default=(), description="Gitignore patterns of files to leave out."
    )
    gitignore: bool = Field(default=True, description="Honour .gitignore files in the source.")
    default_excludes: bool = Field(
        default=True,
        description="Leave out what programs leave beside documents: lock files, partial "
        "downloads, conflict copies, wastebaskets, snapshots, thumbnails.",
    )
    hidden: bool = Field(
        default=False, description="Take files and folders whose name starts with a dot."
    )
    follow_symlinks: bool = Field(
        default=False, description="Follow symbolic links, never out of the source."
    )
    extensions: Annotated[tuple[Extension, ...], AfterValidator(not_empty)] = Field(
        default=ACCEPTED,
        description="File name extensions to upload; the server has to accept them.",
    )
    max_file_size: Bytes = Field(
        default=15 << 20,
        description="Largest file to upload; 1 MB is 1024 x 1024 bytes, as the server counts.",
    )
    convert: Literal["utf-8", "none"] = Field(
        default="utf-8",
        description="utf-8: text in other encodings is sent as UTF-8; none: bytes as they are.",
    )
    encoding: Encodings = Field(
        default=(AUTO,),
        description="What text is written in that is not UTF-8: a name, a list of names tried "
        "in turn, or auto, which guesses and holds back what it cannot tell.",
    )
    csv: Literal["commas", "as_is"] = Field(
        default="commas",
        description="commas: CSV files with other delimiters are sent with commas, the only one "
        "servers read; as_is: as they are.",
    )
    chunking: ChunkingSection = Field(
        default_factory=ChunkingSection, description="What shapes the chunks."
    )
    send: Send = Field(
        default="file",
        description="file: as it is; text: any file of text, as text; converted: rich types as "
        "Markdown; rows: tables, a row to a chunk.",
    )
    links: Url | None = Field(
        default=None,
        description="The URL that relative links and images of texts are rewritten to.",
    )
    metadata: Metadata = Field(
        default_factory=dict,
        description="Metadata of every document, by field; text with {parent}, {stem}, {mtime} …",
    )
    front_matter: FrontMatter | None = Field(
        default=None,
        description="Fields of YAML front matter that become metadata; it is left out of the text. "
        "[]: none of them; null: it stays in the text.",
    )
    on_drift: Literal["repair", "report"] = Field(
        default="repair",
        description="When a document was changed in the base: upload again, or only say so.",
    )
    read_only: bool = Field(
        default=False, description="Plan and show, and write nothing to the server."
    )
    prune: bool = Field(
        default=True, description="Delete documents of ours whose file is gone, orphans included."
    )
    on_delete: OnDelete = Field(
        default="delete",
        description="delete: the document of a deleted file is deleted; disable: it is put into "
        "the trash, where no search finds it; keep: the same, and searches find it.",
    )
    trash_for: TrashTime | None = Field(
        default=None,
        description="So long a document stays in the trash; null: until `kbsync trash empty`.",
    )
    update_strategy: UpdateStrategy = Field(
        default="in_place",
        description="in_place: a changed file is sent over its document; swap: beside it, and the "
        "old one is deleted once searches find the new one; chunks: texts are cut here, and an "
        "edit writes the chunks that it changes.",
    )
    rules: tuple[RuleConfig, ...] = Field(
        default=(),
        description="Settings of some files alone; of the rules that match one the last to set a "
        "key wins.",
    )
    guard: GuardConfig = Field(
        default_factory=GuardConfig, description="Limits beyond which a plan halts."
    )
    settle: Annotated[float, lasting(0, 3600)] = Field(
        default=1.0, description="A file is read once it has rested so long."
    )
    trust_ctime: bool = Field(
        default=True,
        description="A change time (ctime) that moved makes a file be read again; false where "
        "backups or a network file system move it for nothing.",
    )
    rehash: Annotated[float, lasting(0, 366 * 86400), BeforeValidator(_never)] = Field(
        default=7 * 86400.0,
        description="Every file is read and compared once in so long, whatever its times say, with "
        "2 percent of one core at most; never: not at all; read by the daemon.",
    )
    update_interval: Annotated[float, lasting(0, 86400)] = Field(
        default=10.0,
        description="Least distance between two uploads of one document from the fourth within an "
        "hour on, doubling with each up to 15 minutes; 0: none; read by the daemon.",
    )
    delete_grace: Annotated[float, lasting(0, 86400)] = Field(
        default=30.0,
        description="A file has to be gone so long before its document is deleted; "
        "read by the daemon, apply does not wait.",
    )
    ambiguity_window: Annotated[float, lasting(1, 86400)] = Field(
        default=900.0,
        description="So long the server may still work on a call whose answer was lost.",
    )
    local_resync: Annotated[float, lasting(1, 86400)] = Field(
        default=900.0, description="The folder is compared in full so often; read by the daemon."
    )
    remote_resync: Annotated[float, lasting(1, 7 * 86400)] = Field(
        default=3600.0, description="The base is listed in full so often; read by the daemon."
    )
    max_indexing: Annotated[int, Field(ge=1, le=1000), WHOLE] | None = Field(
        default=None,
        description="Documents uploaded and not yet indexed; null: the server's, and one where "
        "that would lose documents from search; a number wins.",
    )

    @cached_property
    def declared_chunking(self) -> Chunking:
        """The chunking section as the engine and the remote want it."""
        return self.chunking.declared()

    @property
    def declared_base(self) -> BaseSettings:
        """What is declared of the knowledge base itself."""
        return base_settings(self.knowledge_base, self.chunking)

    @cached_property
    def settings_hash(self) -> str:
        """What a fingerprint of this mirror carries as `settings`."""
        return settings_hash(self.declared_chunking, self.convert)
