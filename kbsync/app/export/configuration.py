"""The configuration that mirrors an exported folder into a new knowledge base like the old one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from kbsync.app.export.whole_base import Export
from kbsync.app.export.yaml_text import yaml_text
from kbsync.config.chunking import FORMS
from kbsync.config.loading import load
from kbsync.config.pattern_line import pattern_of
from kbsync.config.template import slug
from kbsync.messages import Notice, Problem
from kbsync.model.file_types import ACCEPTED

URL, KEY = "DIFY_URL", "DIFY_API_KEY"
# A server's own; what a larger chunk or file needs has to be said.
LONGEST_CHUNK = 4000
LARGEST_FILE = 15 << 20
# Chunks that a search returns where a person chose no number: the server's default, and kbsync's.
UNCHOSEN = (None, 2, 3)
_MEBI = 1 << 20
_TRIAL = {URL: "https://dify.example/v1", KEY: "not-yet-known"}

Keys = dict[str, object]


def configuration(export: Export, folder: Path) -> str:
    """Return the text of a configuration that stands beside the folder.

    What it cannot say of the old base is left out, and said in a comment.

    Args:
        export: what was exported.
        folder: where it is.
    """
    text, fault = "", ""
    for parts in _parts(export):
        text = _written(export, folder, parts, fault)
        try:
            _load(text)
        except Problem as problem:
            fault = _fault(problem.notice)
        else:
            break
    return text


def _fault(notice: Notice) -> str:
    """Return what is wrong without the place of the trial, which is another one each time."""
    return replace(notice, words={**notice.words, "file": "this file"}).text


class _Parts(NamedTuple):
    """What is declared of the old base, and what of it is left out because it cannot be."""

    base: Keys
    chunking: Keys
    rules: list[Keys]
    left_out: str = ""


def _parts(export: Export) -> Iterator[_Parts]:
    """Yield everything that can be declared, then less and less of it."""
    base, chunking, rules = _base(export), _chunking(export), list(_rules(export))
    yield _Parts(base, chunking, rules)
    yield _Parts({}, chunking, rules, "settings of the base")
    yield _Parts(base, chunking, [], "what other documents were cut by")
    yield _Parts({}, chunking, [], "settings of the base, and what other documents were cut by,")
    yield _Parts(base, {}, [], "what documents were cut by")
    yield _Parts({}, {}, [], "settings of the base, and what documents were cut by,")


def _load(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "kbsync.yaml"
        trial.write_text(text, encoding="utf-8")
        load(trial, _TRIAL)


def _written(export: Export, folder: Path, parts: _Parts, fault: str) -> str:
    name, rules = _literal(export.base.name[:40]), parts.rules
    server: Keys = {"url": "${%s}" % URL, "api_key": "${%s}" % KEY}  # noqa: UP031 - a brace is meant
    cut = [parts.chunking, *(_mapping(rule.get("chunking")) for rule in rules)]
    if (longest := max(_number(keys.get("max_tokens")) for keys in cut)) > LONGEST_CHUNK:
        server["max_chunk_length"] = longest
    mirror: Keys = {
        "name": _mirror_name(export),
        "source": _literal(f"./{folder.name}"),
        "knowledge_base": {"name": name, **parts.base} if parts.base else name,
        # Everything in the folder is a document, whatever it is called.
        "gitignore": False,
        "default_excludes": False,
    }
    if more := sorted(export.extensions - set(ACCEPTED) - {""}):
        mirror["extensions"] = [*ACCEPTED, *more]
    if export.largest > LARGEST_FILE:
        mirror["max_file_size"] = f"{-(-export.largest // _MEBI)}MB"
    if parts.chunking:
        mirror["chunking"] = parts.chunking
    if rules:
        mirror["rules"] = rules
    remark = f"{parts.left_out} cannot be declared: {fault}" if parts.left_out else ""
    declared = {
        "version": 1,
        "server": server,
        "ledger": _literal(f"./{folder.name}-state/ledger.db"),
        "mirrors": [mirror],
    }
    return "\n".join([*_comments(export, remark), yaml_text(declared)])


def _base(export: Export) -> Keys:
    """Return the settings of the base that another workspace can have, too."""
    base = export.base
    keys: Keys = {"description": _literal(base.description)} if base.description else {}
    # Members have other ids elsewhere.
    if base.permission in ("only_me", "all_team_members"):
        keys["permission"] = base.permission
    if export.tags:
        keys["tags"] = list(dict.fromkeys(map(_literal, export.tags)))
    if export.fields:
        keys["fields"] = dict(export.fields)
    return keys


def _mirror_name(export: Export) -> str:
    """Return a name that no mark of the base has: such documents would be taken for its own."""
    short = slug(export.base.name)
    numbered = (f"{short[:50]}-exported-{number}" for number in count(2))
    names = chain((short, f"{short[:50]}-exported"), numbered)
    return next(each for each in names if each not in export.mirrors)


def _comments(export: Export, remark: str) -> Iterator[str]:
    name = json.dumps(export.base.name)
    yield f"# Mirrors what kbsync export wrote of {name} into a knowledge base like it."
    yield f"# The server it is for is named by the variables {URL} (with /v1) and {KEY}."
    most = _most(export)
    different = sum(n for rule, n in export.rules.items() if rule and rule != most)
    if different:
        named = sum(map(len, export.others.values()))
        yield f"# Documents cut by other rules than most: {different}; under rules: {named}."
    if remark:
        yield f"# {json.dumps(remark)[1:-1]}"


def _most(export: Export) -> str:
    """Return the rule that most documents have; empty where none is told."""
    return next((rule for rule, _ in export.rules.most_common() if rule), "")


def _rules(export: Export) -> Iterator[Keys]:
    """Yield what differs for documents that were cut otherwise than most."""
    for rule, paths in export.others.items():
        found: Mapping[str, object] = json.loads(rule)
        keys: Keys = {"match": [_literal(pattern_of(path)) for path in paths]}
        if chunking := _of_rule(_mapping(found.get("rule"))):
            keys["chunking"] = chunking
        if isinstance(language := found.get("language"), str) and language:
            keys["language"] = _literal(language)
        if len(keys) > 1:
            yield keys


def _chunking(export: Export) -> Keys:
    """Return the `chunking` section: the base's, and the rule that most documents have."""
    base = export.base
    keys: Keys = {}
    found: Mapping[str, object] = json.loads(_most(export) or "{}")
    keys |= _of_rule(_mapping(found.get("rule")))
    form = found.get("form") or base.form
    short = {wire: name for name, wire in FORMS.items()}.get(str(form))
    if short and short != ("hierarchical" if keys.get("mode") == "hierarchical" else "text"):
        keys["form"] = short
    if isinstance(language := found.get("language"), str) and language:
        keys["language"] = _literal(language)
    if base.technique:
        keys["indexing_technique"] = base.technique
    if base.technique == "high_quality" and base.embedding_model and base.embedding_provider:
        keys["embedding_model"] = _literal(base.embedding_model)
        keys["embedding_provider"] = _literal(base.embedding_provider)
    if retrieval := _retrieval(base.retrieval, economy=base.technique == "economy"):
        keys["retrieval"] = retrieval
    return keys


def _of_rule(rule: Mapping[str, object]) -> Keys:
    """Return a process rule of the server in the words of the section."""
    mode, rules = rule.get("mode"), _mapping(rule.get("rules"))
    if mode not in ("custom", "hierarchical"):
        return {"mode": "automatic"} if mode == "automatic" else {}
    keys: Keys = {"mode": mode, **_of_segmentation(_mapping(rules.get("segmentation")))}
    steps = rules.get("pre_processing_rules")
    known = list(map(_mapping, steps if isinstance(steps, list) else []))
    for name in ("remove_extra_spaces", "remove_urls_emails"):
        keys[name] = any(step.get("id") == name and step.get("enabled") for step in known)
    if mode == "hierarchical":
        keys["parent_mode"] = rules.get("parent_mode") or "paragraph"
        if children := _of_segmentation(_mapping(rules.get("subchunk_segmentation"))):
            keys["subchunks"] = children
    return keys


def _of_segmentation(segmentation: Mapping[str, object]) -> Keys:
    # An automatic rule is read back with the other word (docs/dify-api.md 4.5).
    separator = segmentation.get("separator") or segmentation.get("delimiter")
    keys: Keys = {"separator": _literal(separator)} if isinstance(separator, str) else {}
    for name in ("max_tokens", "chunk_overlap"):
        if isinstance(segmentation.get(name), int):
            keys[name] = segmentation[name]
    return keys


def _retrieval(model: Mapping[str, object], *, economy: bool) -> Keys:
    """Return how the base answers searches; an economy base knows one way, whatever it says."""
    method = "keyword_search" if economy else model.get("search_method")
    if not isinstance(method, str) or (economy and model.get("top_k") in UNCHOSEN):
        return {}
    keys: Keys = {"search_method": method}
    if isinstance(top := model.get("top_k"), int):
        keys["top_k"] = top
    if model.get("score_threshold_enabled") and not economy:
        keys["score_threshold"] = model.get("score_threshold")
    reranking = _mapping(model.get("reranking_model"))
    names = reranking.get("reranking_provider_name"), reranking.get("reranking_model_name")
    if model.get("reranking_enable") and all(isinstance(name, str) and name for name in names):
        keys["reranking"] = {"provider": _literal(names[0]), "model": _literal(names[1])}
    return keys


def _mapping(found: object) -> Mapping[str, object]:
    return found if isinstance(found, dict) else {}


def _number(found: object) -> int:
    return found if isinstance(found, int) else 0


def _literal(text: object) -> str:
    """Return `text` so that no variable is filled in."""
    return str(text).replace("$", "$$")
