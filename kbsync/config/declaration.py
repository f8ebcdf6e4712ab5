"""The whole configuration file as declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from kbsync.config.ledgerplace import Place
from kbsync.config.mirror import Mirror
from kbsync.config.section import Name, Section, lasting, not_empty, wanted
from kbsync.config.server import Server


def _version(value: object) -> object:
    if value not in (1, "1") or isinstance(value, bool):
        raise wanted("version 1 is wanted")
    return 1


class Declaration(Section):
    """Everything the file says, each part sound by itself; `rules` asks whether parts agree."""

    version: Annotated[int, BeforeValidator(_version)] = Field(
        description="Version of the configuration format: 1."
    )
    server: Server | None = Field(default=None, description="The one server; or use servers.")
    servers: Annotated[Mapping[Name, Server], AfterValidator(not_empty)] | None = Field(
        default=None, description="Several servers by name; mirrors say which with server."
    )
    ledger: Place | None = Field(
        default=None,
        description="The ledger: a SQLite file, or a postgresql:// URL; by default a file in "
        "the platform's state directory, one for each configuration file.",
    )
    read_only: bool = Field(
        default=False, description="For every mirror: plan and show, write nothing to the server."
    )
    journal_retention: Annotated[float, lasting(86400, 3650 * 86400)] = Field(
        default=90 * 86400.0,
        description="So long the journal keeps its lines; the daemon removes older ones.",
    )
    mirrors: Annotated[tuple[Mirror, ...], AfterValidator(not_empty)] = Field(
        description="The folders and their knowledge bases."
    )
