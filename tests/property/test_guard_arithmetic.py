"""The guard's arithmetic: counts and shares, over a rolling hour and the plan, to the last one."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.config.guard import GuardConfig, ReembeddingLimits, RemovalLimits
from kbsync.messages import guard as say
from kbsync.model import (
    Action,
    Allowed,
    Cause,
    Create,
    Delete,
    DocKey,
    Guard,
    Halted,
    Stat,
    Update,
)
from kbsync.planning.guard import (
    AN_HOUR,
    Facts,
    History,
    Risk,
    allowance,
    guard,
    history_of,
    released,
    with_under_way,
)

STAT = Stat(1, 1, 1, 1)


def action_of(number: int, kind: str) -> Action:
    """Change `number` of a kind: each has a key of its own."""
    key = DocKey(mirror="docs", path=f"{number:05}.md")
    document = f"doc-{number}"
    match kind:
        case "delete":
            return Delete(
                key=key, row="T20", cause=Cause.REMOVED, document_id=document, name=key.path
            )
        case "missing" | "new":
            return Create(key=key, row="T12", cause=Cause(kind), stat=STAT)
    return Update(key=key, row="T16", cause=Cause(kind), stat=STAT, document_id=document)


def judged(
    actions: Sequence[Action], documents: int, history: History, limits: GuardConfig
) -> Guard:
    return guard(actions, Facts(mirror="docs", documents=documents), history, limits)


# -- one plan ------------------------------------------------------------------------------------

HUNDREDTHS = st.integers(1, 100)
REMOVALS = st.tuples(st.integers(0, 30), HUNDREDTHS, st.integers(0, 60))
UPLOADS = st.tuples(st.integers(0, 30), HUNDREDTHS)
COUNTS = st.integers(0, 40)


def _config(removals: tuple[int, int, int], uploads: tuple[int, int]) -> GuardConfig:
    least, hundredths, most = removals
    least_sent, hundredths_sent = uploads
    return GuardConfig(
        removals=RemovalLimits(least=least, share=hundredths / 100, most=most),
        reembeddings=ReembeddingLimits(least=least_sent, share=hundredths_sent / 100),
    )


def _passes(limits: tuple[int, ...], documents: int) -> int:
    least, hundredths, *most = limits
    return max(least, min(hundredths * documents // 100, *most, documents))


@settings(max_examples=300)
@given(
    removals=REMOVALS,
    uploads=UPLOADS,
    numbers=st.tuples(COUNTS, COUNTS, COUNTS, COUNTS),
    recent=st.tuples(COUNTS, COUNTS, COUNTS),
    under_way=st.lists(st.sampled_from(Risk), max_size=12),
    documents=st.integers(0, 200),
)
def test_what_is_held_back_is_what_is_over_its_own_limit(
    removals: tuple[int, int, int],
    uploads: tuple[int, int],
    numbers: tuple[int, int, int, int],
    recent: tuple[int, int, int],
    under_way: list[Risk],
    documents: int,
) -> None:
    kinds = ("delete", "missing", "drift", "new")
    wanted = [kind for kind, number in zip(kinds, numbers, strict=True) for _ in range(number)]
    actions = [action_of(number, kind) for number, kind in enumerate(wanted)]
    deleted, remade, resent = recent
    before = History(removals=deleted + remade, reembeddings=remade + resent, deleted=deleted)
    limits = _config(removals, uploads)
    found = judged(actions, documents, with_under_way(before, under_way), limits)

    deletes, missing, drifted, _ = numbers
    coming = {risk: under_way.count(risk) for risk in Risk}
    gone = deletes + missing
    gone_in_all = gone + deleted + remade + coming[Risk.REMOVES] + coming[Risk.REMAKES]
    sent = missing + drifted
    sent_in_all = sent + remade + resent + coming[Risk.REEMBEDS] + coming[Risk.REMAKES]
    too_many_gone = gone > 0 and gone_in_all > _passes(removals, documents + deleted)
    too_many_sent = sent > 0 and sent_in_all > _passes(uploads, documents + deleted)

    held = {"delete"} if too_many_gone else set()
    held |= {"missing"} if too_many_gone or too_many_sent else set()
    held |= {"drift"} if too_many_sent else set()
    keys = {a.key for a, kind in zip(actions, wanted, strict=True) if kind in held}
    assert (found.keys if isinstance(found, Halted) else set()) == keys
    reasons = [why.message for why in found.why] if isinstance(found, Halted) else []
    assert (say.HALTED_REMOVALS in reasons, say.HALTED_UPLOADS in reasons) == (
        too_many_gone,
        too_many_sent,
    )


# -- hours ---------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(
    documents=st.integers(0, 400),
    passes=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 600.0, 1799.5, 3599.0, 3600.0]), st.integers(0, 40)),
        max_size=30,
    ),
)
def test_no_hour_sees_more_removals_than_its_limit(
    documents: int, passes: list[tuple[float, int]]
) -> None:
    """However the removals are cut into plans: each hour is limited by what stood at its start."""
    now, standing, journal = 0.0, documents, list[float]()
    stood = {0.0: documents}
    for rest, asked in passes:
        now += rest
        stood[now] = standing
        recent = [at for at in journal if at > now - AN_HOUR]
        actions = [action_of(n, "delete") for n in range(min(asked, standing))]
        history = history_of({("delete", "removed"): len(recent)})
        if judged(actions, standing, history, GuardConfig()) == Allowed():
            journal += [now] * len(actions)
            standing -= len(actions)
    for end in stood:
        within = [at for at in journal if end - AN_HOUR < at <= end]
        before = documents - sum(at <= end - AN_HOUR for at in journal)
        assert len(within) <= allowance(GuardConfig().removals, before)


@given(st.integers(0, 2000), st.integers(1, 9))
def test_many_small_plans_are_stopped_where_one_large_one_is(documents: int, size: int) -> None:
    passing = allowance(GuardConfig().removals, documents)
    made = 0
    while made <= passing + size:
        actions = [action_of(made + n, "delete") for n in range(size)]
        history = history_of({("delete", "removed"): made})
        if isinstance(judged(actions, documents - made, history, GuardConfig()), Halted):
            break
        made += size
    assert made == passing - passing % size


# -- releases ------------------------------------------------------------------------------------

SETS = st.dictionaries(
    st.integers(0, 25), st.sampled_from(["delete", "missing", "drift", "settings"]), max_size=20
)
NEXT_TO_NOTHING = {"least": 0, "share": 1e-9}
NONE_PASS = GuardConfig(removals=NEXT_TO_NOTHING, reembeddings=NEXT_TO_NOTHING)  # type: ignore[arg-type]


def _risks(drawn: dict[int, str]) -> set[tuple[int, str]]:
    """What a release is for: this change of this document, whatever it is wanted for."""
    return {(n, "sent" if kind in ("drift", "settings") else kind) for n, kind in drawn.items()}


@settings(max_examples=300)
@given(SETS, SETS)
def test_a_release_is_for_what_was_read_and_for_parts_of_it(
    read: dict[int, str], now: dict[int, str]
) -> None:
    then = judged([action_of(*each) for each in read.items()], 25, History(), NONE_PASS)
    later = judged([action_of(*each) for each in now.items()], 25, History(), NONE_PASS)
    agreed = then.members if isinstance(then, Halted) else frozenset[str]()
    assert (released(later, agreed) == Allowed()) is (_risks(now) <= _risks(read))
    if isinstance(then, Halted) and isinstance(later, Halted):
        assert (then.digest == later.digest) is (_risks(now) == _risks(read))


@given(SETS, SETS)
def test_parts_of_a_release_release_only_together_what_they_name(
    some: dict[int, str], more: dict[int, str]
) -> None:
    both = {**some, **more}
    found = judged([action_of(*each) for each in both.items()], 25, History(), NONE_PASS)
    part = judged([action_of(*each) for each in more.items()], 25, History(), NONE_PASS)
    agreed = part.members if isinstance(part, Halted) else frozenset[str]()
    assert (released(found, agreed) == Allowed()) is (_risks(both) <= _risks(more))
