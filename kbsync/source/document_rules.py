"""The rule of each path: a mirror's keys, and what the rules that match the path say instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from kbsync.config import MirrorConfig, settings_hash
from kbsync.config.chunking import ChunkRule
from kbsync.config.document_rules import RuleConfig
from kbsync.config.server import ServerConfig
from kbsync.model import Chunking, DocumentRule
from kbsync.model.declared import OFF
from kbsync.model.file_types import extension
from kbsync.source import cutting
from kbsync.source.convert.rows import SEPARATOR
from kbsync.source.convert.sending import BY_ROWS, FILE, TEXT, cut_here, sent_as, shaping
from kbsync.source.encoding import CONVERTER
from kbsync.source.gitignore import Patterns, compiled

IN_PLACE, CHUNKS = "in_place", "chunks"
AUTOMATIC = 500
"""Characters of a chunk by a server's own rule (docs/dify-api.md section 4.5)."""
Matched = tuple[bool, ...]
FOLDERS, COMBINATIONS = 10_000, 4096
LONGEST_CHUNK: int = ServerConfig.model_fields["max_chunk_length"].default
# Keys that a mirror has under the same name as its rules.
_ALIKE = (
    *("encoding", "csv", "send", "links", "metadata", "front_matter"),
    *("update_strategy", "on_delete", "trash_for"),
)


class RulesOfMirror:
    """The rules of all paths of one mirror; implements `kbsync.model.DocumentRules`.

    Args:
        config: the mirror as declared.
        longest: characters of a chunk at most, as its server has them.

    Attributes:
        shared: the rule of every path, None where the mirror has rules of their own for some, or
            where the type of a file decides.
    """

    def __init__(self, config: MirrorConfig, *, longest: int = LONGEST_CHUNK) -> None:
        self._config = config
        self._longest = longest
        self._patterns = tuple(compiled("\n".join(each.match)) for each in config.rules)
        # Few combinations of rules occur, and few folders are asked about at a time.
        self._merged = lru_cache(maxsize=COMBINATIONS)(self._merge)
        self._folder = lru_cache(maxsize=FOLDERS)(self._in_folder)
        self._typed = lru_cache(maxsize=COMBINATIONS)(self._of_type)
        one = None if config.rules else self._merged(())
        self.shared = None if one is None or _by_type(one) else one

    def of(self, path: str) -> DocumentRule:
        """Return the rule of a key path: of the rules that match it the last to set a key wins."""
        if self.shared is not None:
            return self.shared
        rule = self._merged(self._matched(self._folder(_parent(path)), path))
        if not _by_type(rule):
            return rule
        return self._typed(rule, extension(path.rpartition("/")[2]))

    def _in_folder(self, folder: str) -> Matched:
        """Return which rules match all of `folder`, which ends with ``/`` or is empty."""
        if not folder:
            return (False,) * len(self._patterns)
        return self._matched(self._folder(_parent(folder[:-1])), folder)

    def _matched(self, above: Matched, path: str) -> Matched:
        return tuple(
            _matches(patterns, path, before)
            for patterns, before in zip(self._patterns, above, strict=True)
        )

    def _merge(self, matched: Matched) -> DocumentRule:
        return merged(self._config, [n for n, match in enumerate(matched) if match])

    def _of_type(self, rule: DocumentRule, ending: str) -> DocumentRule:
        """Return the rule of the files of one type among those of `rule`."""
        send, cut = sent_as(rule.send, ending), 0
        if rule.update_strategy == CHUNKS and cut_here(send, ending):
            # As a text: a server cuts Markdown at its headings once more.
            send, cut = sent_as(TEXT, ending) if send == FILE else send, self._cut(rule)
        shaped = shaping(send, ending, rule.links)
        chunking = rule.chunking
        if send == BY_ROWS or cut:
            chunking = replace(chunking, process_rule=by_rows(self._longest))
        if cut:
            shaped = f"{shaped} {cutting.REVISION} {cut}".strip()
        settings = _settings(self._config, chunking, shaped)
        strategy = rule.update_strategy if cut or rule.update_strategy != CHUNKS else IN_PLACE
        return replace(
            rule,
            send=send,
            chunking=chunking,
            settings=settings,
            cut=cut,
            update_strategy=strategy,
        )

    def _cut(self, rule: DocumentRule) -> int:
        """Return how long a chunk may be that is cut here: as declared, below the server's most."""
        shaping = rule.chunking.process_rule.get("rules")
        if not isinstance(shaping, Mapping):
            return AUTOMATIC
        longest: int = shaping["segmentation"]["max_tokens"]
        return min(longest, self._longest - 1)


def _parent(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _matches(patterns: Patterns, path: str, above: bool) -> bool:
    said = patterns.verdict(path)
    return above if said is None else said


def merged(config: MirrorConfig, chosen: Sequence[int]) -> DocumentRule:
    """Return what a mirror declares of a path that the `chosen` of its rules match, by place."""
    declared, origins = _of_mirror(config), dict.fromkeys(_set_by(config), "the mirror")
    origins |= {f"metadata.{name}": "the mirror" for name in config.metadata}
    for number in chosen:
        rule = config.rules[number]
        keys = [key for key in _KEYS if getattr(rule, key) is not None]
        values = {key: getattr(rule, key) for key in keys}
        if rule.metadata is not None:
            values["metadata"] = {**(declared.metadata or {}), **rule.metadata}
        declared = declared.model_copy(update=values)
        origin = f"rules[{number}], match: {', '.join(rule.match)}"
        fields = (f"metadata.{name}" for name in rule.metadata or ())
        origins |= dict.fromkeys((*keys, *fields), origin)
    return _document_rule(config, declared, origins)


_KEYS = tuple(key for key in RuleConfig.model_fields if key != "match")


def _of_mirror(config: MirrorConfig) -> RuleConfig:
    values = {key: getattr(config, key) for key in _ALIKE}
    chunking = config.chunking
    return RuleConfig.model_construct(
        match=("*",), chunking=chunking, language=chunking.language, enabled=None, **values
    )


def _set_by(config: MirrorConfig) -> set[str]:
    language = {"language"} if "language" in config.chunking.model_fields_set else set()
    return language | (config.model_fields_set & set(_KEYS))


def _document_rule(
    config: MirrorConfig, declared: RuleConfig, origins: dict[str, str]
) -> DocumentRule:
    chunking = _chunking(config, declared)
    return DocumentRule(
        settings=_settings(config, chunking),
        profile=_profile(declared),
        chunking=chunking,
        encoding=declared.encoding or config.encoding,
        csv=declared.csv or config.csv,
        send=declared.send or FILE,
        declared_send=declared.send or FILE,
        any_type=origins.get("send", "").startswith("rules["),
        links=declared.links,
        metadata=declared.metadata or {},
        front_matter=declared.front_matter,
        enabled=declared.enabled,
        update_strategy=declared.update_strategy or config.update_strategy,
        on_delete=declared.on_delete or config.on_delete,
        trash_for=declared.trash_for,
        origins=origins,
    )


def _chunking(config: MirrorConfig, declared: RuleConfig) -> Chunking:
    of_mirror = config.declared_chunking
    rule = declared.chunking or config.chunking
    return replace(
        of_mirror,
        process_rule=rule.process_rule(),
        language=declared.language or of_mirror.language,
    )


def _settings(config: MirrorConfig, chunking: Chunking, shaped: str = "") -> str:
    """Return the hash of what shapes a document's chunks, the converter's version included.

    Args:
        config: the mirror as declared.
        chunking: of the document.
        shaped: what else shapes its text; empty keeps the hash that documents were sent under.
    """
    shaping = f"{settings_hash(chunking, config.convert)} {converter_of(config)}"
    return hashlib.sha256(" ".join(filter(None, (shaping, shaped))).encode()).hexdigest()


def _by_type(rule: DocumentRule) -> bool:
    """Whether the type of a file decides what becomes of it."""
    return rule.send != FILE or rule.links is not None or rule.update_strategy == CHUNKS


def by_rows(longest: int) -> Mapping[str, object]:
    """Return the process rule that makes a chunk of each row."""
    rule = ChunkRule(
        mode="custom",
        separator=SEPARATOR,
        max_tokens=longest,
        chunk_overlap=0,
        remove_extra_spaces=False,
    )
    return rule.process_rule()


def converter_of(config: MirrorConfig) -> str:
    """Return the version of what converts texts; empty where they are sent as they are."""
    return CONVERTER if config.convert == "utf-8" else ""


def _profile(declared: RuleConfig) -> str:
    """Return a hash of what a document keeps beside its chunks; empty where none is declared."""
    kept = {
        "metadata": dict(declared.metadata or {}),
        "front_matter": declared.front_matter,
        "enabled": declared.enabled,
    }
    if not any(value or value is False or value == () for value in kept.values()):
        return ""
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
    return digest + OFF if declared.enabled is False else digest
