"""What the simulator found about replacements, marks, and calls without an answer."""

from __future__ import annotations

import random
from pathlib import Path

import anyio

from kbsync.engine.execute.results import Event
from kbsync.model import Capabilities, Hold
from kbsync.planning.marks import FIELDS, OWNER
from tests.model.dated_folder import DatedFolder
from tests.model.stored_document import FAILS, FINE, NEVER

from .history import REMOVALS, History
from .line import LATEST
from .quiescence import plans, settle
from .rules import _by_hand
from .stories import NEW, UNTOLD, Late, Unanswered, one_pass, play_story, two_mirrored
from .weather import Weather


def test_a_replacement_that_failed_and_was_archived_by_hand_is_held(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        (old,) = history.server.documents.values()
        history.folders["docs"].edit("a.md", b"another text")
        history.server.indexing = lambda name: (10.0, FAILS)
        history.on_event = lambda event: put_away()

        def put_away() -> None:
            (new,) = set(history.server.documents) - {old.id}
            history.server.documents[new].archived = True

        await one_pass(history)
        made = await plans(history)
        assert made is not None
        (action,) = made[0].plan.actions
        assert isinstance(action, Hold)
        assert action.why.code == "KB-E006"

    play_story(empty, tmp_path, story, able=NEW)


def test_a_replacement_that_failed_while_kbsync_was_away_is_tried_again(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        history.folders["docs"].edit("a.md", b"another text")
        weather = Weather(random.Random(1), crash_in=1000)
        history.on_event = lambda event: weather.end()
        history.server.indexing = lambda name: (10.0, FAILS)
        await history.kbsync(random.Random(1), weather, releases=False)
        history.on_event = lambda event: None
        await anyio.sleep(1000)
        history.server.indexing = lambda name: (1.0, FINE)
        await one_pass(history)
        (old,) = history.server.documents.values()
        assert old.content == b"text"
        made = await plans(history)
        assert made is not None
        (action,) = made[0].plan.actions
        assert isinstance(action, Hold)
        assert action.until is not None
        await anyio.sleep(4000)
        await one_pass(history)
        (new,) = history.server.documents.values()
        assert new.content == b"another text"

    play_story(empty, tmp_path, story, able=NEW)


def test_a_mark_changed_by_hand_is_written_again(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        (document,) = history.server.documents.values()
        before = dict(document.metadata)
        for name in set(FIELDS) - {"kbsync_mirror", "kbsync_path", "kbsync_rev", OWNER}:
            document.metadata[name] = "another"
        await one_pass(history)
        assert document.metadata == before

    play_story(empty, tmp_path, story, able=NEW)


def test_a_field_that_was_renamed_is_written_again_for_every_mirror_of_the_base(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.mirrors = ("docs", "wiki")
        history.folders["wiki"] = DatedFolder("wiki", history.wall)
        for folder in history.folders.values():
            folder.write("a.md", b"text")
        await one_pass(history)
        name = "kbsync_mirror"
        history.server.fields["old"] = history.server.fields.pop(name)
        for document in history.server.documents.values():
            document.metadata["old"] = document.metadata.pop(name)
        await one_pass(history)
        documents = history.server.documents.values()
        assert sorted(each.metadata[name] for each in documents) == ["docs", "wiki"]

    play_story(empty, tmp_path, story, able=NEW)


def test_the_guard_counts_a_removal_whose_end_was_not_seen(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        for number in range(REMOVALS + 2):
            folder.write(f"{number}.md", b"text %d" % number)
        await one_pass(history)
        del folder.files["0.md"]
        weather = Weather(random.Random(1), crash_in=1000)

        def crash(event: Event) -> None:
            raise AssertionError("the delete was answered")

        history.server.after_delete = weather.end
        history.on_event = crash
        await history.kbsync(random.Random(1), weather, releases=False)
        history.on_event = lambda event: None
        history.server.after_delete = lambda: None
        await one_pass(history)
        for number in range(1, REMOVALS + 1):
            del folder.files[f"{number}.md"]
        await one_pass(history)
        assert len(history.server.documents) == REMOVALS + 1

    play_story(empty, tmp_path, story, able=NEW)


def test_a_file_that_went_while_its_update_was_not_answered_takes_its_document_along(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        folder.edit("a.md", b"edited")

        def leave(event: Event) -> None:
            if event.action == "update":
                del folder.files["a.md"]
                history.on_event = lambda event: None

        history.on_event = leave
        await one_pass(history, Unanswered)
        await one_pass(history)
        assert [each.name for each in history.server.documents.values()] == ["b.md"]

    play_story(empty, tmp_path, story, able=NEW)


def test_a_document_that_went_before_it_was_indexed_is_not_said_to_have_failed(
    empty: Path, tmp_path: Path
) -> None:
    events: list[Event] = []

    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")

        def lose(event: Event) -> None:
            events.append(event)
            if len(events) == 1:
                history.server.documents.clear()

        history.on_event = lose
        await one_pass(history)

    play_story(empty, tmp_path, story, able=NEW)
    assert [each.outcome for each in events if each.action == "index"] == ["indexed"]


def test_the_guard_counts_a_document_found_missing_whose_new_upload_was_not_answered(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        documents = history.server.documents
        for number in range(REMOVALS + 2):
            history.folders["docs"].write(f"{number}.md", b"text %d" % number)
        await one_pass(history)
        for number in range(REMOVALS + 1):
            (lost,) = [each.id for each in documents.values() if each.name == f"{number}.md"]
            del documents[lost]
            await one_pass(history, Unanswered)
        assert len(documents) == REMOVALS + 1

    play_story(empty, tmp_path, story, able=NEW)


def test_a_file_that_went_amid_a_swap_takes_both_of_its_documents_along(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        folder = await two_mirrored(history)
        folder.edit("a.md", b"edited")
        weather = Weather(random.Random(1), crash_in=1000)
        history.on_event = lambda event: weather.end()
        await history.kbsync(random.Random(1), weather, releases=False)
        history.on_event = lambda event: None
        del folder.files["a.md"]
        await anyio.sleep(100)
        await one_pass(history)
        assert [each.name for each in history.server.documents.values()] == ["b.md"]

    play_story(empty, tmp_path, story, able=Capabilities(version="0.9.0"))


def test_a_delete_that_lands_late_does_not_hit_a_file_that_is_back(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        del folder.files["a.md"]

        def return_(event: Event) -> None:
            folder.write("a.md", b"text")
            history.on_event = lambda event: None

        history.on_event = return_
        await one_pass(history, Late)
        await anyio.sleep(300)
        history.server.land()
        names = sorted(each.name for each in history.server.documents.values())
        assert names == ["a.md", "b.md"]

    play_story(empty, tmp_path, story, able=NEW)


def test_a_pass_ends_though_what_an_unanswered_update_left_is_never_indexed(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        history.folders["docs"].edit("a.md", b"edited")
        history.server.indexing = lambda name: (0.0, NEVER)
        chance, began = random.Random(1), history.time()
        await history.kbsync(chance, Unanswered(chance), releases=False)
        assert history.time() - began < 3600

    play_story(empty, tmp_path, story, able=NEW)


def test_of_two_documents_that_a_create_may_have_made_the_one_of_its_size_is_taken_over(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        await _amid_a_create(history, by_hand=b"made by hand")
        await one_pass(history)
        ours = {each.name for each in history.server.documents.values() if not each.by_hand}
        assert ours == {"a.md", "b.md", "c.md"}
        assert history.server.documents["hand-1"].content == b"made by hand"

    play_story(empty, tmp_path, story, able=UNTOLD)


def test_a_document_that_was_taken_for_a_late_create_and_deleted_by_hand_leaves_the_other(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        def delete(event: Event) -> None:
            if event.action == "resolve":
                history.watcher.deleted_there(history.server.documents["hand-1"])
                del history.server.documents["hand-1"]
                del history.folders["docs"].files["c.md"]

        await _amid_a_create(history, by_hand=b"another")
        history.on_event = delete
        await one_pass(history)
        await settle(history)

    play_story(empty, tmp_path, story, able=UNTOLD)


async def _amid_a_create(history: History, *, by_hand: bytes) -> None:
    """Mirror a.md and b.md; c.md is on its way when the process ends and a namesake is made."""
    folder = await two_mirrored(history)
    folder.write("c.md", b"a third")
    chance = random.Random(1)
    weather = Late(chance, crash_in=1000)
    history.on_event = lambda event: weather.end()
    await history.kbsync(chance, weather, releases=False)
    history.on_event = lambda event: None
    _by_hand(history, "c.md", by_hand)
    await anyio.sleep(LATEST)
    history.server.land()
