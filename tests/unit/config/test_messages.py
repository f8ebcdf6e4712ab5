"""Which messages a person sees for every fault a configuration can have, compared with files.

Set KBSYNC_GOLDEN=write to write the expected texts anew; read the difference before committing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from unprivileged import unprivileged

from kbsync.config import check, extra_packages, load
from kbsync.messages import Exit, Message, Problem
from kbsync.messages import config as messages
from tests.coded import coded

GOLDEN = Path(__file__).parents[2] / "golden" / "config"
CASES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
UNWRITTEN = ["missing", "folder", "loop", "too-large"]
ENVIRON = {
    "DIFY_API_KEY": "dataset-s3cr3t",
    "SECRET": "s3cr3t",
    "EMPTY": "",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def furnish(place: Path) -> None:
    """Put into `place` what the cases name."""
    for folder in ("docs", "other", "folder.yaml"):
        (place / folder).mkdir()
    (place / "open.key").write_text("dataset-s3cr3t\n")
    (place / "open.key").chmod(0o644)
    (place / "empty.key").write_text("\n")
    (place / "token").write_text("s3cr3t\n")
    (place / "latin1.key").write_bytes(b"s3cr3t\xe9")
    (place / "loop.yaml").symlink_to("loop.yaml")
    (place / "too-large.yaml").write_text("#" * (1024 * 1024 + 1))


def seen(case: str, here: Path) -> str:
    """The text of the refusal, or of what a look at the disk adds."""
    if case in CASES:
        shutil.copyfile(GOLDEN / f"{case}.yaml", here / f"{case}.yaml")
        (here / f"{case}.yaml").chmod(0o644)
    return report_of(case, here)


def report_of(case: str, here: Path) -> str:
    try:
        settings = load(Path(f"{case}.yaml"), ENVIRON)
    except Problem as problem:
        text = ("" if problem.exit is Exit.USAGE else problem.exit.name) + str(problem)
    else:
        text = "\n".join(f"{notice.message.exit.name}: {notice}" for notice in check(settings))
        assert "s3cr3t" not in repr(settings)
    return text.replace(str(here), "<here>") + "\n"


@pytest.mark.parametrize("case", [*CASES, *UNWRITTEN])
def test_text(case: str, here: Path) -> None:
    text = coded(seen(case, here))
    expected = GOLDEN / f"{case}.txt"
    if os.environ.get("KBSYNC_GOLDEN") == "write":
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert "s3cr3t" not in text


def test_every_message_is_among_them() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.txt"))
    codes = {value.code for value in vars(messages).values() if isinstance(value, Message)}
    # A folder that may not be listed needs a user whom the system refuses something, and output
    # that goes into the source a process of its own; where tests run, all packages are installed.
    # What is in none of the usual places is a matter of the command line.
    unseen = {"KB-C072", "KB-C160", "KB-C231", "KB-C322", "KB-C410"}
    assert {code for code in codes if code not in shown} == unseen


@pytest.mark.parametrize(
    ("match", "send", "missing"),
    [
        ("'*.pptx'", "converted", "python-pptx"),
        ("['*.ipynb', '!a.ipynb']", "converted", ""),
        ("talks/", "converted", "mammoth, odfdo, python-pptx"),
        ("'*.csv'", "rows", ""),
        ("'*'", "text", ""),
    ],
)
def test_packages_that_are_missing_for_a_rule(
    here: Path, monkeypatch: pytest.MonkeyPatch, match: str, send: str, missing: str
) -> None:
    absent = {"mammoth", "odfdo", "pptx"}
    monkeypatch.setattr(
        extra_packages, "find_spec", lambda name: None if name in absent else object()
    )
    (here / "kbsync.yaml").write_text(
        "version: 1\nserver: {url: embedded}\nledger: ../state/ledger.db\n"
        "mirrors:\n  - {name: docs, source: ./docs, knowledge_base: Docs, "
        f"rules: [{{match: {match}, send: {send}}}]}}\n"
    )
    text = report_of("kbsync", here)
    assert ("KB-C231" in text) == bool(missing)
    assert f"({missing})" in text or not missing


def test_output_that_goes_into_the_source(here: Path) -> None:
    (here / "kbsync.yaml").write_text(
        "version: 1\nserver: {url: embedded}\nledger: ../state/ledger.db\n"
        "mirrors: [{name: docs, source: ., knowledge_base: Docs}]\n"
    )
    script = (
        "from pathlib import Path; from kbsync.config import check, load\n"
        "print(*[each.code for each in check(load(Path('kbsync.yaml'), {}))])"
    )
    command = [sys.executable, "-c", script]
    with (here / "log.txt").open("w+b") as log:
        subprocess.run(command, cwd=here, stdout=log, check=True)
        log.seek(0)
        assert log.read().split() == [b"KB-C160"]


def test_source_that_may_not_be_listed(
    unprivileged_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(unprivileged_folder)
    monkeypatch.chdir(unprivileged_folder)
    code = messages.SOURCE_UNREADABLE.code
    assert code not in seen("good", unprivileged_folder)
    (unprivileged_folder / "docs").chmod(0)
    with unprivileged():
        text = report_of("good", unprivileged_folder)
    assert text.startswith("USAGE: good.yaml:4: mirrors[0].source: <here>/docs ")
    assert code in text


def test_texts_belong_to_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*CASES, *UNWRITTEN}
