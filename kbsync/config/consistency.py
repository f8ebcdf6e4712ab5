"""What one part of the configuration says has to agree with the others."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from kbsync.config.chunking import ChunkingSection, ChunkRule
from kbsync.config.config_file import Fault, Location
from kbsync.config.declaration import Declaration, declared_servers, server_name
from kbsync.config.knowledge_base import contradictions
from kbsync.config.mirror import MirrorConfig
from kbsync.config.notify import notify_disagreements
from kbsync.config.pattern_line import begins_at
from kbsync.config.server import ServerConfig
from kbsync.config.web import token_disagreements
from kbsync.messages import config as messages
from kbsync.model import Setting

_SHAPING = frozenset(
    {"separator", "max_tokens", "chunk_overlap", "remove_extra_spaces", "remove_urls_emails"}
)
_LIMIT = "max_chunk_length"
_HIERARCHY = frozenset({"parent_mode", "subchunks"})
_KEY = re.compile(r"(?:Bearer )?(?:dataset|app)-[0-9A-Za-z]{16,}\Z")
_PLACES: Mapping[Setting, Location] = {
    **{each: ("knowledge_base", str(each)) for each in Setting},
    Setting.EMBEDDING: ("chunking", "embedding_model"),
    Setting.RETRIEVAL: ("chunking", "retrieval"),
}
Placed = tuple[Location, MirrorConfig]


def disagreements(declaration: Declaration, lines: Mapping[Location, int]) -> Iterator[Fault]:
    """Yield everything in `declaration` that does not go together."""
    yield from _servers(declaration)
    servers = declared_servers(declaration)
    mirrors: list[Placed] = [
        (("mirrors", i), mirror) for i, mirror in enumerate(declaration.mirrors)
    ]
    yield from _names(mirrors, lines)
    if declaration.web is not None:
        yield from token_disagreements(declaration.web)
    yield from notify_disagreements(declaration.notify)
    for at, mirror in mirrors:
        yield from _mirror(at, mirror, servers)
    for first, second in itertools.combinations(mirrors, 2):
        base = _base(first[1], servers)
        if base is not None and base == _base(second[1], servers):
            yield from _one_base(first, second)


def _servers(declaration: Declaration) -> Iterator[Fault]:
    if declaration.server and declaration.servers:
        yield Fault(message=messages.SERVER_AND_SERVERS, at=("servers",))
    elif not declaration.server and not declaration.servers:
        yield Fault(message=messages.SERVER_NONE, at=("server",))


def _names(mirrors: Sequence[Placed], lines: Mapping[Location, int]) -> Iterator[Fault]:
    seen: dict[str, Location] = {}
    for at, mirror in mirrors:
        first = seen.setdefault(mirror.name, at)
        if first != at:
            words = {"first": lines.get((*first, "name"), 1)}
            yield Fault(message=messages.MIRROR_TWICE, at=(*at, "name"), words=words)


def _mirror(
    at: Location, mirror: MirrorConfig, servers: Mapping[str, ServerConfig]
) -> Iterator[Fault]:
    yield from _base_words(at, mirror)
    yield from _front_matter(at, mirror)
    yield from _patterns(at, mirror)
    yield from _chunking((*at, "chunking"), mirror.chunking)
    yield from _rows(at, mirror)
    for place, section in _chunk_rules(at, mirror)[1:]:
        yield from _rule(place, section, mirror.chunking)
    if not servers:
        return
    name = server_name(mirror, servers)
    limit = servers[name].max_chunk_length if name else ServerConfig.model_fields[_LIMIT].default
    for place, section in _chunk_rules(at, mirror):
        yield from _lengths(place, section, limit)
    if name is None:
        message = messages.SERVER_UNKNOWN if mirror.server else messages.SERVER_UNNAMED
        yield Fault(message=message, at=(*at, "server"), words={"known": ", ".join(servers)})
    elif mirror.ambiguity_window <= servers[name].timeout:
        words = {"timeout": f"{servers[name].timeout:g}"}
        yield Fault(message=messages.WINDOW_TOO_SHORT, at=(*at, "ambiguity_window"), words=words)


def _front_matter(at: Location, mirror: MirrorConfig) -> Iterator[Fault]:
    """Where bytes are sent as they are, nothing can be left out of them."""
    if mirror.convert != "none":
        return
    places = [(at, mirror.front_matter)]
    places += [((*at, "rules", n), rule.front_matter) for n, rule in enumerate(mirror.rules)]
    for place, declared in places:
        if declared is not None:
            yield Fault(message=messages.FRONT_MATTER_CONVERT, at=(*place, "front_matter"))


def _patterns(at: Location, mirror: MirrorConfig) -> Iterator[Fault]:
    """A path from the top of the disk as a pattern: it would leave out nothing."""
    root = os.fspath(mirror.source)
    lists = [("include", mirror.include), ("exclude", mirror.exclude)]
    places = [((*at, key, n), pattern) for key, list_ in lists for n, pattern in enumerate(list_)]
    for number, rule in enumerate(mirror.rules):
        place = (*at, "rules", number, "match")
        places += [((*place, n), pattern) for n, pattern in enumerate(rule.match)]
    for place, pattern in places:
        if begins_at(pattern, root):
            words = {"pattern": pattern, "named": pattern.replace(root, "", 1) or "/**"}
            yield Fault(message=messages.PATTERN_FROM_TOP, at=place, words=words)


def _base_words(at: Location, mirror: MirrorConfig) -> Iterator[Fault]:
    base, at = mirror.knowledge_base, (*at, "knowledge_base")
    if (base.id is None) == (base.name is None):
        yield Fault(message=messages.BASE_ID_AND_NAME, at=at)
    if base.name is not None and _is_uuid(base.name):
        yield Fault(message=messages.NAME_IS_ID, at=at, words={"name": base.name.strip()})
    if base.name is not None and _KEY.match(base.name.strip()):
        yield Fault(message=messages.NAME_IS_KEY, at=at)
    partial = base.permission == "partial_members"
    if partial and base.partial_members is None:
        yield Fault(message=messages.MEMBERS_MISSING, at=(*at, "permission"))
    if base.partial_members is not None and not partial:
        yield Fault(message=messages.MEMBERS_IDLE, at=(*at, "partial_members"))


def _is_uuid(name: str) -> bool:
    try:
        UUID(name.strip())
    except ValueError:
        return False
    return True


# -- chunking ------------------------------------------------------------------------------------


def _chunking(at: Location, section: ChunkingSection) -> Iterator[Fault]:
    yield from _mode(at, section)
    yield from _overlaps(at, section)
    yield from _technique(at, section)


def _chunk_rules(at: Location, mirror: MirrorConfig) -> list[tuple[Location, ChunkRule]]:
    """Return the mirror's own rule for chunks, then those of its `rules`, each with its place."""
    found: list[tuple[Location, ChunkRule]] = [((*at, "chunking"), mirror.chunking)]
    for number, rule in enumerate(mirror.rules):
        if rule.chunking is not None:
            found.append(((*at, "rules", number, "chunking"), rule.chunking))
    return found


def _rows(at: Location, mirror: MirrorConfig) -> Iterator[Fault]:
    """Rows are chunks as they are, and no parents of others or questions."""
    form = mirror.chunking.server_form.removesuffix("_model")
    if form == "text":
        return
    for place, send in _sends(at, mirror):
        if send == "rows":
            yield Fault(message=messages.ROWS_NEED_TEXT, at=place, words={"form": form})


def _sends(at: Location, mirror: MirrorConfig) -> Iterator[tuple[Location, str]]:
    """Yield how a mirror sends files, and how its rules do, each with its place."""
    yield (*at, "send"), mirror.send
    for number, rule in enumerate(mirror.rules):
        if rule.send is not None:
            yield (*at, "rules", number, "send"), rule.send


def _rule(at: Location, section: ChunkRule, base: ChunkingSection) -> Iterator[Fault]:
    """A base has one form, so that a rule is hierarchical where the mirror is, and nowhere else."""
    yield from _idle(at, section)
    yield from _overlaps(at, section)
    if (section.mode == "hierarchical") != (base.server_form == "hierarchical_model"):
        words = {"form": base.server_form.removesuffix("_model"), "mode": section.mode}
        yield Fault(message=messages.FORM_MISMATCH, at=(*at, "mode"), words=words)


def _idle(at: Location, section: ChunkRule) -> Iterator[Fault]:
    idle = {"automatic": _SHAPING | _HIERARCHY, "custom": _HIERARCHY}.get(section.mode, frozenset())
    for key in sorted(section.model_fields_set & idle):
        yield Fault(message=messages.MODE_MISMATCH, at=(*at, key), words={"mode": section.mode})


def _mode(at: Location, section: ChunkingSection) -> Iterator[Fault]:
    yield from _idle(at, section)
    hierarchical = section.server_form == "hierarchical_model"
    if hierarchical != (section.mode == "hierarchical"):
        words = {"form": section.form, "mode": section.mode}
        yield Fault(message=messages.FORM_MISMATCH, at=(*at, "form"), words=words)
    if hierarchical and section.indexing_technique == "economy":
        yield Fault(message=messages.HIERARCHY_NEEDS_QUALITY, at=(*at, "indexing_technique"))


def _overlaps(at: Location, section: ChunkRule) -> Iterator[Fault]:
    if section.chunk_overlap >= section.max_tokens:
        yield Fault(message=messages.OVERLAP_TOO_LARGE, at=(*at, "chunk_overlap"))
    if section.subchunks.chunk_overlap >= section.subchunks.max_tokens:
        yield Fault(message=messages.OVERLAP_TOO_LARGE, at=(*at, "subchunks", "chunk_overlap"))


def _lengths(at: Location, section: ChunkRule, limit: int) -> Iterator[Fault]:
    longest = section.max_tokens, section.subchunks.max_tokens
    for key, found in zip((("max_tokens",), ("subchunks", "max_tokens")), longest, strict=True):
        if found > limit and section.mode != "automatic":
            words = {"found": found, "limit": limit}
            yield Fault(message=messages.CHUNK_TOO_LONG, at=(*at, *key), words=words)


def _technique(at: Location, section: ChunkingSection) -> Iterator[Fault]:
    if section.indexing_technique == "economy":
        for key in ("embedding_model", "embedding_provider"):
            if getattr(section, key) is not None:
                yield Fault(message=messages.EMBEDDING_ECONOMY, at=(*at, key))
        retrieval = section.retrieval
        if retrieval is not None and retrieval.search_method != "keyword_search":
            yield Fault(message=messages.SEARCH_ECONOMY, at=(*at, "retrieval", "search_method"))
    elif (section.embedding_model is None) != (section.embedding_provider is None):
        yield Fault(message=messages.EMBEDDING_HALF, at=at)


# -- two mirrors on one base ---------------------------------------------------------------------


def _base(mirror: MirrorConfig, servers: Mapping[str, ServerConfig]) -> tuple[str, str, str] | None:
    """Return which base a mirror fills, as far as the file says."""
    name = server_name(mirror, servers)
    if name is None:
        return None
    base, server = mirror.knowledge_base, servers[name]
    where = f"{server.url} {server.data or ''}"
    return where, base.id or "", base.name or ""


def _one_base(first: Placed, second: Placed) -> Iterator[Fault]:
    (_, one), (at, other) = first, second
    words: dict[str, object] = {"mirror": other.name, "other": one.name}
    if one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix):
        yield Fault(message=messages.PREFIX_CLASH, at=(*at, "prefix"), words=words)
    if _overlap(one.source, other.source):
        yield Fault(message=messages.SOURCE_OVERLAP, at=(*at, "source"), words=words)
    for key, what in (("server_form", "form"), ("indexing_technique", "indexing_technique")):
        if getattr(one.chunking, key) != getattr(other.chunking, key):
            place = (*at, "chunking", what)
            yield Fault(message=messages.BASE_DISAGREES, at=place, words={**words, "what": what})
    # Each would put back what the other one set.
    for key in sorted(contradictions(one.declared_base, other.declared_base)):
        place = (*at, *_PLACES[key])
        message = messages.BASE_SETTING_DISAGREES
        yield Fault(message=message, at=place, words={**words, "what": str(key)})


def _overlap(one: Path, other: Path) -> bool:
    first, second = Path(os.path.normpath(one)), Path(os.path.normpath(other))
    return first.is_relative_to(second) or second.is_relative_to(first)
