"""`kbsync search`: ask the knowledge base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext

if TYPE_CHECKING:
    from kbsync.config import MirrorConfig, Settings
    from kbsync.dify.schemas import Hit
    from kbsync.model import DocKey

EXCERPT = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One chunk that answers, as `--json` prints it. `path` is None for documents not ours."""

    rank: int
    mirror: str
    path: str | None
    document: str
    document_id: str
    chunk_id: str
    position: int | None
    score: float
    content: str


@click.command(
    help="Search the knowledge base of MIRROR, or of every mirror, and show the best chunks.",
    # A sentence may begin with a dash, and -h may stand in it.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("words", nargs=-1, required=True, metavar="[MIRROR] QUERY")
@click.option("--top", type=click.IntRange(1, 100), default=5, show_default=True, help="Chunks.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only documents with this metadata; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    place: CliContext, words: tuple[str, ...], top: int, filters: tuple[str, ...], as_json: bool
) -> None:
    """Search and print."""
    import anyio  # noqa: PLC0415

    from kbsync.app import build, logs  # noqa: PLC0415
    from kbsync.cli import output  # noqa: PLC0415

    logs.configure(place.log_level)
    *only, query = words
    if len(only) > 1:
        raise click.UsageError("one QUERY is wanted; put quotes around several words")

    async def asked() -> list[Found]:
        settings = build.settings_of(place.config)
        found: list[Found] = []
        for mirror in _bases(settings, only):
            found += await _search(settings, mirror, query, top, filters)
        return found

    found = anyio.run(asked)
    if as_json:
        output.as_json({"query": query, "results": found})
    else:
        for line in _lines(found, query):
            output.line(line)


def _bases(settings: Settings, only: Sequence[str]) -> list[MirrorConfig]:
    """Return the mirrors to ask: of several on one knowledge base, the first."""
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    for name in only:
        if settings.mirror(name) is None:
            known = ", ".join(each.name for each in settings.mirrors)
            raise Problem(say.NO_SUCH_MIRROR(mirror=name, known=known))
    chosen = [each for each in settings.mirrors if not only or each.name in only]
    first = {(m.server, m.knowledge_base.id, m.knowledge_base.name): m for m in reversed(chosen)}
    return list(reversed(first.values()))


async def _search(
    settings: Settings, mirror: MirrorConfig, query: str, top: int, filters: Sequence[str]
) -> list[Found]:
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.api.resolve import base_named, value_of  # noqa: PLC0415
    from kbsync.cli.api.workflows import retrieve  # noqa: PLC0415
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    declared = mirror.knowledge_base
    base = declared.id or _bound(settings, mirror)
    async with build.client(settings, mirror.server or "") as api:
        if base is None:
            base = await base_named(api, declared.name or "")
        if base is None:
            raise Problem(say.BASE_UNMADE(mirror=mirror.name, base=declared.name))
        hits = value_of(await retrieve(api, base, query, top=top, filters=filters), "search", "")
    held = _held(settings, base, hits)
    return [
        _found(rank, mirror, hit, held.get(hit.chunk.document_id))
        for rank, hit in enumerate(hits, 1)
    ]


def _bound(settings: Settings, mirror: MirrorConfig) -> str | None:
    """Return the id of the knowledge base the ledger ties the mirror to."""
    from kbsync.app import build  # noqa: PLC0415

    with build.ledger_to_read(settings) as ledger:
        binding = ledger.binding(mirror.name) if ledger else None
    return binding.base_id if binding else None


def _held(settings: Settings, base: str, hits: Sequence[Hit]) -> dict[str, DocKey]:
    """Return the keys of the documents the ledger holds: one that moved bears its old name."""
    from kbsync.app import build  # noqa: PLC0415

    ids = {hit.chunk.document_id for hit in hits}
    with build.ledger_to_read(settings) as ledger:
        holders = ((each, ledger.holder(base, each) if ledger else None) for each in ids)
        return {document_id: key for document_id, key in holders if key is not None}


def _found(rank: int, mirror: MirrorConfig, hit: Hit, key: DocKey | None) -> Found:
    from kbsync.planning.document_names import path_of  # noqa: PLC0415

    return Found(
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


def _lines(found: Sequence[Found], query: str) -> Iterator[str]:
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
