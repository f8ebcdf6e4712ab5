"""The one list of file types agrees with the server's contract, and is the only one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from declared import mirror_config

from kbsync.model.file_types import (
    ACCEPTED,
    FILE_TYPES,
    UNKNOWN_MEDIA_TYPE,
    extension,
    is_text,
    media_type,
)

ROOT = Path(__file__).parents[3]


def listed(marker: str) -> set[str]:
    """The first code span behind `marker` in the contract's list of accepted extensions."""
    section = (ROOT / "docs" / "dify-api.md").read_text().partition("### 4.9")[2]
    found = re.search(re.escape(marker) + r"[^`]*`([^`]+)`", section)
    assert found is not None
    return set(found[1].split())


def test_the_default_is_what_a_plain_server_accepts() -> None:
    assert set(ACCEPTED) == listed("`ETL_TYPE=dify`")
    assert mirror_config().extensions == ACCEPTED


def test_what_a_server_can_be_made_to_accept_has_a_media_type() -> None:
    wanted = listed("`ETL_TYPE=dify`") | listed("`ETL_TYPE=Unstructured`")
    assert wanted <= set(FILE_TYPES)
    assert UNKNOWN_MEDIA_TYPE not in map(media_type, FILE_TYPES)


def test_a_type_that_is_not_listed_is_bytes() -> None:
    assert (media_type("zip"), is_text("zip")) == (UNKNOWN_MEDIA_TYPE, False)
    assert (is_text("md"), is_text("html"), is_text("pdf")) == (True, False, False)


def test_no_other_module_lists_types() -> None:
    """A second list would part from this one: the embedded server's is another program's."""
    modules = (ROOT / "kbsync").rglob("*.py")
    listing = {
        module.relative_to(ROOT).as_posix()
        for module in modules
        if "embedded" not in module.parts
        and len(set(re.findall(r'"([a-z]+)"', module.read_text())) & set(FILE_TYPES)) > 3
    }
    # These say what is particular to single types.
    about_contents = {
        "kbsync/config/extra_packages.py",
        "kbsync/engine/execute/findings.py",
        "kbsync/source/convert/converters.py",
        "kbsync/source/convert/links.py",
        "kbsync/source/convert/sending.py",
        "kbsync/source/soundness.py",
    }
    assert listing - about_contents == {"kbsync/model/file_types.py"}


@pytest.mark.parametrize(
    ("name", "ending"),
    [("a.md", "md"), ("A.MD", "md"), ("a.b.Txt", "txt"), (".md", ""), ("md", ""), ("a.md.", "")],
)
def test_extension(name: str, ending: str) -> None:
    assert extension(name) == ending
