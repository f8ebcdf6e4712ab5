"""The whole configuration file as declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from kbsync.config.mirror import MirrorConfig
from kbsync.config.notify import NotifyTarget
from kbsync.config.server import ServerConfig
from kbsync.config.types import LedgerField, Name, Section, lasting, not_empty, wanted
from kbsync.config.web import WebConfig

ONLY_SERVER = "default"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _version(value: object) -> object:
    if value not in (1, "1") or isinstance(value, bool):
        raise wanted("version 1 is wanted")
    return 1


class Declaration(Section):
    """Everything the file says, each part sound by itself; `consistency` compares the parts."""

    version: Annotated[int, BeforeValidator(_version)] = Field(
        description="Version of the configuration format: 1."
    )
    server: ServerConfig | None = Field(default=None, description="The one server; or use servers.")
    servers: Annotated[Mapping[Name, ServerConfig], AfterValidator(not_empty)] | None = Field(
        default=None, description="Several servers by name; mirrors say which with server."
    )
    ledger: LedgerField | None = Field(
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
    web: WebConfig | None = Field(
        default=None,
        description="The daemon's HTTP server: health, readiness, metrics; off without it.",
    )
    notify: tuple[NotifyTarget, ...] = Field(
        default=(), description="Who is notified by the daemon of trouble, and of its end."
    )
    mirrors: Annotated[tuple[MirrorConfig, ...], AfterValidator(not_empty)] = Field(
        description="The folders and their knowledge bases."
    )


def declared_servers(declaration: Declaration) -> dict[str, ServerConfig]:
    """Return the servers by name, however they are declared."""
    if declaration.servers is not None:
        return dict(declaration.servers)
    return {ONLY_SERVER: declaration.server} if declaration.server else {}


def server_name(mirror: MirrorConfig, servers: Mapping[str, ServerConfig]) -> str | None:
    """Return the name of the mirror's server; None when it names none of several."""
    if mirror.server is not None:
        return mirror.server if mirror.server in servers else None
    return next(iter(servers)) if len(servers) == 1 else None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `kbsync.yaml`, for editors and for `kbsync schema`."""
    schema = Declaration.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **schema, "title": "kbsync.yaml"}
