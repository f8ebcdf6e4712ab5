"""config.example.yaml shows every key, and tells the truth about defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
import yaml
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from kbsync.config import KnowledgeBaseConfig, load
from kbsync.config.declaration import Declaration, json_schema
from kbsync.config.document_rules import RuleConfig
from kbsync.config.types import Section
from kbsync.config.validation import sections

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
ENVIRON = {"DIFY_API_KEY": "dataset-1"}
# Shown with a value one could use, because their default is to be absent.
NO_DEFAULT = {
    *(f"mirrors.rules.{key}" for key in RuleConfig.model_fields if key != "match"),
    *("server", "servers", "ledger", "mirrors.server"),
    *("web", "web.token_file"),
    *(f"notify.{key}" for key in ("url", "url_file", "command", "body")),
    *(f"mirrors.knowledge_base.{key}" for key in KnowledgeBaseConfig.model_fields),
    *("mirrors.chunking.retrieval", "mirrors.chunking.retrieval.reranking"),
    *(f"server.{key}" for key in ("proxy", "ca_file", "embedded.data")),
    *(f"server.{key}" for key in ("api_key", "api_key_file", "api_key_env")),
}
LISTS = {"mirrors", "mirrors.rules", "notify"}
Shown = tuple[str, FieldInfo, object]


def written_out() -> dict[str, object]:
    """The example with every key that it leaves out put in."""
    text = EXAMPLE.read_text(encoding="utf-8")
    whole = yaml.safe_load(re.sub(r"^(\s*)#(?=(?:- )?[a-z_]+:)", r"\1", text, flags=re.MULTILINE))
    return cast("dict[str, object]", whole)


def walk(section: type[Section], keys: dict[str, Any], at: str = "") -> Iterator[Shown]:
    """Yield every declared key with what the example shows for it."""
    assert set(keys) == set(section.model_fields), at
    for name, field in section.model_fields.items():
        where = f"{at}.{name}".lstrip(".")
        yield where, field, keys[name]
        inner = next(sections(field.annotation), None)
        # They have the keys of `server`, and of `chunking` up to `subchunks`.
        if inner is not None and where not in {"servers", "mirrors.rules.chunking"}:
            value = keys[name][0] if where in LISTS else keys[name]
            yield from walk(inner, value, where)


ALL = list(walk(Declaration, written_out()))


def test_it_loads_and_is_the_default() -> None:
    shown = load(EXAMPLE, ENVIRON)
    plain = type(shown.mirrors[0]).model_validate(
        {"name": "docs", "source": str(EXAMPLE.parent / "docs"), "knowledge_base": "Docs"}
    )
    completed = plain.model_copy(update={"server": "default"})
    assert shown.mirrors == (completed,)


def test_every_key_is_shown_and_described() -> None:
    assert all(field.description for _, field, _ in ALL)
    schema = json_schema()
    parts = [schema, *schema["$defs"].values()]
    # Subchunks, Guard and the like are each used in one place, so both count the same keys; those
    # of a rule's chunking are shown once, at the mirror.
    again = len(schema["$defs"]["ChunkRule"]["properties"])
    assert sum(len(part.get("properties", ())) for part in parts) == len(ALL) + again


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(field, value, id=where)
        for where, field, value in ALL
        if where not in NO_DEFAULT | {"mirrors.rules", "notify"}
    ],
)
def test_defaults_agree(field: FieldInfo, value: object) -> None:
    if field.is_required():
        return
    default = field.get_default(call_default_factory=True)
    if isinstance(default, Section):
        assert isinstance(value, dict)
        return
    declared: Any = Annotated[(field.annotation, "as declared", *field.metadata)]
    assert TypeAdapter(declared).validate_python(value) == default


def test_no_default_is_shown_for_what_has_none() -> None:
    fields = {where: field for where, field, _ in ALL}
    assert fields.keys() >= NO_DEFAULT
    assert all(fields[where].default is None for where in NO_DEFAULT)
