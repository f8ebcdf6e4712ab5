"""A search of a knowledge base: each chunk beside the document, its path and the file's text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import anyio.to_thread
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from kbsync.app import build
from kbsync.dify.api.search import as_the_base_is
from kbsync.dify.client import DifyClient
from kbsync.dify.schemas import Hit
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.model import DocKey, Done, Failure, Gone, Outcome, Throttled, Unknown
from kbsync.planning.document_names import path_of
from kbsync.service.supervisor import SupervisedMirror
from kbsync.web.rendering import passage
from kbsync.web.request_rules import is_asked_elsewhere
from kbsync.web.site import Site, asked

T = TypeVar("T")
TOP = 8
# Characters of a question that servers take.
LONGEST_QUERY = 250
# Bytes of a file that are looked through, and characters shown around what was found.
LARGEST, AROUND = 1 << 20, 700
LONGEST_CHUNK = 8_000
NOTHING = Markup()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundText:
    """What a file holds around a chunk.

    Args:
        before, here, after: the text; `here` is empty where the chunk is not in the file.
        why: why nothing is shown; empty where something is.
        whole: whether the text was looked through to its end.
    """

    before: Markup = NOTHING
    here: Markup = NOTHING
    after: Markup = NOTHING
    why: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringChunk:
    """One chunk that answers. `path` is None for foreign documents."""

    rank: int
    score: float
    position: int | None
    content: Markup
    document: str
    document_id: str
    mirror: str
    path: str | None
    text: FoundText | None


async def search_page(site: Site, request: Request) -> Response:
    """Answer with what the knowledge base answers, if something is asked."""
    query = asked(request, "q").strip()[:LONGEST_QUERY]
    names = [each.declared.name for each in site.admin.supervisor]
    chosen = asked(request, "mirror") or (names[0] if names else "")
    found: Sequence[AnsweringChunk] | None = None
    why: Notice | None = None
    # A search costs requests: a page of another site makes none.
    unsure = bool(query) and is_asked_elsewhere(request.headers)
    if query and not unsure:
        try:
            found = await _search(site, chosen, query)
        except Problem as problem:
            why = problem.notice
    return site.page(
        request,
        "search.html",
        query=query,
        chosen=chosen,
        found=found,
        why=why,
        unsure=unsure,
    )


async def _search(site: Site, name: str, query: str) -> Sequence[AnsweringChunk]:
    """Ask the base of a mirror.

    Raises:
        Problem: it cannot be asked.
    """
    mirror = next((each for each in site.admin.supervisor if each.declared.name == name), None)
    if mirror is None:
        known = ", ".join(each.declared.name for each in site.admin.supervisor)
        raise Problem(say.NO_SUCH_MIRROR(mirror=name, known=known))
    binding = site.admin.ledger.binding(name)
    base = mirror.declared.knowledge_base.id or (binding.base_id if binding else None)
    if base is None:
        raise Problem(say.BASE_UNMADE(mirror=name, base=mirror.declared.knowledge_base.name))
    hits = await _hits(await site.admin.supervisor.client(mirror.server), base, query)
    keys = {hit.chunk.document_id: _key(site, base, hit.chunk.document_id) for hit in hits}
    beside = partial(_beside, site, mirror, hits, keys)
    return await anyio.to_thread.run_sync(beside)


async def _hits(client: DifyClient, base: str, query: str) -> Sequence[Hit]:
    found = _value(await client.bases.get(base))
    model = as_the_base_is(found, TOP)
    return _value(await client.search.retrieve(base, query, model))


def _value(outcome: Outcome[T]) -> T:
    if isinstance(outcome, Done):
        return outcome.value
    raise Problem(_why(outcome))


def _why(failure: Failure) -> Notice:
    match failure:
        case Gone():
            return say.NOT_THERE(call="search")
        case Throttled(after=after):
            return say.RESTING(call="search", seconds=f"{after:.0f}")
    return failure.why


def _key(site: Site, base: str, document: str) -> DocKey | None:
    """Return the key that holds a document: one that moved bears its old name."""
    return site.admin.ledger.holder(base, document)


def _beside(
    site: Site, mirror: SupervisedMirror, hits: Sequence[Hit], keys: dict[str, DocKey | None]
) -> list[AnsweringChunk]:
    """Return hits with the text of their files. Blocks."""
    return [
        _chunk(site, mirror, rank, hit, keys[hit.chunk.document_id])
        for rank, hit in enumerate(hits, 1)
    ]


def _chunk(
    site: Site, mirror: SupervisedMirror, rank: int, hit: Hit, key: DocKey | None
) -> AnsweringChunk:
    name = key.mirror if key else mirror.declared.name
    path = key.path if key else path_of(hit.document_name, prefix=mirror.declared.prefix)
    text = text_beside(site, key, hit.chunk.content) if key else None
    return AnsweringChunk(
        rank=rank,
        score=hit.score,
        position=hit.chunk.position,
        content=passage(hit.chunk.content[:LONGEST_CHUNK]),
        document=hit.document_name,
        document_id=hit.chunk.document_id,
        mirror=name,
        path=path,
        text=text,
    )


def text_beside(site: Site, key: DocKey, chunk: str) -> FoundText:
    """Return what the file of a key holds around a chunk, read as the mirror reads it. Blocks.

    Args:
        site: knows the mirrors.
        key: whose file.
        chunk: what was found.
    """
    settings = site.admin.settings
    declared, entry = settings.mirror(key.mirror), site.admin.ledger.entry(key)
    if declared is None:
        return FoundText(why="its mirror is not in the configuration")
    source = build.mirror_of(settings, declared).source
    with source.open(key.path, entry.encoding if entry else None) as opened:
        if isinstance(opened, Unknown):
            return FoundText(why=opened.why.text)
        raw = opened.read(LARGEST)
        whole = len(raw) < LARGEST
    if b"\0" in raw[:4096]:
        return FoundText(why="the file is no text")
    return _around(raw.decode("utf-8", "replace"), chunk, whole=whole)


def _around(text: str, chunk: str, *, whole: bool) -> FoundText:
    place = _place(text, chunk)
    if place is None:
        return FoundText(after=passage(text[: 2 * AROUND]), whole=whole)
    start, end = place
    return FoundText(
        before=passage(text[max(0, start - AROUND) : start]),
        here=passage(text[start : min(end, start + LONGEST_CHUNK)]),
        after=passage(text[end : end + AROUND]),
        whole=whole,
    )


def _place(text: str, chunk: str) -> tuple[int, int] | None:
    """Return where a chunk stands in a text, whatever became of the blanks between its words."""
    start = text.find(chunk)
    if start >= 0:
        return start, start + len(chunk)
    words = chunk.split()
    # The first and last few words find it; a pattern of all of them might take long.
    first = _found(text, words[:12], 0)
    if first is None:
        return None
    last = _found(text, words[-6:], first[0])
    return first[0], last[1] if last and last[1] - first[0] < 3 * len(chunk) else first[1]


def _found(text: str, words: Sequence[str], start: int) -> tuple[int, int] | None:
    found = re.compile(r"\s+".join(map(re.escape, words))).search(text, start) if words else None
    return found.span() if found else None
