"""Where the ledger is, as far as a configuration says it that cannot be used otherwise.

A daemon that runs with the file as it was before is asked beside that ledger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kbsync.config.config_file import Refused, read_text
from kbsync.config.loading import state_folder
from kbsync.config.types import LedgerAddress, LedgerField
from kbsync.config.yaml_tree import YamlTree, parse
from kbsync.lazy_dataclass import dataclass

_LINE = re.compile(r"^ledger[ \t]*:.*$", re.MULTILINE)
_KEY = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlace:
    """The part of `Settings` that says where a daemon listens."""

    file: Path
    ledger: LedgerAddress
    state: Path


def known_place(path: Path, environ: Mapping[str, str]) -> KnownPlace | None:
    """Return where the ledger of a configuration is; None when the file does not say it.

    Args:
        path: the configuration file.
        environ: where `${NAME}` looks.
    """
    file = path.absolute()
    try:
        text = read_text(path)
        tree = _tree(text, environ)
        declared = tree.value.get(_KEY) if isinstance(tree.value, dict) else None
        if any(fault.at[:1] == (_KEY,) for fault in tree.faults):
            return None
        ledger = _address(declared, file.parent)
    except (Refused, ValidationError):
        return None
    state = state_folder(ledger, file)
    return KnownPlace(
        file=file, ledger=ledger or LedgerAddress(path=state / "ledger.db"), state=state
    )


def _tree(text: str, environ: Mapping[str, str]) -> YamlTree:
    try:
        return parse(text, environ)
    except Refused:
        # Whatever is wrong elsewhere, the one line may be sound.
        found = _LINE.search(text)
        return parse(found[0] if found else "{}", environ)


def _address(declared: object, folder: Path) -> LedgerAddress | None:
    if declared is None:
        return None
    adapter: TypeAdapter[LedgerAddress] = TypeAdapter(LedgerField)
    return adapter.validate_python(declared, context={"folder": folder})
