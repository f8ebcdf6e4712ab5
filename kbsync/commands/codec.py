"""Errands as JSON and back: what a verb hands over to the daemon."""

from __future__ import annotations

import json
from dataclasses import asdict

from pydantic import BaseModel, TypeAdapter, ValidationError

from kbsync.commands.adopt import AdoptDocuments
from kbsync.commands.apply import Apply, Retry
from kbsync.commands.base import Command
from kbsync.commands.control import Pause, Reload
from kbsync.commands.explain import Explain
from kbsync.commands.mirror import DestroyMirror, ForgetMirror, RenameMirror
from kbsync.commands.plan import PlanCommand

VERBS: dict[str, type[Command]] = {
    kind.verb: kind
    for kind in (
        Apply,
        DestroyMirror,
        Explain,
        ForgetMirror,
        PlanCommand,
        Pause,
        Reload,
        RenameMirror,
        Retry,
        AdoptDocuments,
    )
}


def to_json(errand: Command) -> str:
    """Return an errand as one line of JSON."""
    return json.dumps({"verb": errand.verb, "asked": asdict(errand)}, default=_plain)


def from_json(verb: str, asked: object) -> Command:
    """Return the errand `to_json` made that of.

    Raises:
        ValueError: there is no such verb, or it cannot be asked so.
    """
    if verb not in VERBS:
        raise ValueError(f"there is no verb {verb}")
    adapter: TypeAdapter[Command] = TypeAdapter(VERBS[verb])
    try:
        # Strict as JSON is: there lists are the only sequences.
        return adapter.validate_json(json.dumps(asked), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}") from None


def _plain(value: object) -> object:
    assert isinstance(value, BaseModel)  # noqa: S101 - the one other kind an errand is made of
    return value.model_dump(mode="json")
