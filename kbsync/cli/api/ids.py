"""Names → ids: a knowledge base, a document or a field may be typed by its exact name."""

from __future__ import annotations

from collections.abc import Mapping

from kbsync.cli.api.outcome import value_of
from kbsync.dify.client import DifyClient
from kbsync.dify.request import is_id
from kbsync.messages import Problem
from kbsync.messages import command as say


async def with_ids(api: DifyClient, words: Mapping[str, object]) -> dict[str, object]:
    """Return what was typed with every name of a base, document or field replaced by its id.

    Raises:
        Problem: a name is not there or several times, or the server could not be asked.
    """
    found = dict(words)
    if not isinstance(base := words.get("base"), str):
        return found
    found["base"] = where = await base_id(api, base)
    if isinstance(name := words.get("document"), str):
        found["document"] = await document_id(api, where, name)
    if isinstance(names := words.get("documents"), tuple):
        found["documents"] = tuple([await document_id(api, where, each) for each in names])
    if isinstance(name := words.get("field"), str):
        found["field"] = await field_id(api, where, name)
    return found


async def base_id(api: DifyClient, name: str) -> str:
    """Return the id of the knowledge base called exactly `name`, or `name` when it is an id.

    Raises:
        Problem: there is none, or more than one.
    """
    if is_id(name):
        return name
    found = await base_named(api, name)
    if found is None:
        raise Problem(say.NO_SUCH_BASE(base=name))
    return found


async def base_named(api: DifyClient, name: str) -> str | None:
    """Return the id of the knowledge base called exactly `name`, None when there is none.

    Raises:
        Problem: there is more than one.
    """
    found = [row.id for row in value_of(await api.bases.named(name), "kb", "list")]
    if len(found) > 1:
        raise Problem(say.SEVERAL_BASES(base=name, ids=", ".join(found)))
    return found[0] if found else None


async def document_id(api: DifyClient, base: str, name: str) -> str:
    """Return the id of the document called exactly `name`, or `name` when it is an id.

    Raises:
        Problem: there is none, or more than one.
    """
    if is_id(name):
        return name
    found = [row.id for row in value_of(await api.documents.named(base, name), "docs", "list")]
    if not found:
        raise Problem(say.NO_SUCH_DOCUMENT(document=name, base=base))
    if len(found) > 1:
        raise Problem(say.SEVERAL_DOCUMENTS(document=name, base=base, ids=found))
    return found[0]


async def field_id(api: DifyClient, base: str, name: str) -> str:
    """Return the id of the metadata field called exactly `name`, or `name` when it is an id.

    Raises:
        Problem: there is none.
    """
    if is_id(name):
        return name
    known = value_of(await api.metadata.fields(base), "kb", "fields")
    for field in known.fields:
        if field.name == name:
            return field.id
    raise Problem(say.NO_SUCH_FIELD(field=name, base=base))
