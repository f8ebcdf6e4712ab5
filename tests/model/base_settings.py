"""The settings of the model's knowledge base, as servers keep them (docs/dify-api.md section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kbsync.messages import Message
from kbsync.model import (
    Base,
    BaseSettings,
    Capabilities,
    Capability,
    Done,
    Gone,
    Outcome,
    Rejected,
)
from kbsync.planning.base_settings import merged

WHY = Message("KB-T001", "{what}")


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


class Settings:
    """The part of the model's knowledge base that is about the base itself."""

    able: Capabilities
    base_id: str | None
    fields: dict[str, str]
    kinds: dict[str, str]
    settings: BaseSettings
    note: Callable[..., None]

    def change_base(self, base_id: str, settings: BaseSettings) -> Outcome[None]:
        if base_id != self.base_id:
            return Gone()
        if self._lacks(Capability.GET_BASE):
            return Rejected(WHY(what="no change of a base here"))
        self.settings = changed(self.settings, settings)
        return Done(None)

    def tag_base(self, base_id: str, on: AbstractSet[str], off: AbstractSet[str]) -> Outcome[None]:
        if base_id != self.base_id:
            return Gone()
        if self._lacks(Capability.TAGS):
            return Rejected(WHY(what="no tags here"))
        self.settings = tagged(self.settings, on, off)
        return Done(None)

    def typed(self) -> dict[str, str]:
        return {each: self.kinds.get(each, "string") for each in self.fields}

    def _lacks(self, capability: Capability) -> bool:
        if capability not in self.able:
            self.note(capability, able=False)
        return capability not in self.able
