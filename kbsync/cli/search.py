"""`kbsync search`: ask the knowledge base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from kbsync.app import build
from kbsync.cli import output, waiting
from kbsync.cli.api.ids import base_named
from kbsync.cli.api.outcome import value_of
from kbsync.cli.api.workflows import retrieve
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import SearchBases
from kbsync.commands.patience import Patience
from kbsync.config import MirrorConfig, Settings
from kbsync.dify.schemas import Hit
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.messages import engine as engine_say
from kbsync.model import DocKey, Gone
from kbsync.planning.document_names import path_of

EXCERPT = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One chunk that answers, as `--json` prints it. `path` is None for foreign documents."""

    rank: int
    mirror: str
    path: str | None
    document: str
    document_id: str
    chunk_id: str
    position: int | None
    score: float
    content: str


def search(verb: SearchBases, context: CliContext) -> None:
    """Search and print."""
    settings = build.settings_of(context.config)
    first, *rest = verb.words
    named = bool(rest) and settings.mirror(first) is not None
    only, query = ([first], " ".join(rest)) if named else ([], " ".join(verb.words))
    found = waiting.run(partial(_asked, verb, settings, only, query))
    if verb.as_json:
        output.as_json({"query": query, "results": found})
        return
    for line in _lines(found, query):
        output.line(line)


async def _asked(
    verb: SearchBases, settings: Settings, only: Sequence[str], query: str, patience: Patience
) -> list[SearchResult]:
    found: list[SearchResult] = []
    for mirror in _bases(settings, only):
        found += await _search(settings, mirror, query, verb, patience)
        patience.moved()
    return found


def _bases(settings: Settings, only: Sequence[str]) -> list[MirrorConfig]:
    """Return the mirrors to ask: of several on one knowledge base, the first."""
    chosen = [each for each in settings.mirrors if not only or each.name in only]
    # Reversed, so that of several the first stays.
    first = {(m.server, m.knowledge_base.id, m.knowledge_base.name): m for m in reversed(chosen)}
    return list(reversed(first.values()))


async def _search(
    settings: Settings, mirror: MirrorConfig, query: str, verb: SearchBases, patience: Patience
) -> list[SearchResult]:
    declared = mirror.knowledge_base
    base = declared.id or _bound(settings, mirror)
    async with build.client(settings, mirror.server or "") as api:
        patience.watch_calls(api.waits)
        if base is None:
            base = await base_named(api, declared.name or "")
        if base is None:
            raise Problem(say.BASE_UNMADE(mirror=mirror.name, base=declared.name))
        outcome = await retrieve(api, base, query, top=verb.top, filters=verb.filters)
        if isinstance(outcome, Gone):
            name = declared.name or ""
            raise Problem(engine_say.BASE_GONE(base=name, id=base, mirror=mirror.name))
        hits = value_of(outcome, "search", "")
    held = _held(settings, base, hits)
    return [
        _found(rank, mirror, hit, held.get(hit.chunk.document_id))
        for rank, hit in enumerate(hits, 1)
    ]


def _bound(settings: Settings, mirror: MirrorConfig) -> str | None:
    """Return the id of the knowledge base the ledger ties the mirror to."""
    with build.ledger_to_read(settings) as ledger:
        binding = ledger.binding(mirror.name) if ledger else None
    return binding.base_id if binding else None


def _held(settings: Settings, base: str, hits: Sequence[Hit]) -> dict[str, DocKey]:
    """Return the keys of the documents the ledger holds: one that moved bears its old name."""
    ids = {hit.chunk.document_id for hit in hits}
    with build.ledger_to_read(settings) as ledger:
        holders = ((each, ledger.holder(base, each) if ledger else None) for each in ids)
        return {document_id: key for document_id, key in holders if key is not None}


def _found(rank: int, mirror: MirrorConfig, hit: Hit, key: DocKey | None) -> SearchResult:
    return SearchResult(
        rank=rank,
        mirror=key.mirror if key else mirror.name,
        path=key.path if key else path_of(hit.document_name, prefix=mirror.prefix),
        document=hit.document_name,
        document_id=hit.chunk.document_id,
        chunk_id=hit.chunk.id,
        position=hit.chunk.position,
        score=hit.score,
        content=hit.chunk.content,
    )


def _lines(found: Sequence[SearchResult], query: str) -> Iterator[str]:
    if not found:
        yield "nothing found"
    several = len({each.mirror for each in found}) > 1
    for each in found:
        where = f"{each.mirror}: " if several else ""
        score = f"  (score {each.score:.3f})" if each.score else ""
        yield f"{each.rank}. {where}{each.path or each.document}{score}"
        yield f"   {_around(each.content, query)}"


def _around(text: str, query: str) -> str:
    """Return the part of `text` where the query's first word stands."""
    whole = " ".join(text.split())
    if len(whole) <= EXCERPT:
        return whole
    words = [re.escape(word) for word in query.split()]
    met = re.search("|".join(words), whole, re.IGNORECASE)
    start = max(0, (met.start() if met else 0) - EXCERPT // 4)
    cut = whole[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(whole) else ''}"
