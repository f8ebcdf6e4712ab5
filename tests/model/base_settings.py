"""The settings of the model's knowledge base, as servers keep them (docs/dify-api.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kbsync.model import Base, BaseSettings
from kbsync.planning.base_settings import merged


def made_with(settings: BaseSettings) -> BaseSettings:
    """Return those of a base that is made; a create takes no list of members."""
    permission = settings.permission if settings.members is None else None
    return BaseSettings(
        description=settings.description or "",
        permission=permission or "only_me",
        tags=frozenset(),
    )


def changed(before: BaseSettings, settings: BaseSettings) -> BaseSettings:
    """Return those after a PATCH; the members go with the permission."""
    after = merged(before, settings)
    return after if settings.permission is None else replace(after, members=settings.members)


def tagged(before: BaseSettings, on: AbstractSet[str], off: AbstractSet[str]) -> BaseSettings:
    return replace(before, tags=((before.tags or frozenset()) - off) | on)


def shown(
    base_id: str, name: str, documents: int, settings: BaseSettings, fields: Mapping[str, str]
) -> Base:
    """Return the base as a get shows it."""
    return Base(
        id=base_id,
        name=name,
        documents=documents,
        technique=settings.technique,
        settings=replace(settings, fields=fields),
    )
