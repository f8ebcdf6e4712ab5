"""How large the suite measures: `toy` for tests, `usual` for a look, `full` for the page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.trees import Shape


@dataclass(frozen=True)
class Size:
    """The numbers of one size.

    Args:
        runs: of every contender in every row.
        tiny, few, many, most: trees that do not change; `most` is None where it is left out.
        first: documents of a first apply, of 4 KiB each.
        hurried: documents of a first apply at 50 ms a request.
        listed: the tree whose documents are listed.
        planned: files of a plan.
        large: bytes of the one large file.
        idle: seconds over which an idle daemon is measured.
        edits: edits of one file, one after the other.
        followed: seconds after an edit that count as its own.
        in_flight: fixed concurrency that the default is compared with.
        loops: connections of the bare loop beside it, beyond what the configuration accepts.
        fast, slow, locked: documents sent to each kind of server.
        profiles: which cases are looked at under the profiler.
    """

    runs: int
    tiny: Shape
    few: Shape
    many: Shape
    most: Shape | None
    first: int
    hurried: int
    listed: Shape
    planned: int
    large: int
    idle: float
    edits: int
    followed: float
    in_flight: tuple[int, ...]
    loops: tuple[int, ...]
    fast: int
    slow: int
    locked: int
    profiles: tuple[str, ...]


_MIB = 1024 * 1024

FULL = Size(
    runs=5,
    tiny=Shape(1_000, 10),
    few=Shape(10_000, 100),
    many=Shape(100_000, 1_000),
    most=Shape(1_000_000, 10_000, sparse=True),
    first=600,
    hurried=1_000,
    listed=Shape(20_000, 200),
    planned=50,
    large=300 * _MIB,
    idle=60.0,
    edits=7,
    followed=5.0,
    in_flight=(1, 2, 4, 8),
    loops=(1, 4, 8, 16),
    fast=200,
    slow=12,
    locked=80,
    profiles=("nothing to do", "with refresh", "first apply", "plan"),
)
USUAL = replace(FULL, most=None, idle=20.0, edits=5, followed=4.0, fast=100, slow=8, locked=40)
# One tree for all rows: what is measured there is that the suite works.
_TOY_TREE = Shape(150, 12)
TOY = Size(
    runs=1,
    tiny=_TOY_TREE,
    few=_TOY_TREE,
    many=_TOY_TREE,
    most=_TOY_TREE,
    first=12,
    hurried=12,
    listed=_TOY_TREE,
    planned=5,
    large=2 * _MIB,
    idle=0.2,
    edits=1,
    followed=2.0,
    in_flight=(),
    loops=(4,),
    fast=4,
    slow=1,
    locked=2,
    profiles=("plan",),
)
SIZES = {"toy": TOY, "usual": USUAL, "full": FULL}
