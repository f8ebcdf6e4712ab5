"""The four calls that upload, by hand: the file is streamed, text in other encodings as UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kbsync.cli.calls.row import Given

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient
    from kbsync.dify.wire import Document, Upload
    from kbsync.engine.ports import Payload
    from kbsync.model import Outcome

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


async def create_file(api: DifyClient, it: Given) -> Outcome[Upload]:
    """Make a document of a file."""
    from kbsync.model import Done  # noqa: PLC0415

    options = await _options(api, it, creating=True)
    if not isinstance(options, Done):
        return options
    if it.flag("twin"):
        options.value["duplicate"] = False
    path = Path(it["file"])
    with _opened(path, raw=it.flag("raw")) as payload:
        sent = await api.documents.create_by_file(
            it["base"], it.text("name") or path.name, payload, options.value
        )
    return await _indexed(api, it, sent)


async def create_text(api: DifyClient, it: Given) -> Outcome[Upload]:
    """Make a document of a text."""
    from kbsync.model import Done  # noqa: PLC0415

    options = await _options(api, it, creating=True)
    if not isinstance(options, Done):
        return options
    sent = await api.documents.create_by_text(it["base"], it["name"], it["text"], options.value)
    return await _indexed(api, it, sent)


async def update_file(api: DifyClient, it: Given) -> Outcome[Upload]:
    """Replace a document by a file."""
    from kbsync.model import Done  # noqa: PLC0415

    options = await _options(api, it, creating=False)
    if not isinstance(options, Done):
        return options
    path = Path(it["file"])
    with _opened(path, raw=it.flag("raw")) as payload:
        sent = await api.documents.update_by_file(
            it["base"], it["document"], it.text("name") or path.name, payload, options.value
        )
    return await _indexed(api, it, sent)


async def update_text(api: DifyClient, it: Given) -> Outcome[Upload]:
    """Replace a document by a text."""
    from kbsync.model import Done  # noqa: PLC0415

    options = await _options(api, it, creating=False)
    if not isinstance(options, Done):
        return options
    sent = await api.documents.update_by_text(
        it["base"], it["document"], it["name"], it["text"], options.value
    )
    return await _indexed(api, it, sent)


async def _options(api: DifyClient, it: Given, *, creating: bool) -> Outcome[dict[str, object]]:
    """Return the ``data`` keys to send: what was typed, and what this base insists on.

    The form has to be told with every upload to a base that is not of the usual one, the
    technique with every text, and a rule to a base that never had a document (sections 4.2 to 4.6).
    """
    from kbsync.model import Done  # noqa: PLC0415

    asked = await api.bases.get(it["base"])
    if not isinstance(asked, Done):
        return asked
    base = asked.value
    told = it.told(doc_form="form", doc_language="language", process_rule="rule")
    if base.form is not None:
        told.setdefault("doc_form", base.form)
    if creating:
        told["indexing_technique"] = it.text("technique") or base.technique or "economy"
        if not base.documents:
            told.setdefault("process_rule", {"mode": "automatic"})
    return Done(told)


@contextmanager
def _opened(path: Path, *, raw: bool) -> Iterator[Payload]:
    import os  # noqa: PLC0415

    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415
    from kbsync.source.disk import FOLDER  # noqa: PLC0415
    from kbsync.source.payload import payload  # noqa: PLC0415

    try:
        target = path.resolve(strict=True)
        folder = os.open(target.parent, FOLDER)
    except OSError as error:
        raise Problem(say.CANNOT_READ(path=path, why=error.strerror)) from None
    try:
        opening = payload(folder, (target.name,), name=path.name, convert=not raw)
        try:
            found = opening.__enter__()
        except OSError as error:
            raise Problem(say.CANNOT_READ(path=path, why=error.strerror)) from None
        try:
            yield found
        finally:
            opening.__exit__(None, None, None)
    finally:
        os.close(folder)


async def _indexed(api: DifyClient, it: Given, sent: Outcome[Upload]) -> Outcome[Upload]:
    """Wait as long as was asked for until the document is indexed.

    Raises:
        Problem: it failed, or is not there yet.
    """
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415
    from kbsync.model import Done  # noqa: PLC0415

    limit = it.seconds("wait")
    if not (limit and isinstance(sent, Done)):
        return sent
    seen = await _watched(api, it["base"], sent.value.document, limit)
    if not isinstance(seen, Done):
        return seen
    document = seen.value
    words = {"document": document.name, "base": it["base"], "id": document.id}
    if document.indexing_status == "error":
        raise Problem(say.INDEXING_FAILED(words=document.error or "no reason told", **words))
    if document.indexing_status != "completed":
        status = document.indexing_status
        raise Problem(say.STILL_INDEXING(seconds=f"{limit:g}", status=status, **words))
    return Done(replace(sent.value, document=document))


async def _watched(
    api: DifyClient, base: str, document: Document, limit: float
) -> Outcome[Document]:
    """Return the document as last seen, at its end or after `limit` seconds."""
    import anyio  # noqa: PLC0415

    from kbsync.model import Done  # noqa: PLC0415

    pause = FIRST_PAUSE
    with anyio.move_on_after(limit):
        while document.indexing_status not in ("completed", "error"):
            await anyio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            asked = await api.documents.get(base, document.id)
            if not isinstance(asked, Done):
                return asked
            document = asked.value
    return Done(document)
