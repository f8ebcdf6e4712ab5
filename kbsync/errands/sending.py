"""Errands as JSON and back: what a verb hands over to the daemon."""

from __future__ import annotations

import json
from dataclasses import asdict

from pydantic import BaseModel, TypeAdapter, ValidationError

from kbsync.errands.adopt import TakeOver
from kbsync.errands.apply import Apply
from kbsync.errands.control import Pause, Reload
from kbsync.errands.desk import Errand
from kbsync.errands.explain import Explain
from kbsync.errands.mirrors import Destroy, Forget, Rename
from kbsync.errands.plan import MakePlan
from kbsync.errands.retry import Retry

VERBS: dict[str, type[Errand]] = {
    kind.verb: kind
    for kind in (Apply, Destroy, Explain, Forget, MakePlan, Pause, Reload, Rename, Retry, TakeOver)
}


def to_json(errand: Errand) -> str:
    """Return an errand as one line of JSON."""
    return json.dumps({"verb": errand.verb, "asked": asdict(errand)}, default=_plain)


def from_json(verb: str, asked: object) -> Errand:
    """Return the errand `to_json` made that of.

    Raises:
        ValueError: there is no such verb, or it cannot be asked so.
    """
    if verb not in VERBS:
        raise ValueError(f"there is no verb {verb}")
    adapter: TypeAdapter[Errand] = TypeAdapter(VERBS[verb])
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
