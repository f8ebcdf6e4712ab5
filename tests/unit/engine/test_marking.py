"""Marks: written in batches, read back, never at the cost of foreign values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.execute.results import Report
from kbsync.messages import Problem
from kbsync.messages import engine as say
from kbsync.model import Capabilities, Capability, Gone, NotReady, Rejected, Throttled, Unauthorized
from kbsync.planning.marks import FIELDS, mark_of

from .fakes import Stage, run_pool, stage
from .server import DROPPED, LOST, UNSENT
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
OURS = "owner-of-ours"


def marking(files: dict[str, bytes] | None = None, **settings: object) -> Stage:
    """A stage whose server keeps metadata."""
    on = stage(files, **settings)
    on.world = replace(on.world, fields={}, owner=OURS)
    return on


async def run(on: Stage, *paths: str, wait: bool = True) -> Report:
    return await run_pool(on, paths, wait=wait)


def files(number: int) -> dict[str, bytes]:
    return {f"{n:04}.md": b"words of %d" % n for n in range(number)}


def assert_marked(on: Stage, *paths: str) -> None:
    for path in paths:
        entry = on.ledger.held[key_of(path)]
        mark = mark_of(on.server.show(on.server.documents[entry.document_id]))
        assert mark is not None, path
        assert (mark.path, mark.fingerprint) == (path, entry.fingerprint)
        assert (mark.mirror, mark.owner) == ("docs", OURS)
        assert entry.metadata_hash


async def test_uploads_are_marked_in_few_calls() -> None:
    on = marking(files(150), max_indexing=200)
    report = await run(on, *on.source.files)
    assert_marked(on, *on.source.files)
    assert report.exit == 0
    assert "set_metadata" not in report.done
    assert on.server.count("make_field") == len(FIELDS)
    assert on.server.count("assign") <= 4
    sent = [int(number) for _, call, number in on.server.calls if call == "assign"]
    assert sum(sent) == 150


async def test_a_mark_is_written_within_two_seconds_of_its_upload() -> None:
    on = marking({"a.md": b"a", "b.md": b"b"}, max_indexing=1)
    on.server.indexing = 60.0
    await run(on, "a.md", "b.md")
    created, assigned = on.server.times("create"), on.server.times("assign")
    assert assigned[0] - created[0] < 2.5
    assert assigned[0] < created[1]


async def test_marks_take_a_small_part_of_a_small_rate() -> None:
    on = marking(files(40), requests_per_minute=60, max_indexing=40)
    on.server.latency = 1.0
    await run(on, *on.source.files)
    assert on.server.count("assign") <= 40 / 9 + 1


async def test_the_ledger_knows_of_a_mark_only_what_was_read_back() -> None:
    on = marking({"a.md": b"a"})
    on.server.dropping = {"doc-1"}
    report = await run(on, "a.md")
    assert on.ledger.held[key_of("a.md")].metadata_hash is None
    assert on.server.count("assign") == 2
    kind, why = report.stopped[key_of("a.md")]
    assert (kind, why.message) == ("failed", say.NOT_MARKED)
    assert report.exit == 3


async def test_one_that_drops_does_not_hold_the_others_back() -> None:
    on = marking(files(5))
    on.server.dropping = {"doc-1"}
    report = await run(on, *on.source.files)
    (stopped,) = report.stopped
    assert on.ledger.held[stopped].document_id == "doc-1"
    assert_marked(on, *(on.source.files.keys() - {stopped.path}))


@pytest.mark.parametrize("fault", [LOST, DROPPED, UNSENT, Throttled(30.0)])
async def test_a_call_that_went_astray_is_made_good(fault: object) -> None:
    on = marking({"a.md": b"a"})
    on.server.faults["assign"].append(fault)  # type: ignore[arg-type]
    report = await run(on, "a.md")
    assert_marked(on, "a.md")
    assert report.exit == 0


async def test_a_refused_call_is_told_and_not_repeated() -> None:
    on = marking({"a.md": b"a"})
    on.server.always["assign"] = Rejected(WHY)
    report = await run(on, "a.md")
    assert on.server.count("assign") == 1
    assert report.stopped[key_of("a.md")][0] == "failed"


async def test_a_server_that_is_never_reached_ends_it() -> None:
    on = marking({"a.md": b"a"})
    on.server.always["assign"] = UNSENT
    report = await run(on, "a.md")
    assert 2 < on.server.count("assign") < 10
    assert report.stopped[key_of("a.md")][0] == "failed"


async def test_documents_that_somebody_deleted_do_not_cost_the_others_their_marks() -> None:
    on = marking(files(20))
    on.server.capabilities = Capabilities(version="1.16.1")

    def delete_three(_: str) -> None:
        del on.server.on_call["assign"]
        for each in list(on.server.documents)[3:18:7]:
            del on.server.documents[each]

    on.server.on_call["assign"] = delete_three
    await run(on, *on.source.files)
    assert_marked(on, *on.source.files)  # the three were made anew
    assert on.server.count("create") == 23
    assert on.server.count("assign") <= 5


@pytest.mark.parametrize("merging", [True, False])
async def test_foreign_values_stay(merging: bool) -> None:
    on = marking()
    on.server.capabilities = on.server.capabilities.noting(Capability.MERGE_METADATA, merging)
    entry = on.synced("a.md", b"a")
    on.server.documents[entry.document_id].metadata = {"author": "Ada"}
    on.server.field_ids["author"] = "field-author"
    on.world = replace(on.world, fields=dict(on.server.field_ids))
    report = await run(on, "a.md")
    assert_marked(on, "a.md")
    assert on.server.documents[entry.document_id].metadata["author"] == "Ada"
    assert report.done == {"set_metadata": 1}
    assert [(e.action, e.outcome) for e in on.events] == [("set_metadata", "done")]
    assert [line.action for line in on.ledger.journal] == ["set_metadata"]


async def test_a_value_stays_whose_field_was_made_since_the_pass_began() -> None:
    on = marking()
    on.server.model.able = on.server.model.able.noting(Capability.MERGE_METADATA, able=False)
    entry = on.synced("a.md", b"a")
    on.server.field_ids = {name: f"field-{name}" for name in (*FIELDS, "author")}
    on.world = replace(on.world, fields={name: on.server.field_ids[name] for name in FIELDS})
    on.server.documents[entry.document_id].metadata = {"author": "Ada"}
    await run(on, "a.md")
    assert_marked(on, "a.md")
    assert on.server.documents[entry.document_id].metadata["author"] == "Ada"


async def test_a_new_upload_is_marked_anew() -> None:
    on = marking({"a.md": b"a"})
    await run(on, "a.md")
    before = on.ledger.held[key_of("a.md")]
    on.source.write("a.md", b"other words")
    await run(on, "a.md")
    after = on.ledger.held[key_of("a.md")]
    assert after.document_id == before.document_id
    assert after.metadata_hash not in (None, before.metadata_hash)
    assert_marked(on, "a.md")


async def test_what_is_marked_costs_nothing_more() -> None:
    on = marking({"a.md": b"a"})
    await run(on, "a.md")
    calls = len(on.server.calls)
    report = await run(on, "a.md")
    assert len(on.server.calls) == calls
    assert not report.done


async def test_a_document_that_goes_meanwhile_is_no_error() -> None:
    on = marking()
    entry = on.synced("a.md", b"a")
    on.server.on_call["assign"] = lambda _: on.server.documents.pop(entry.document_id, None)
    report = await run(on, "a.md")
    assert not report.stopped
    assert not report.done


async def test_another_hand_that_makes_the_field_first_is_no_error() -> None:
    on = marking({"a.md": b"a"})

    def first(name: str) -> None:
        on.server.field_ids.setdefault(name, f"field-{name}")

    on.server.on_call["make_field"] = first
    await run(on, "a.md")
    assert_marked(on, "a.md")


async def test_fields_made_since_the_world_was_read_are_not_made_again() -> None:
    on = marking({"a.md": b"a", "b.md": b"b"})
    await run(on, "a.md")
    made = on.server.count("make_field")
    await run(on, "b.md")
    assert made == on.server.count("make_field") == len(FIELDS)
    assert_marked(on, "b.md")


async def test_a_server_without_metadata_is_left_alone() -> None:
    on = stage({"a.md": b"a"})
    report = await run(on, "a.md")
    assert report.exit == 0
    assert not on.server.count("assign")
    assert on.ledger.held[key_of("a.md")].metadata_hash is None


async def test_many_old_documents_are_read_back_by_pages() -> None:
    on = marking()
    for path in files(1200):
        on.synced(path, b"words of " + path.encode())
    on.world = replace(on.world, fields={name: f"field-{name}" for name in FIELDS})
    on.server.field_ids = dict(on.world.fields or {})
    report = await run(on, *on.source.files)
    assert report.done == {"set_metadata": 1200}
    assert on.server.count("page") <= 2 * 12 + 2
    assert on.server.count("assign") == 5
    assert_marked(on, *on.source.files)


async def test_marks_are_waited_for_without_waiting_for_the_index() -> None:
    on = marking({"a.md": b"a"})
    on.server.indexing = 1e6
    report = await run(on, "a.md", wait=False)
    assert report.indexing == 1
    assert_marked(on, "a.md")


async def test_a_mark_that_comes_back_while_the_index_is_asked_is_not_forgotten() -> None:
    on = stage({"a.md": b"a"})

    def read_back(_: str) -> None:
        for key, entry in on.ledger.held.items():
            seen = f"read back at {on.clock.now()}"
            on.ledger.held[key] = replace(entry, metadata_hash=seen)

    on.server.on_call["progress"] = read_back
    await run(on, "a.md")
    last = on.server.times("progress")[-1]
    assert on.ledger.held[key_of("a.md")].metadata_hash == f"read back at {last}"


@pytest.mark.parametrize("call", ["assign", "make_field"])
async def test_a_key_that_may_not_mark_ends_the_pass(call: str) -> None:
    on = marking({"a.md": b"a"})
    on.server.always[call] = Unauthorized(WHY)  # type: ignore[assignment]
    with pytest.raises(Problem) as caught:
        await run(on, "a.md")
    assert caught.value.notice is WHY
    assert on.ledger.held[key_of("a.md")].metadata_hash is None


async def test_a_server_that_is_not_ready_for_marks_is_asked_again() -> None:
    on = marking({"a.md": b"a"})
    on.server.faults["assign"].append(NotReady(WHY, 20.0))
    report = await run(on, "a.md")
    first, second = on.server.times("assign")
    assert second - first >= 20.0
    assert_marked(on, "a.md")
    assert report.exit == 0


async def test_a_404_for_marks_is_told_while_the_base_answers_and_ends_the_pass_otherwise() -> None:
    on = marking({"a.md": b"a"})
    on.server.always["assign"] = Gone()
    report = await run(on, "a.md")
    assert 2 < on.server.count("assign") < 10
    assert report.stopped[key_of("a.md")][0] == "failed"
    again = marking({"a.md": b"a"})
    again.server.faults["assign"].append(Gone())
    again.server.on_call["assign"] = lambda _: setattr(again.server, "base_there", False)
    with pytest.raises(Problem) as caught:
        await run(again, "a.md")
    assert caught.value.notice.message is say.BASE_GONE


async def test_a_field_that_is_gone_is_made_again() -> None:
    on = marking({"a.md": b"a"})
    on.server.faults["assign"].append(Gone())
    report = await run(on, "a.md")
    assert_marked(on, "a.md")
    assert report.exit == 0


async def test_a_field_that_was_made_meanwhile_is_used() -> None:
    on = marking({"a.md": b"a"})

    def made(name: str) -> None:
        on.server.field_ids.setdefault(name, f"their-{name}")

    on.server.on_call["make_field"] = made
    report = await run(on, "a.md")
    assert_marked(on, "a.md")
    assert set(on.server.field_ids.values()) == {f"their-{name}" for name in FIELDS}
    assert report.exit == 0
