"""What the guard counts, what it holds back, and what releases it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.config.guard import GuardConfig, ReembeddingLimits, RemovalLimits
from kbsync.messages import Message
from kbsync.messages import guard as say
from kbsync.model import (
    Action,
    Adopt,
    Allowed,
    Cause,
    Create,
    Delete,
    DocKey,
    EntryState,
    Fingerprint,
    Forget,
    Guard,
    Halted,
    Move,
    Op,
    Readiness,
    Stat,
    Update,
)
from kbsync.planning.decide import decide
from kbsync.planning.guard import (
    Facts,
    History,
    Root,
    allowance,
    guard,
    history_of,
    released,
    risk_of,
    root_fault,
)
from kbsync.planning.lookahead import foresee

from .stories import ABSENT, EDITED, OLD, SAME, UNKNOWN, case, entry, intent, remote

STAT = Stat(1, 1, 1, 1)
NONE = History()
KNOWN = Fingerprint(content="c", settings="S")


def _key(path: str) -> DocKey:
    return DocKey(mirror="docs", path=path)


def delete(path: str, cause: str = "removed", document: str = "") -> Delete:
    return Delete(
        key=_key(path),
        row="T20",
        cause=Cause(cause),
        document_id=document or f"d-{path}",
        name=path,
    )


def create(path: str, cause: str = "new") -> Create:
    return Create(key=_key(path), row="T9", cause=Cause(cause), stat=STAT)


def update(path: str, cause: str) -> Update:
    return Update(key=_key(path), row="T17", cause=Cause(cause), stat=STAT, document_id=f"d-{path}")


def many(count: int, make: object, *words: str) -> list[Action]:
    assert callable(make)
    return [make(f"{n:05}", *words) for n in range(count)]


def decided(
    actions: Sequence[Action], documents: int = 0, history: History = NONE, **facts: object
) -> Guard:
    known = Facts(mirror="docs", documents=documents, **facts)  # type: ignore[arg-type]
    return guard(actions, known, history, GuardConfig())


def held(found: Guard) -> set[str]:
    return {key.path for key in found.keys} if isinstance(found, Halted) else set()


def reasons(found: Guard) -> list[Message]:
    return [why.message for why in found.why] if isinstance(found, Halted) else []


# -- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documents", "passes"),
    [(0, 10), (3, 10), (33, 10), (34, 10), (40, 12), (100, 30), (1666, 499), (10_000, 500)],
)
def test_so_many_removals_pass(documents: int, passes: int) -> None:
    assert decided(many(passes, delete), documents) == Allowed()
    found = decided(many(passes + 1, delete), documents)
    assert len(held(found)) == passes + 1
    assert reasons(found) == [say.HALTED_REMOVALS]


@pytest.mark.parametrize(("documents", "passes"), [(0, 50), (499, 50), (510, 51), (10_000, 1000)])
@pytest.mark.parametrize("cause", ["drift", "settings", "unknown"])
def test_so_many_embeddings_pass(documents: int, passes: int, cause: str) -> None:
    assert decided(many(passes, update, cause), documents) == Allowed()
    found = decided(many(passes + 1, update, cause), documents)
    assert len(held(found)) == passes + 1
    assert reasons(found) == [say.HALTED_UPLOADS]


@given(
    least=st.integers(0, 50),
    hundredths=st.integers(1, 100),
    most=st.none() | st.integers(0, 600),
    documents=st.integers(0, 5000),
)
def test_a_limit_is_whole_arithmetic(
    least: int, hundredths: int, most: int | None, documents: int
) -> None:
    by_share = hundredths * documents // 100
    wanted = max(least, by_share if most is None else min(by_share, most))
    limits: RemovalLimits | ReembeddingLimits
    if most is None:
        limits = ReembeddingLimits(least=least, share=hundredths / 100)
    else:
        limits = RemovalLimits(least=least, share=hundredths / 100, most=most)
    assert allowance(limits, documents) == wanted


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 60))
def test_removals_are_deletions_and_what_was_found_missing_in_an_hour(
    deletes: int, missing: int, recent: int, documents: int
) -> None:
    actions: list[Action] = [delete(f"d{n}") for n in range(deletes)]
    actions += [create(f"m{n}", "missing") for n in range(missing)]
    found = decided(actions, documents, History(removals=recent))
    counted = deletes + missing
    over = bool(counted) and counted + recent > max(10, min(3 * documents // 10, 500))
    assert (say.HALTED_REMOVALS in reasons(found)) is over
    assert held(found) == ({action.key.path for action in actions} if over else set())


def test_what_was_deleted_in_the_hour_still_counts_as_the_mirrors() -> None:
    after = History(removals=20, deleted=20)
    assert decided(many(10, delete), 80, after) == Allowed()
    assert len(held(decided(many(11, delete), 80, after))) == 11


def test_an_hour_is_over_when_nothing_more_is_asked() -> None:
    assert decided([create("a")], 10, History(removals=900, reembeddings=900)) == Allowed()


@pytest.mark.parametrize("cause", ["removed", "orphan", "extra", "excluded"])
def test_every_deletion_of_a_document_whose_file_is_no_more_counts(cause: str) -> None:
    assert len(held(decided(many(11, delete, cause)))) == 11


@pytest.mark.parametrize(
    "actions",
    [
        many(900, delete, "superseded"),
        many(900, delete, "failed"),
        many(900, create),
        many(900, update, "edited"),
        many(900, update, "recover"),
        many(900, update, "stuck"),
        [Forget(key=_key(f"{n}"), row="T18", cause=Cause.GONE_ON_BOTH_SIDES) for n in range(900)],
    ],
    ids=lambda actions: str(getattr(actions[0], "cause", "")),
)
def test_what_was_asked_for_or_costs_nothing_passes(actions: list[Action]) -> None:
    assert decided(actions, 1000) == Allowed()


def test_only_what_is_over_its_limit_is_held_back() -> None:
    actions = [*many(11, delete), create("new"), update("drift", "drift"), update("e", "edited")]
    found = decided(actions)
    assert held(found) == {f"{n:05}" for n in range(11)}
    assert isinstance(found, Halted)
    assert found.why[0].words["count"] == "11"
    assert found.digest[:12] in found.why[0].next


def test_adopted_with_unknown_content_counts_as_the_upload_that_follows() -> None:
    document = remote()
    unknown = [
        Adopt(key=_key(f"{n}"), row="T11", cause=Cause.MARK, document=document) for n in range(51)
    ]
    known = [replace(each, fingerprint=KNOWN) for each in unknown]
    assert len(held(decided(unknown))) == 51
    assert decided(known) == Allowed()


def test_the_journal_tells_the_hour() -> None:
    history = history_of(
        {
            ("delete", "removed"): 3,
            ("delete", "orphan"): 1,
            ("delete", "superseded"): 50,
            ("create", "new"): 70,
            ("create", "missing"): 4,
            ("create", "drift"): 5,
            ("update", "settings"): 6,
            ("update", "edited"): 80,
        }
    )
    assert history == History(removals=8, reembeddings=15, deleted=4)


# -- the root ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (Root(files=3, recorded=3, found=3), None),
        (Root(files=3, recorded=0, found=0), None),
        (Root(files=1, recorded=3, found=1), None),
        (Root(files=3, recorded=3, found=1, device=4), None),
        (Root(files=3, recorded=3, found=1, device=4, device_before=4), None),
        (Root(files=3, recorded=3, found=1, device_before=4), None),
        (Root(files=0, recorded=3, found=0), say.ROOT_EMPTY),
        (Root(files=0, recorded=0, found=0), say.ROOT_EMPTY),
        (Root(files=3, recorded=1, found=0), say.ROOT_STRANGE),
        (Root(files=3, recorded=3, found=1, device=5, device_before=4), say.ROOT_DEVICE),
        (Root(files=3, recorded=3, found=3, fault=say.ROOT_EMPTY()), say.ROOT_UNLISTED),
    ],
)
def test_what_speaks_against_a_root(root: Root, message: Message | None) -> None:
    found = root_fault(root)
    assert (found.message if found else None) == message


def test_a_root_that_proves_nothing_halts_every_removal_however_few() -> None:
    forget = Forget(key=_key("f"), row="T18", cause=Cause.GONE_ON_BOTH_SIDES)
    actions = [delete("a"), forget, create("b"), create("c", "missing"), update("d", "drift")]
    found = decided(actions, 100, root=say.ROOT_EMPTY())
    assert held(found) == {"a", "f"}
    assert reasons(found) == [say.HALTED_ROOT]
    assert decided(actions[2:], 100, root=say.ROOT_EMPTY()) == Allowed()


def test_a_superseded_document_goes_whatever_the_root() -> None:
    assert decided([delete("a", "superseded")], 1, root=say.ROOT_EMPTY()) == Allowed()


# -- releasing -----------------------------------------------------------------------------------

SETS = st.sets(st.integers(0, 40), min_size=11, max_size=30)


def _of(numbers: set[int]) -> Halted:
    found = decided([delete(f"{n}") for n in sorted(numbers)])
    assert isinstance(found, Halted)
    return found


@given(SETS, SETS)
def test_a_release_holds_for_a_subset_of_what_was_read_and_for_nothing_else(
    read: set[int], now: set[int]
) -> None:
    still = released(_of(now), _of(read).members)
    assert (still == Allowed()) is (now <= read)
    assert (_of(now).digest == _of(read).digest) is (now == read)


def test_a_release_is_for_these_documents() -> None:
    read = decided(many(11, delete))
    other = decided([delete(f"{n:05}", "removed", "another") for n in range(11)])
    assert isinstance(read, Halted)
    assert isinstance(released(other, read.members), Halted)
    orphans = decided(many(11, delete, "orphan"))  # the same documents, with other causes
    assert released(orphans, read.members) == Allowed()


def test_no_release_of_an_upload_releases_a_deletion() -> None:
    read = decided([update(f"{n}", "drift") for n in range(51)])
    now = decided([delete(f"{n}") for n in range(51)])
    assert isinstance(read, Halted)
    assert isinstance(released(now, read.members), Halted)


def test_adopting_does_not_change_what_a_release_is_for() -> None:
    before = [
        Adopt(key=_key(f"{n}"), row="T11", cause=Cause.MARK, document=remote(f"d-{n}"))
        for n in range(51)
    ]
    after = [update(f"{n}", "unknown") for n in range(51)]
    one, other = decided(before), decided(after)
    assert isinstance(one, Halted)
    assert isinstance(other, Halted)
    assert one.digest == other.digest


# -- what is foreseen ----------------------------------------------------------------------------


def _foreseen(**words: object) -> Action | None:
    subject = case(**words)
    return foresee(subject, decide(subject))


BUSY = remote(readiness=Readiness.INDEXING, words=None)
UPLOADED = entry(EntryState.INDEXING)


@pytest.mark.parametrize(
    ("words", "name", "cause"),
    [
        ({"local": ABSENT, "entry": UPLOADED, "known": BUSY}, "Delete", "removed"),
        ({"local": EDITED, "entry": UPLOADED, "known": BUSY}, "Update", "edited"),
        ({"local": SAME, "entry": UPLOADED, "known": BUSY}, None, None),
        (
            {"local": SAME, "entry": replace(UPLOADED, fingerprint=None), "known": BUSY},
            "Update",
            "unknown",
        ),
        ({"local": ABSENT, "intent": intent(Op.DELETE, document_id="D")}, "Delete", "removed"),
        ({"local": ABSENT, "intent": intent(Op.CREATE)}, "Delete", "removed"),
        ({"local": SAME, "intent": intent(Op.UPDATE, document_id="D")}, "Create", "new"),
        ({"local": EDITED, "entry": entry(), "known": remote()}, None, None),
        ({"local": EDITED, "entry": UPLOADED}, "Update", "edited"),
        ({"local": SAME, "entry": UPLOADED}, None, None),
        ({"local": UNKNOWN, "intent": intent(Op.UPDATE, document_id="D")}, None, None),
    ],
)
def test_what_follows_once_the_server_is_done(
    words: dict[str, object], name: str | None, cause: str | None
) -> None:
    found = _foreseen(**words)
    assert (type(found).__name__ if found else None) == name
    assert getattr(found, "cause", None) == cause


def test_what_is_foreseen_is_counted() -> None:
    subject = case(local=ABSENT, entry=UPLOADED, known=BUSY)
    action = decide(subject)
    follows = foresee(subject, action)
    assert follows is not None
    facts = Facts(mirror="docs", documents=1, foreseen={subject.key: follows})
    assert guard([action], facts, NONE, GuardConfig()) == Allowed()
    halted = guard([action], replace(facts, root=say.ROOT_EMPTY()), NONE, GuardConfig())
    assert isinstance(halted, Halted)


def test_a_move_is_no_removal() -> None:
    move = Move(
        key=_key("to"),
        row="T9",
        cause=Cause.MOVED,
        origin=_key("from"),
        document_id="d",
        stat=OLD,
    )
    assert risk_of(move) is None
