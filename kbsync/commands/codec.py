"""Commands as JSON and back: what a verb hands over to the daemon."""

from __future__ import annotations

import json
from dataclasses import asdict

from pydantic import BaseModel, TypeAdapter, ValidationError

from kbsync.commands.base import Command
from kbsync.commands.mirror_verbs import (
    AdoptDocuments,
    DestroyMirror,
    EmptyTrash,
    ForgetMirror,
    Pause,
    Reload,
    RenameMirror,
)
from kbsync.commands.writing_verbs import Apply, Explain, PlanCommand, Retry
from kbsync.messages.advice import INVOCATION
from kbsync.planning.saved_plan import SavedPlan

COMMANDS: tuple[type[Command], ...] = (
    *(PlanCommand, Apply, Retry, Explain),
    *(AdoptDocuments, EmptyTrash),
    *(Pause, Reload),
    *(RenameMirror, ForgetMirror, DestroyMirror),
)
VERBS: dict[str, type[Command]] = {kind.verb: kind for kind in COMMANDS}


def to_json(command: Command) -> str:
    """Return a command as one line of JSON, with how the process was invoked that asks."""
    invocation = asdict(INVOCATION.get())
    request = {"verb": command.verb, "asked": asdict(command), "invocation": invocation}
    return json.dumps(request, default=_plain)


def from_json(verb: str, asked: object) -> Command:
    """Return the command `to_json` made that of.

    Raises:
        ValueError: there is no such verb, or it cannot be asked so.
    """
    if verb not in VERBS:
        raise ValueError(f"there is no verb {verb}")
    # Made anew for each request: a daemon gets few, and making all would delay its start.
    adapter: TypeAdapter[Command] = TypeAdapter(VERBS[verb])
    # Declarations do not load the model of a saved plan, so its name is not in their module.
    adapter.rebuild(_types_namespace={"SavedPlan": SavedPlan})
    try:
        # Strict as JSON is: there lists are the only sequences.
        return adapter.validate_json(json.dumps(asked), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}") from None


def _plain(value: object) -> object:
    assert isinstance(value, BaseModel)  # noqa: S101 - the one other kind a command is made of
    return value.model_dump(mode="json")
