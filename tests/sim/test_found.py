"""What the simulator found, one story each."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from engine.fakes import pool_of, run_pool, stage
from engine.server import REFUSED
from engine.words import key_of

from kbsync.engine.execute.results import Event
from kbsync.engine.ports import Payload
from kbsync.model import DocKey, Gone, Hold, Unknown
from tests.model.folder import EMPTY

from .history import History
from .line import LATEST
from .playing import fails
from .program import Program
from .quiescence import plans
from .rules import lose_ledger
from .stories import (
    NEW,
    WEDGING,
    Late,
    Lost,
    Shifting,
    Unreached,
    one_pass,
    play_story,
    two_mirrored,
)


@pytest.mark.anyio
async def test_without_waiting_a_pass_ends_though_a_document_is_done_as_the_workers_leave() -> None:
    on = stage({"a.md": b"first", "b.md": b"second"})
    on.server.indexing = 0.01
    on.server.faults["create"].extend([None, REFUSED])
    pool = pool_of(on, wait=False, workers=1)
    with anyio.fail_after(3600):
        report = await pool.run(map(key_of, ["a.md", "b.md"]))
    assert on.states() == {"a.md": "synced"}
    assert report.indexing == report.waiting == 0


@pytest.mark.anyio
async def test_a_delete_answered_with_404_is_believed_when_the_document_is_not_there() -> None:
    on = stage({"a.md": b"first", "b.md": b"second"})
    await run_pool(on, ["a.md", "b.md"])
    on.source.remove("a.md")
    on.server.faults["delete"].append(Gone())  # the server was away for that moment
    await run_pool(on, ["a.md"])
    assert [each.name for each in on.server.documents.values()] == ["b.md"]
    assert on.states() == {"b.md": "synced"}


def test_a_mark_taken_off_by_hand_is_written_again(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        (document,) = history.server.documents.values()
        marked, document.metadata = document.metadata, {"theirs": "1"}
        await one_pass(history)
        assert document.metadata == {**marked, "theirs": "1"}

    history = play_story(empty, tmp_path, story, able=NEW)
    assert sum(" create a.md b" in line for line in history.trace) == 1


def test_a_mark_that_lands_late_over_the_one_of_a_move_is_written_again(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", b"text")
        await one_pass(history)
        (document,) = history.server.documents.values()
        before = document.metadata
        folder.files["d/a.md"] = folder.files.pop("a.md")
        await one_pass(history)
        moved, document.metadata = document.metadata, before
        assert moved["kbsync_path"] == "d/a.md"
        await one_pass(history)
        await one_pass(history)
        assert document.metadata == moved

    history = play_story(empty, tmp_path, story, able=NEW)
    assert sum(" b'text'" in line for line in history.trace) == 1


def test_an_old_document_archived_by_hand_during_a_swap_is_held(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        (old,) = history.server.documents.values()
        history.folders["docs"].edit("a.md", b"another text")
        history.on_event = lambda event: setattr(old, "archived", True)
        await one_pass(history)
        made = await plans(history)
        assert made is not None
        (planned,) = made
        (action,) = planned.plan.actions
        assert isinstance(action, Hold)
        assert action.why.code == "KB-E006"
        old.archived = False
        await one_pass(history)
        assert [each.content for each in history.server.documents.values()] == [b"another text"]

    play_story(empty, tmp_path, story, able=NEW)


def test_what_came_back_and_was_sent_is_not_removed_for_a_plan_that_said_so_before(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        folder = await two_mirrored(history)
        del folder.files["a.md"]
        folder.edit("b.md", b"edited")

        def turn(event: Event) -> None:
            if (event.action, event.key.path) == ("update", "b.md"):
                folder.write("a.md", b"back again")
            if event.key.path == "a.md":
                folder.mount = EMPTY

        history.on_event = turn
        await one_pass(history)
        contents = sorted(each.content for each in history.server.documents.values())
        assert contents == [b"back again", b"edited"]

    play_story(empty, tmp_path, story, able=NEW)


def test_what_came_back_amid_its_removal_is_not_removed_once_more(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        del folder.files["a.md"]

        def turn(event: Event) -> None:
            if event.action == "delete":
                folder.write("a.md", b"text")
            elif event.action == "resolve":
                folder.mount = EMPTY

        history.on_event = turn
        await one_pass(history, Lost)

    history = play_story(empty, tmp_path, story, able=NEW)
    assert sum("delete doc-" in line for line in history.trace) == 1


def test_a_document_too_many_goes_though_its_file_stands(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        (document,) = history.server.documents.values()
        history.server.documents["copy"] = replace(document, id="copy", name="copy.md")
        await one_pass(history)
        assert list(history.server.documents) == [document.id]

    play_story(empty, tmp_path, story, able=NEW)


def test_a_file_that_went_amid_the_removal_of_a_document_too_many_keeps_its_own(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        mine = next(each for each in history.server.documents.values() if each.name == "a.md")
        history.server.documents["copy"] = replace(mine, id="copy", name="copy.md")

        def turn(event: Event) -> None:
            if event.action == "delete":
                folder.mount = EMPTY

        history.on_event = turn
        await one_pass(history, Unreached)
        assert mine.id in history.server.documents

    history = play_story(empty, tmp_path, story, able=NEW)
    assert sum("delete copy" in line for line in history.trace) == 1
    assert not any("delete doc-" in line for line in history.trace)


def test_an_update_that_lands_after_its_document_was_removed_leaves_no_document_too_many(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        mine = next(each for each in history.server.documents.values() if each.name == "a.md")
        folder.edit("a.md", b"edited")

        def remove(event: Event) -> None:
            if event.action == "update" and mine.id in history.server.documents:
                del history.server.documents[mine.id]
                del folder.files["a.md"]

        history.on_event = remove
        await one_pass(history, Late)
        await anyio.sleep(LATEST)
        await one_pass(history)
        assert {each.name for each in history.server.documents.values()} == {"b.md"}

    history = play_story(empty, tmp_path, story, able=WEDGING)
    assert any("create a.md b'edited' lands later" in line for line in history.trace)


def test_a_ledger_that_did_not_see_all_marks_when_it_took_over_goes_on(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", b"text")
        await one_pass(history)
        lose_ledger(history, random.Random(1))
        folder.edit("a.md", b"")  # an empty file is left out, and its document is not looked up
        folder.write("b.md", b"another")
        await one_pass(history, Shifting)
        assert {each.name for each in history.server.documents.values()} == {"a.md", "b.md"}
        await one_pass(history)
        assert not any("KB-E052" in line for line in history.trace)
        assert {each.name for each in history.server.documents.values()} == {"a.md", "b.md"}

    play_story(empty, tmp_path, story, able=NEW)


def test_a_file_that_another_stood_in_for_while_it_was_sent_is_sent_again(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", b"text 1")
        folder.write("b.md", b"text 2")
        open_, files = folder.open, folder.files
        true = files["a.md"]

        def stood_in(
            path: str, taken: str | None = None
        ) -> AbstractContextManager[Payload | Unknown]:
            if path == "a.md":
                files["a.md"], folder.open = files["b.md"], open_  # type: ignore[method-assign]
            return open_(path, taken)

        def put_back(event: Event) -> None:
            files["a.md"] = true

        folder.open = stood_in  # type: ignore[method-assign]
        history.on_event = put_back
        await one_pass(history)
        await one_pass(history)
        documents = history.server.documents.values()
        assert {each.name: each.content for each in documents} == {
            path: file.content for path, file in files.items()
        }

    play_story(empty, tmp_path, story, able=NEW)


def test_a_create_of_a_backup_leaves_a_document_alone_that_moved_since(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        folder.write("c.md", b"a third")
        chance = random.Random(1)
        weather = Late(chance, crash_in=1000)
        history.on_event = lambda event: weather.end()
        await history.kbsync(chance, weather, releases=False)
        history.on_event = lambda event: None
        history.own.keep_copy()
        await anyio.sleep(LATEST)
        await one_pass(history)
        folder.files["d.md"] = folder.files.pop("c.md")
        await one_pass(history)
        assert history.own.roll_back()
        await one_pass(history)
        contents = {each.id: each.content for each in history.server.documents.values()}
        entry = history.store.entry(DocKey(mirror="docs", path="d.md"))
        assert entry is not None
        assert contents[entry.document_id] == b"a third"
        assert len(contents) == 3
        assert not list(history.store.intents("docs"))

    play_story(empty, tmp_path, story, able=NEW)


def test_what_was_done_a_moment_before_it_is_sent_again_was_seen_standing(
    empty: Path, tmp_path: Path
) -> None:
    program = Program.parsed(
        "6381 chmod:46316 lose_ledger:17145 keep:48682 rename:21881 refuse:16136 rival:63944 "
        "apply:52293 apply:60254"
    )
    assert fails(program, tmp_path, empty) is None
