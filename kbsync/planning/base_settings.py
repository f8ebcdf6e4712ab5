"""Settings of a knowledge base: what is declared, compared with what the server tells. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field, replace

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import base_settings as say
from kbsync.model import (
    Base,
    BaseChange,
    BaseSettings,
    Capabilities,
    Capability,
    Cause,
    Embedding,
    Setting,
)
from kbsync.model.capabilities import since

# Characters of a value that a sentence shows.
LONGEST = 60
# How often drift of one setting is put back within a day.
MOST_REPAIRS = 2
# What a server has to be able to do for a setting to be changed.
NEEDS = dict.fromkeys(Setting, Capability.GET_BASE) | {
    Setting.TAGS: Capability.TAGS,
    Setting.FIELDS: Capability.METADATA,
}
# What a base is made with. Members can only be named once it is there.
AT_CREATION = frozenset(
    {
        Setting.DESCRIPTION,
        Setting.PERMISSION,
        Setting.TECHNIQUE,
        Setting.EMBEDDING,
        Setting.RETRIEVAL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCase:
    """Everything the comparison of one base is made of.

    Args:
        mirror: the mirror's name.
        name: the base's.
        declared: its settings as declared.
        applied: what was declared and found set last; empty where nothing is known of it.
        base: as the server tells it; None while it is still to be made.
        able: what the server can do.
        report: drift is only reported.
        repairs: how often drift of a setting was put back within the last day.
    """

    mirror: str
    name: str
    declared: BaseSettings
    applied: BaseSettings = field(default_factory=BaseSettings)
    base: Base | None = None
    able: Capabilities = field(default_factory=Capabilities)
    report: bool = False
    repairs: Callable[[Setting], int] = lambda setting: 0

    @property
    def found(self) -> BaseSettings:
        """What the server tells; nothing of a base that is still to be made."""
        return self.base.settings if self.base else BaseSettings()

    @property
    def documents(self) -> int:
        """How many documents the base has."""
        return self.base.documents if self.base else 0


def base_changes(case: BaseCase) -> tuple[BaseChange, ...]:
    """Return the declared settings that the base does not have, in a fixed order."""
    differing = (each for each in case.declared.named if not _is_set(case, each))
    return tuple(_change(case, each) for each in differing)


def settings_met(case: BaseCase, before: BaseSettings) -> BaseSettings:
    """Return what is declared and is set now: what differs from it later has drifted.

    Args:
        case: as the base is now.
        before: what was set last; kept of a setting that is declared and not set now.
    """
    met = {each for each in case.declared.named if _is_set(case, each)}
    kept = set(before.named) & set(case.declared.named) - met
    return merged(before.only(kept), case.declared.only(met))


def merged(old: BaseSettings, new: BaseSettings) -> BaseSettings:
    """Return `new`, and what it does not name as in `old`."""
    named = {name: value for name in _NAMES if (value := getattr(new, name)) is not None}
    return replace(old, **named)


_NAMES = tuple(BaseSettings.__dataclass_fields__)


# -- one setting ---------------------------------------------------------------------------------


def _is_set(case: BaseCase, setting: Setting) -> bool:
    declared, found = case.declared, case.found
    match setting:
        case Setting.TECHNIQUE | Setting.EMBEDDING if case.base and case.base.has_pipeline:
            return True  # the pipeline decides
        case Setting.TECHNIQUE:
            # Without one the base gets it with its first document.
            return case.base is not None and found.technique in (None, declared.technique)
        case Setting.EMBEDDING:
            return _same_model(declared, found, made=case.base is not None)
        case Setting.PERMISSION:
            partial = declared.permission == "partial_members"
            members = not partial or declared.members == found.members
            return declared.permission == found.permission and members
        case Setting.RETRIEVAL:
            return _answers_alike(case, declared.retrieval or {}, found.retrieval)
        case Setting.TAGS:
            return not missing_tags(case) and not dropped_tags(case)
        case Setting.FIELDS:
            return (declared.fields or {}).items() <= (found.fields or {}).items()
    return declared.of(setting) == found.of(setting)


def _same_model(declared: BaseSettings, found: BaseSettings, *, made: bool) -> bool:
    if found.technique != "high_quality":
        # What the technique needs goes with it; without a technique the first document brings it.
        return made
    wanted, has = declared.embedding, found.embedding
    return has is not None and wanted is not None and _called(wanted) == _called(has)


def _called(embedding: Embedding) -> tuple[str, str]:
    """Return a model by the names that do not depend on how a version spells its provider."""
    return embedding.model, embedding.provider.rpartition("/")[2]


def _answers_alike(
    case: BaseCase, wanted: Mapping[str, object], found: Mapping[str, object] | None
) -> bool:
    if found is None:
        return False
    if _hides_method(case) and case.applied.retrieval != wanted:
        return False
    return all(found.get(name) == value for name, value in wanted.items())


def _hides_method(case: BaseCase) -> bool:
    """Whether a get shows keyword_search, whatever is stored (docs/dify-api.md section 3)."""
    return case.found.technique != "high_quality"


def missing_tags(case: BaseCase) -> AbstractSet[str]:
    """Return the declared tags that are not on the base."""
    return (case.declared.tags or frozenset()) - (case.found.tags or frozenset())


def dropped_tags(case: BaseCase) -> AbstractSet[str]:
    """Return the tags that were declared before, are not any more, and are still on the base."""
    if case.declared.tags is None:
        return frozenset()
    before = case.applied.tags or frozenset()
    return (before - case.declared.tags) & (case.found.tags or frozenset())


# -- what is done about it -----------------------------------------------------------------------


def _change(case: BaseCase, setting: Setting) -> BaseChange:
    cause = _cause(case, setting)
    return BaseChange(
        mirror=case.mirror,
        base=case.name,
        setting=setting,
        before=shown(_told(case), setting) if case.base else "",
        after=shown(case.declared, setting),
        cause=cause,
        why=_why(case, setting, cause),
    )


def _told(case: BaseCase) -> BaseSettings:
    """Return what the server tells, without what it only seems to tell."""
    found = case.found
    if found.retrieval is None or not _hides_method(case):
        return found
    return replace(found, retrieval={**found.retrieval, "search_method": ""})


def _cause(case: BaseCase, setting: Setting) -> Cause:
    if case.base is None:
        return Cause.NEW
    applied = case.applied.of(setting)
    drifted = applied is not None and applied == case.declared.of(setting)
    return Cause.DRIFT if drifted else Cause.SETTINGS


def _why(case: BaseCase, setting: Setting, cause: Cause) -> Notice | None:
    """Return why a setting is left as it is; None where it is to be set."""
    return (
        _too_old(case, setting)
        or _too_dear(case, setting)
        or _other_type(case, setting)
        or (_drifted(case, setting) if cause is Cause.DRIFT else None)
    )


def _too_old(case: BaseCase, setting: Setting) -> Notice | None:
    needs = NEEDS[setting]
    partial = setting is Setting.PERMISSION and case.declared.members is not None
    if case.base is None and setting in AT_CREATION and not partial:
        return None
    if case.able.state(needs) is not False:
        return None
    words = {"version": case.able.version or "not told", "since": since(needs)}
    return say.SETTING_TOO_OLD(**_words(case), setting=setting, **words)


def _too_dear(case: BaseCase, setting: Setting) -> Notice | None:
    """Return why the server is not asked to index a base anew; None for everything else."""
    if setting not in (Setting.TECHNIQUE, Setting.EMBEDDING) or case.base is None:
        return None
    words = _words(case) | {"before": shown(case.found, setting), "id": case.base.id}
    if case.declared.technique == "economy":
        return say.LOSES_ALL(documents=case.documents, **words) if case.documents else None
    if case.declared.embedding is None:
        return say.EMBEDDING_UNNAMED(**words)
    if not case.documents:
        return None
    model = case.declared.embedding
    price = {"documents": case.documents, "model": model.model, "provider": model.provider}
    after = shown(case.declared, setting)
    return say.EMBEDS_ALL(setting=setting, after=after, **price, **words)


def _other_type(case: BaseCase, setting: Setting) -> Notice | None:
    if setting is not Setting.FIELDS or case.base is None:
        return None
    has = case.found.fields or {}
    wants = case.declared.fields or {}
    for name in sorted(wants.keys() & has.keys()):
        if has[name] != wants[name] and not wants.keys() - has.keys():
            values = {"field": name, "wants": wants[name], "has": has[name], "id": case.base.id}
            return say.FIELD_TYPE(**values, **_words(case))
    return None


def _drifted(case: BaseCase, setting: Setting) -> Notice | None:
    if case.report:
        return say.SETTING_DRIFT(setting=setting, **_words(case))
    repairs = case.repairs(setting)
    if repairs < MOST_REPAIRS:
        return None
    return say.SETTING_FOUGHT(setting=setting, repairs=repairs, **_words(case))


def _words(case: BaseCase) -> dict[str, object]:
    return {"mirror": case.mirror, "base": case.name}


# -- in words ------------------------------------------------------------------------------------


def shown(settings: BaseSettings, setting: Setting) -> str:
    """Return one setting in words; empty where there is none."""
    match setting:
        case Setting.PERMISSION:
            members = sorted(settings.members or ())
            named = f": {', '.join(members)}" if members else ""
            return f"{settings.permission or ''}{named}"
        case Setting.EMBEDDING:
            model = settings.embedding
            return f"{model.model} ({model.provider})" if model else ""
        case Setting.RETRIEVAL:
            return _retrieval(settings.retrieval or {})
        case Setting.TAGS:
            return ", ".join(sorted(settings.tags or ()))
        case Setting.FIELDS:
            fields = sorted((settings.fields or {}).items())
            return ", ".join(f"{name}: {kind}" for name, kind in fields)
    return str(settings.of(setting) or "")


def in_short(value: str) -> str:
    """Return a value in words as a sentence has it: a server may tell any length of it."""
    return "empty" if not value else value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def _retrieval(model: Mapping[str, object]) -> str:
    parts = [str(model.get("search_method", "")), f"top_k {model.get('top_k', '')}"]
    if model.get("score_threshold_enabled"):
        parts.append(f"score_threshold {model.get('score_threshold')}")
    if model.get("reranking_enable"):
        rerank = model.get("reranking_model")
        name = rerank.get("reranking_model_name") if isinstance(rerank, Mapping) else ""
        parts.append(f"reranking by {name}")
    return ", ".join(filter(None, parts)) if model else ""


# -- as the ledger keeps them --------------------------------------------------------------------


def as_kept(settings: BaseSettings) -> str | None:
    """Return settings as the ledger keeps them, a JSON object; None where there are none."""
    members, tags, model = settings.members, settings.tags, settings.embedding
    kept = {
        "description": settings.description,
        "permission": settings.permission,
        "members": None if members is None else sorted(members),
        "technique": settings.technique,
        "embedding": None if model is None else [model.model, model.provider],
        "retrieval": None if settings.retrieval is None else dict(settings.retrieval),
        "tags": None if tags is None else sorted(tags),
        "fields": None if settings.fields is None else dict(settings.fields),
    }
    named = {name: value for name, value in kept.items() if value is not None}
    return json.dumps(named, sort_keys=True) if named else None


def as_read(text: str | None) -> BaseSettings:
    """Return what `as_kept` wrote."""
    kept = json.loads(text) if text else {}
    sets = {name: frozenset(kept[name]) for name in ("members", "tags") if name in kept}
    model = kept.get("embedding")
    return BaseSettings(
        description=kept.get("description"),
        permission=kept.get("permission"),
        technique=kept.get("technique"),
        embedding=Embedding(model=model[0], provider=model[1]) if model else None,
        retrieval=kept.get("retrieval"),
        fields=kept.get("fields"),
        **sets,
    )
