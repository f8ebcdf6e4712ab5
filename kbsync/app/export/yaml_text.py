"""Values as YAML that reads back as what they were."""

from __future__ import annotations

import yaml

# Line ends to YAML, which PyYAML indents where they stand between single quotes.
_BREAKS = frozenset("\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """Escapes in texts what would be read back as something else."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _BREAKS.isdisjoint(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(value: object) -> str:
    """Return `value`, made of mappings, lists and plain values, as a YAML text."""
    dumped: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    return dumped
