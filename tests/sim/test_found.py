"""What the simulator found, one story each."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
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
from kbsync.planning.marks import FIELDS, OWNER
from tests.model.folder import EMPTY, Folder
from tests.model.knowledge_base import FAILS, FINE, NEVER, Capabilities

from .history import REMOVALS, History, play
from .line import LATEST
from .program import Program
from .quiescence import plans
from .rules import lose_ledger
from .weather import LATE, LOST, NOT_SENT, PAGES, RESET, SHIFTED, WRITES, Weather


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


# -- in the simulator's own world, on the real ledger ----------------------------------------------

NEW = Capabilities(version="1.13.0")
WEDGING = Capabilities(version="1.12.1", update_wedges=True)


async def _pass(history: History, weather: Callable[[random.Random], Weather] = Weather) -> None:
    chance = random.Random(1)
    await history.kbsync(chance, weather(chance), releases=False)


async def _two_mirrored(history: History) -> Folder:
    """Mirror a.md and b.md; return their folder."""
    folder = history.folders["docs"]
    folder.write("a.md", b"text")
    folder.write("b.md", b"another")
    await _pass(history)
    return folder


def _play(
    empty: Path, place: Path, story: Callable[[History], Awaitable[None]], *, able: Capabilities
) -> History:
    async def begun(history: History) -> None:
        history.server.capabilities, history.fine = able, True
        await story(history)

    return play(Program(0, ()), place, empty, begun)


def test_a_mark_taken_off_by_hand_is_written_again(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (document,) = history.server.documents.values()
        marked, document.metadata = document.metadata, {"theirs": "1"}
        await _pass(history)
        assert document.metadata == {**marked, "theirs": "1"}

    history = _play(empty, tmp_path, story, able=NEW)
    assert sum(" create a.md b" in line for line in history.trace) == 1


def test_a_mark_that_lands_late_over_the_one_of_a_move_is_written_again(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", b"text")
        await _pass(history)
        (document,) = history.server.documents.values()
        before = document.metadata
        folder.files["d/a.md"] = folder.files.pop("a.md")
        await _pass(history)
        moved, document.metadata = document.metadata, before
        assert moved["kbsync_path"] == "d/a.md"
        await _pass(history)
        await _pass(history)
        assert document.metadata == moved

    history = _play(empty, tmp_path, story, able=NEW)
    assert sum(" b'text'" in line for line in history.trace) == 1


def test_an_old_document_archived_by_hand_during_a_swap_is_held(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (old,) = history.server.documents.values()
        history.folders["docs"].edit("a.md", b"another text")
        history.on_event = lambda event: setattr(old, "archived", True)
        await _pass(history)
        made = await plans(history)
        assert made is not None
        (planned,) = made
        (action,) = planned.plan.actions
        assert isinstance(action, Hold)
        assert action.why.code == "KB-E006"
        old.archived = False
        await _pass(history)
        assert [each.content for each in history.server.documents.values()] == [b"another text"]

    _play(empty, tmp_path, story, able=NEW)


def test_what_came_back_and_was_sent_is_not_removed_for_a_plan_that_said_so_before(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        folder = await _two_mirrored(history)
        del folder.files["a.md"]
        folder.edit("b.md", b"edited")

        def turn(event: Event) -> None:
            if (event.action, event.key.path) == ("update", "b.md"):
                folder.write("a.md", b"back again")
            if event.key.path == "a.md":
                folder.mount = EMPTY

        history.on_event = turn
        await _pass(history)
        contents = sorted(each.content for each in history.server.documents.values())
        assert contents == [b"back again", b"edited"]

    _play(empty, tmp_path, story, able=NEW)


def test_what_came_back_amid_its_removal_is_not_removed_once_more(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await _two_mirrored(history)
        del folder.files["a.md"]

        def turn(event: Event) -> None:
            if event.action == "delete":
                folder.write("a.md", b"text")
            elif event.action == "resolve":
                folder.mount = EMPTY

        history.on_event = turn
        await _pass(history, Lost)

    history = _play(empty, tmp_path, story, able=NEW)
    assert sum("delete doc-" in line for line in history.trace) == 1


def test_a_document_too_many_goes_though_its_file_stands(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (document,) = history.server.documents.values()
        history.server.documents["copy"] = replace(document, id="copy", name="copy.md")
        await _pass(history)
        assert list(history.server.documents) == [document.id]

    _play(empty, tmp_path, story, able=NEW)


def test_a_file_that_went_amid_the_removal_of_a_document_too_many_keeps_its_own(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await _two_mirrored(history)
        mine = next(each for each in history.server.documents.values() if each.name == "a.md")
        history.server.documents["copy"] = replace(mine, id="copy", name="copy.md")

        def turn(event: Event) -> None:
            if event.action == "delete":
                folder.mount = EMPTY

        history.on_event = turn
        await _pass(history, Unreached)
        assert mine.id in history.server.documents

    history = _play(empty, tmp_path, story, able=NEW)
    assert sum("delete copy" in line for line in history.trace) == 1
    assert not any("delete doc-" in line for line in history.trace)


def test_an_update_that_lands_after_its_document_was_removed_leaves_no_document_too_many(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await _two_mirrored(history)
        mine = next(each for each in history.server.documents.values() if each.name == "a.md")
        folder.edit("a.md", b"edited")

        def remove(event: Event) -> None:
            if event.action == "update" and mine.id in history.server.documents:
                del history.server.documents[mine.id]
                del folder.files["a.md"]

        history.on_event = remove
        await _pass(history, Late)
        await anyio.sleep(LATEST)
        await _pass(history)
        assert {each.name for each in history.server.documents.values()} == {"b.md"}

    history = _play(empty, tmp_path, story, able=WEDGING)
    assert any("create a.md b'edited' lands later" in line for line in history.trace)


def test_a_ledger_that_did_not_see_all_marks_when_it_took_over_goes_on(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", b"text")
        await _pass(history)
        lose_ledger(history, random.Random(1))
        folder.edit("a.md", b"")  # an empty file is left out, and its document is not looked up
        folder.write("b.md", b"another")
        await _pass(history, Shifting)
        assert {each.name for each in history.server.documents.values()} == {"a.md", "b.md"}
        await _pass(history)
        assert not any("KB-E052" in line for line in history.trace)
        assert {each.name for each in history.server.documents.values()} == {"a.md", "b.md"}

    _play(empty, tmp_path, story, able=NEW)


def test_a_file_that_another_stood_in_for_while_it_was_sent_is_sent_again(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", b"text 1")
        folder.write("b.md", b"text 2")
        open_, files = folder.open, folder.files
        true = files["a.md"]

        def stood_in(path: str) -> AbstractContextManager[Payload | Unknown]:
            if path == "a.md":
                files["a.md"], folder.open = files["b.md"], open_  # type: ignore[method-assign]
            return open_(path)

        def put_back(event: Event) -> None:
            files["a.md"] = true

        folder.open = stood_in  # type: ignore[method-assign]
        history.on_event = put_back
        await _pass(history)
        await _pass(history)
        documents = history.server.documents.values()
        assert {each.name: each.content for each in documents} == {
            path: file.content for path, file in files.items()
        }

    _play(empty, tmp_path, story, able=NEW)


def test_a_create_of_a_backup_leaves_a_document_alone_that_moved_since(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await _two_mirrored(history)
        folder.write("c.md", b"a third")
        chance = random.Random(1)
        weather = Late(chance, crash_in=1000)
        history.on_event = lambda event: weather.end()
        await history.kbsync(chance, weather, releases=False)
        history.on_event = lambda event: None
        history.own.keep_copy()
        await anyio.sleep(LATEST)
        await _pass(history)
        folder.files["d.md"] = folder.files.pop("c.md")
        await _pass(history)
        assert history.own.roll_back()
        await _pass(history)
        contents = {each.id: each.content for each in history.server.documents.values()}
        entry = history.store.entry(DocKey(mirror="docs", path="d.md"))
        assert entry is not None
        assert contents[entry.document_id] == b"a third"
        assert len(contents) == 3
        assert not list(history.store.intents("docs"))

    _play(empty, tmp_path, story, able=NEW)


def test_a_replacement_that_failed_and_was_archived_by_hand_is_held(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (old,) = history.server.documents.values()
        history.folders["docs"].edit("a.md", b"another text")
        history.server.indexing = lambda name: (10.0, FAILS)
        history.on_event = lambda event: put_away()

        def put_away() -> None:
            (new,) = set(history.server.documents) - {old.id}
            history.server.documents[new].archived = True

        await _pass(history)
        made = await plans(history)
        assert made is not None
        (action,) = made[0].plan.actions
        assert isinstance(action, Hold)
        assert action.why.code == "KB-E006"

    _play(empty, tmp_path, story, able=NEW)


def test_a_replacement_that_failed_while_kbsync_was_away_is_tried_again(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        history.folders["docs"].edit("a.md", b"another text")
        weather = Weather(random.Random(1), crash_in=1000)
        history.on_event = lambda event: weather.end()
        history.server.indexing = lambda name: (10.0, FAILS)
        await history.kbsync(random.Random(1), weather, releases=False)
        history.on_event = lambda event: None
        await anyio.sleep(1000)
        history.server.indexing = lambda name: (1.0, FINE)
        await _pass(history)
        (old,) = history.server.documents.values()
        assert old.content == b"text"
        made = await plans(history)
        assert made is not None
        (action,) = made[0].plan.actions
        assert isinstance(action, Hold)
        assert action.until is not None
        await anyio.sleep(4000)
        await _pass(history)
        (new,) = history.server.documents.values()
        assert new.content == b"another text"

    _play(empty, tmp_path, story, able=NEW)


def test_a_mark_changed_by_hand_is_written_again(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (document,) = history.server.documents.values()
        before = dict(document.metadata)
        for name in set(FIELDS) - {"kbsync_mirror", "kbsync_path", "kbsync_rev", OWNER}:
            document.metadata[name] = "another"
        await _pass(history)
        assert document.metadata == before

    _play(empty, tmp_path, story, able=NEW)


def test_a_field_that_was_renamed_is_written_again_for_every_mirror_of_the_base(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.mirrors = ("docs", "wiki")
        history.folders["wiki"] = Folder("wiki", history.wall)
        for folder in history.folders.values():
            folder.write("a.md", b"text")
        await _pass(history)
        name = "kbsync_mirror"
        history.server.fields["old"] = history.server.fields.pop(name)
        for document in history.server.documents.values():
            document.metadata["old"] = document.metadata.pop(name)
        await _pass(history)
        documents = history.server.documents.values()
        assert sorted(each.metadata[name] for each in documents) == ["docs", "wiki"]

    _play(empty, tmp_path, story, able=NEW)


def test_the_guard_counts_a_removal_whose_end_was_not_seen(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        for number in range(REMOVALS + 2):
            folder.write(f"{number}.md", b"text %d" % number)
        await _pass(history)
        del folder.files["0.md"]
        weather = Weather(random.Random(1), crash_in=1000)

        def crash(event: Event) -> None:
            raise AssertionError("the delete was answered")

        history.server.after_delete = weather.end
        history.on_event = crash
        await history.kbsync(random.Random(1), weather, releases=False)
        history.on_event = lambda event: None
        history.server.after_delete = lambda: None
        await _pass(history)
        for number in range(1, REMOVALS + 1):
            del folder.files[f"{number}.md"]
        await _pass(history)
        assert len(history.server.documents) == REMOVALS + 1

    _play(empty, tmp_path, story, able=NEW)


class Unanswered(Weather):
    """The next write is not answered; it takes effect at once, unless its fate is another."""

    how = RESET

    def fate(self, fates: dict[str, int]) -> str:
        if fates is not WRITES or self.met[self.how]:
            return super().fate(fates)
        self.met[self.how] += 1
        return self.how


class Lost(Unanswered):
    """The next write is not answered, and takes no effect."""

    how = LOST


class Unreached(Unanswered):
    """The next write is not sent."""

    how = NOT_SENT


class Shifting(Weather):
    """No listing is complete."""

    def fate(self, fates: dict[str, int]) -> str:
        return SHIFTED if fates is PAGES else super().fate(fates)


class Late(Unanswered):
    """The next write is not answered, and takes effect later."""

    how = LATE


def test_a_file_that_went_while_its_update_was_not_answered_takes_its_document_along(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await _two_mirrored(history)
        folder.edit("a.md", b"edited")

        def leave(event: Event) -> None:
            if event.action == "update":
                del folder.files["a.md"]
                history.on_event = lambda event: None

        history.on_event = leave
        await _pass(history, Unanswered)
        await _pass(history)
        assert [each.name for each in history.server.documents.values()] == ["b.md"]

    _play(empty, tmp_path, story, able=NEW)


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
        await _pass(history)

    _play(empty, tmp_path, story, able=NEW)
    assert [each.outcome for each in events if each.action == "index"] == ["indexed"]


def test_the_guard_counts_a_document_found_missing_whose_new_upload_was_not_answered(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        documents = history.server.documents
        for number in range(REMOVALS + 2):
            history.folders["docs"].write(f"{number}.md", b"text %d" % number)
        await _pass(history)
        for number in range(REMOVALS + 1):
            (lost,) = [each.id for each in documents.values() if each.name == f"{number}.md"]
            del documents[lost]
            await _pass(history, Unanswered)
        assert len(documents) == REMOVALS + 1

    _play(empty, tmp_path, story, able=NEW)


def test_a_file_that_went_amid_a_swap_takes_both_of_its_documents_along(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        folder = await _two_mirrored(history)
        folder.edit("a.md", b"edited")
        weather = Weather(random.Random(1), crash_in=1000)
        history.on_event = lambda event: weather.end()
        await history.kbsync(random.Random(1), weather, releases=False)
        history.on_event = lambda event: None
        del folder.files["a.md"]
        await anyio.sleep(100)
        await _pass(history)
        assert [each.name for each in history.server.documents.values()] == ["b.md"]

    _play(empty, tmp_path, story, able=Capabilities(version="0.9.0", metadata=False))


def test_a_delete_that_lands_late_does_not_hit_a_file_that_is_back(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await _two_mirrored(history)
        del folder.files["a.md"]

        def return_(event: Event) -> None:
            folder.write("a.md", b"text")
            history.on_event = lambda event: None

        history.on_event = return_
        await _pass(history, Late)
        await anyio.sleep(300)
        history.server.land()
        names = sorted(each.name for each in history.server.documents.values())
        assert names == ["a.md", "b.md"]

    _play(empty, tmp_path, story, able=NEW)


def test_a_pass_ends_though_what_an_unanswered_update_left_is_never_indexed(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        history.folders["docs"].edit("a.md", b"edited")
        history.server.indexing = lambda name: (0.0, NEVER)
        chance, began = random.Random(1), history.time()
        await history.kbsync(chance, Unanswered(chance), releases=False)
        assert history.time() - began < 3600

    _play(empty, tmp_path, story, able=NEW)
