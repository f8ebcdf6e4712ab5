"""What is not asked for is not done: removals and uploads the guard holds back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guarded_story import Story, mirrored, printed_release
from ledgers import Ledger
from test_mirror import FILES

pytestmark = pytest.mark.timeout(300)
GONE = 11  # one more than always pass


def _remove_many(story: Story) -> set[str]:
    """Remove more files than pass at once; return the names of their documents."""
    for number in range(GONE):
        story.page(number).unlink()
    return {f"part{number % 5}∕page{number}.md" for number in range(GONE)}


def test_many_removals_wait_for_the_printed_command(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        before = story.documents()
        gone = _remove_many(story)
        (story.docs / "new.md").write_text("# New\n\nAmber fog over the quay.\n")
        shown = story.terminal.type("plan", exit=4)
        printed = story.terminal.type("apply", exit=4)
        assert f"{GONE} removals" in printed
        assert f"of {FILES} documents" in printed
        assert "mirror docs" in printed
        assert story.writes() == {"create": 1}
        assert printed_release(printed) == printed_release(shown)

        story.terminal.type("apply", exit=4)
        assert story.writes() == {}

        story.terminal.type("apply", *printed_release(printed))
        assert story.writes() == {"delete": GONE}
        assert story.documents().keys() == before.keys() - gone | {"new.md"}
        story.page(15).unlink()  # the hour starts anew: one more is nothing to ask about
        story.terminal.type("apply")
        assert story.writes() == {"delete": 1}


def test_a_release_is_for_what_was_read(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        _remove_many(story)
        read = printed_release(story.terminal.type("plan", exit=4))
        story.page(15).unlink()
        more = story.terminal.type("apply", *read, exit=4)
        assert printed_release(more) != read
        story.page(15).write_text("# Back\n\nThe fifteenth page again.\n")
        story.page(3).write_text("# Back\n\nThe third page again.\n")
        assert story.writes() == {}
        story.terminal.type("apply", *read)
        assert story.writes() == {"delete": GONE - 1, "update": 2}
        assert "KB-G021" in story.terminal.type("apply", "--release", "0123456789ab", exit=64)
        assert "KB-G020" in story.terminal.type("apply", "--release", "no", exit=64)


def test_a_program_reads_what_is_held_back(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        assert story.terminal.read("plan")["guard"] == {"halted": False}
        _remove_many(story)
        guard = _json(story, "plan", exit=4)["guard"]
        assert guard["halted"] is True
        assert guard["actions"] == GONE
        assert guard["mirrors"][0]["mirror"] == "docs"
        done = _json(story, "apply", exit=4)
        assert done["mirrors"][0]["guard"]["digest"] == guard["digest"]
        done = _json(story, "apply", "--release", guard["digest"])
        assert done["mirrors"][0]["done"] == {"delete": GONE}
        assert done["mirrors"][0]["guard"] == {"halted": False}


def test_status_says_what_the_last_pass_held_back(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        terminal = story.terminal
        assert _json(story, "status")["mirrors"][0]["guard"] == {"halted": False}
        before = {number: story.page(number).read_text() for number in range(GONE)}
        _remove_many(story)
        printed = terminal.type("apply", exit=4)
        shown = terminal.type("status", exit=4)
        assert f"  halted: mirror docs: {GONE} removals" in shown
        assert printed_release(shown) == printed_release(printed)
        (told,) = (each["guard"] for each in _json(story, "status", exit=4)["mirrors"])
        assert (told["halted"], told["actions"]) == (True, GONE)
        assert told["reasons"][0]["code"] == "KB-G011"
        assert told["commands"][0].endswith(" ".join(printed_release(printed)))

        for number, text in before.items():
            story.page(number).write_text(text)
        terminal.type("apply")
        terminal.type("status")
        _remove_many(story)
        terminal.type("plan", exit=4)  # a plan compares as well
        release = printed_release(terminal.type("status", exit=4))
        terminal.type("apply", *release)
        terminal.type("status")


def test_status_follows_a_release_of_a_part_and_not_what_another_verb_removes(
    tmp_path: Path, ledger: Ledger
) -> None:
    with mirrored(tmp_path, ledger) as story:
        story.configure(", guard: {removals: {least: 1, share: 0.01}}")
        story.page(0).unlink()
        story.page(1).unlink()
        part = printed_release(story.terminal.type("apply", "--target", "part?/", exit=4))
        assert printed_release(story.terminal.type("status", exit=4)) == part
        story.terminal.type("apply", "--target", "part?/", *part)
        story.terminal.type("status")
        story.page(2).write_text("")
        story.page(3).write_text("")
        story.terminal.type("apply", exit=3)
        story.terminal.type("apply", "--prune-stale", "--yes", exit=4)
        assert "halted" not in story.terminal.type("status", exit=3)


def _json(story: Story, *words: str, exit: int = 0) -> Any:
    return json.loads(story.terminal.type(*words, "--json", exit=exit))


def _renamed(story: Story) -> None:
    story.docs.rename(story.folder / "away")


def _emptied(story: Story) -> None:
    for each in story.docs.iterdir():
        shutil.rmtree(each)


def _replaced(story: Story) -> None:
    _renamed(story)
    story.docs.mkdir()
    for number in range(FILES):
        (story.docs / f"other{number}.md").write_text(f"# Other\n\nAnother tree, {number}.\n")


@pytest.mark.parametrize(
    ("happens", "exit", "created"), [(_renamed, 3, 0), (_emptied, 4, 0), (_replaced, 4, FILES)]
)
def test_a_root_that_is_not_the_root_removes_nothing(
    happens: Callable[[Story], None], exit: int, created: int, tmp_path: Path, ledger: Ledger
) -> None:
    with mirrored(tmp_path, ledger) as story:
        before = story.documents()
        happens(story)
        story.terminal.type("apply", exit=exit)
        assert story.writes() == ({"create": created} if created else {})
        assert before.items() <= story.documents().items()


def test_three_files_are_enough_to_guard_a_root(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        for number in range(3, FILES):
            story.page(number).unlink()
        story.terminal.type("apply", *printed_release(story.terminal.type("apply", exit=4)))
        assert story.writes() == {"delete": FILES - 3}
        story.page(0).unlink()
        story.page(1).unlink()
        story.terminal.type("apply")
        assert story.writes() == {"delete": 2}
        story.page(2).unlink()  # the last one: it looks like a disk that is away
        printed = story.terminal.type("apply", exit=4)
        assert story.writes() == {}
        story.terminal.type("apply", *printed_release(printed))
        assert story.writes() == {"delete": 1}


def test_most_documents_deleted_there_are_made_again_once(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        base, names = story.base(), story.documents()
        story.delete(*(f"/datasets/{base}/documents/{each}" for each in list(names.values())[5:]))
        printed = story.terminal.type("apply", exit=4)
        assert story.writes() == {}
        story.terminal.type("apply", *printed_release(printed))
        assert story.writes() == {"create": FILES - 5}
        assert story.documents().keys() == names.keys()
        story.terminal.type("apply")
        assert story.writes() == {}


def test_changed_settings_wait_too(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        story.configure(
            ", chunking: {mode: automatic, language: German}, guard: {reembeddings: {least: 5}}"
        )
        printed = story.terminal.type("apply", exit=4)
        assert f"{FILES} uploads of files that did not change" in printed
        assert story.writes() == {}
        story.terminal.type("apply", *printed_release(printed))
        assert sum(story.writes().values()) == FILES


def test_a_base_deleted_there_halts_the_mirror(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        story.delete(f"/datasets/{story.base()}")
        story.terminal.type("apply", exit=5)
        assert story.writes() == {}
        story.api.post("/datasets", json={"name": "Docs"}).raise_for_status()
        story.requests.writes()
        story.terminal.type("apply", exit=5)
        assert story.writes() == {}


def test_files_newly_excluded_keep_their_documents(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        story.configure(', exclude: ["part1/", "part2/", "part3/"]')
        story.terminal.type("apply", exit=3)
        assert story.writes() == {}
        printed = story.terminal.type("apply", "--prune-excluded", exit=4)
        assert story.writes() == {}
        story.terminal.type("apply", "--prune-excluded", *printed_release(printed))
        assert story.writes() == {"delete": 3 * FILES // 5}
