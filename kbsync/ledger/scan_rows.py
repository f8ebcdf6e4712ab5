"""The ledger's side of a pass over everything: one select, streamed in code point order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeAlias, cast

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from kbsync.engine.ports import FileRow, ObservedListing
from kbsync.ledger.database import Database
from kbsync.ledger.path_ranges import in_range, range_values
from kbsync.ledger.records import true_inode
from kbsync.ledger.tables import BINDINGS, ENTRIES, INTENTS, LISTED, REJECTIONS, SECONDS, TEXT
from kbsync.model import DocumentRules, EntryState, Readiness
from kbsync.model.declared import OFF
from kbsync.planning.declared_metadata import are_stored
from kbsync.planning.path_range import EVERYTHING, PathRange

_RowColumns: TypeAlias = Select[Any]

_E = ENTRIES.alias("e")
_I = INTENTS.alias("i")
_R = REJECTIONS.alias("r")
_L = LISTED.alias("l")

_MIRROR: BindParameter[str] = bindparam("mirror")
_SETTINGS: BindParameter[str] = bindparam("settings")
_PROFILE: BindParameter[str] = bindparam("profile")
_NULL: ColumnElement[Any] = literal_column("NULL", TEXT)
# What a key presents that is not settled, and one that rests in the trash: no file has such sizes.
_NOTHING: dict[str, ColumnElement[int]] = {
    "size": literal_column("-1", Integer),
    "mtime_ns": literal_column("0", Integer),
    "inode": literal_column("0", Integer),
    "ctime_ns": literal_column("-1", Integer),
}


_NOW: BindParameter[float] = bindparam("now")
_RESTS = -2
_NEVER = 1e300


class ScanRows:
    """Streams the keys of a mirror for the merge join with the scan."""

    _database: Database

    def rows(
        self,
        mirror: str,
        rules: DocumentRules,
        *,
        listing: ObservedListing | None = None,
        marked: bool = False,
        now: float = 0.0,
        within: PathRange = EVERYTHING,
    ) -> Iterator[FileRow]:
        """Stream the mirror's keys of a range in code point order, from one moment.

        A settled key presents its file's stat, every other one a size of -1, which no file has,
        and anything for the rest. Settled is an entry that is synced under the rule of its path and
        not stale, and a rejection that was given under it, each with a known stat, without an
        intent, and not contradicted by the listing. A key that has only an intent, or only a
        document whose valid mark names it, is not settled. A document rests in the trash, at a
        size of -2, until its time is over or a complete listing does not have it.

        Args:
            mirror: the mirror's name.
            rules: what the document of each path becomes now.
            listing: the newest listing of the mirror's base, if it counts. Only a complete one
                contradicts an entry by not having its document.
            marked: documents are to carry marks: an entry whose mark was not read back is not
                settled, nor is one whose document is listed with another mark than that, or with
                other values than were written of declared metadata.
            now: seconds of the ledger's clock; infinite: nothing rests in the trash.
            within: the range.

        Raises:
            Problem: KB-L024 or KB-L040 to KB-L046.
        """
        trust = "none" if listing is None else "complete" if listing.complete else "partial"
        shared = rules.shared
        whole = within == EVERYTHING
        query = self._database.query(_statement(trust, marked, by_path=shared is None, whole=whole))
        values = {} if shared is None else {"settings": shared.settings, "profile": shared.profile}
        values |= {} if whole else range_values(within)
        moment = min(now, 10 * _NEVER)
        batches = self._database.stream(query, 1000, mirror=mirror, now=moment, **values)
        rows = chain.from_iterable(cast("Iterator[list[FileRow]]", batches))
        altered = self._altered(mirror) if marked and listing is not None else frozenset()
        for row in rows if shared is not None else _by_path(rows, rules):
            if altered and row[0] in altered:
                yield (row[0], -1, 0, 0, -1)
            else:
                yield row if row[3] >= 0 else (*row[:3], true_inode(row[3]), row[4])

    def _altered(self, mirror: str) -> frozenset[str]:
        """Return the paths whose document is listed with other values than were written."""
        query = self._database.query(_VALUES)
        return frozenset(
            str(path)
            for batch in self._database.stream(query, 1000, mirror=mirror)
            for path, written, listed in batch
            if not are_stored(json.loads(str(written)), json.loads(str(listed)))
        )


def _by_path(rows: Iterator[Any], rules: DocumentRules) -> Iterator[FileRow]:
    """Yield the rows, unsettled where the rule of the path is another than that of the row."""
    for *row, settings, profile in rows:
        rule = rules.of(row[0])
        # A refusal has no profile: nothing of it stands beside chunks.
        rests = row[1] == _RESTS
        if rests or (settings == rule.settings and profile in (None, rule.profile)):
            yield cast("FileRow", tuple(row))
        else:
            yield (row[0], -1, 0, 0, -1)


# Few documents have declared values, and where none has, this reads no document of the listing.
_VALUES = (
    select(_E.c.path, _E.c.metadata, _L.c.metadata)
    .select_from(
        _E.join(_L, and_(_L.c.base_id == _E.c.base_id, _L.c.document_id == _E.c.document_id))
    )
    .where(_E.c.mirror == _MIRROR, _E.c.metadata.is_not(None))
)


@cache
def _statement(trust: str, marked: bool, *, by_path: bool, whole: bool) -> CompoundSelect[Any]:
    claimed = None if trust == "none" else _claimed()
    parts = [
        _entries(trust, claimed, marked, by_path),
        _intents(by_path),
        _rejections(claimed, by_path),
    ]
    if claimed is not None:
        parts.append(_marks(claimed, by_path))
    if not whole:
        parts = [part.where(*in_range(part.selected_columns.path)) for part in parts]
    return union_all(*parts).order_by("path")


def _entries(trust: str, claimed: CTE | None, marked: bool, by_path: bool) -> _RowColumns:
    joined = _E.outerjoin(_I, _same_key(_I, _E)).outerjoin(_R, _same_key(_R, _E))
    sound = [
        _E.c.state == literal_column(f"'{EntryState.SYNCED}'"),
        _E.c.superseded.is_(None),
        _E.c.stale_code.is_(None),
        _I.c.path.is_(None),
    ]
    if marked:
        sound.append(_E.c.metadata_hash.is_not(None))
    if claimed is not None:
        listed = and_(_L.c.base_id == _E.c.base_id, _L.c.document_id == _E.c.document_id)
        joined = joined.outerjoin(_L, listed)
        sound += [_agreed(trust, marked), _E.c.path.not_in(select(claimed.c.path))]
    synced = and_(_R.c.path.is_(None), _E.c.content.is_not(None))
    refused: ColumnElement[bool] = true()
    if not by_path:
        profile = func.coalesce(_E.c.profile, literal_column("''")) == _PROFILE
        synced = and_(synced, _E.c.settings == _SETTINGS, profile)
        refused = _R.c.settings == _SETTINGS

    size = case((synced, _E.c.size), (refused, _R.c.size), else_=None)
    rests = and_(*_resting(claimed, trust))
    presented = {
        "size": case((and_(*sound), size), (rests, literal_column(str(_RESTS))), else_=None)
    }
    # The conditions once for each row: without a size the rest says nothing.
    for column in ("mtime_ns", "inode", "ctime_ns"):
        presented[column] = case((_R.c.path.is_(None), _E.c[column]), else_=_R.c[column])
    stat = [func.coalesce(presented[name], nothing) for name, nothing in _NOTHING.items()]
    rule = []
    if by_path:
        entry_profile = func.coalesce(_E.c.profile, literal_column("''"))
        rule = [
            func.coalesce(_R.c.settings, _E.c.settings),
            case((_R.c.path.is_(None), entry_profile), else_=None),
        ]
    columns = _row_columns(_E.c.path, stat, rule)
    return select(*columns).select_from(joined).where(_E.c.mirror == _MIRROR)


def _resting(claimed: CTE | None, trust: str) -> list[ColumnElement[bool]]:
    rests = [
        _E.c.state == literal_column(f"'{EntryState.TRASHED}'"),
        _E.c.superseded.is_(None),
        _I.c.path.is_(None),
        func.coalesce(_E.c.expires_at, literal_column(str(_NEVER), SECONDS)) > _NOW,
    ]
    if claimed is not None:
        rests.append(_E.c.path.not_in(select(claimed.c.path)))
    if trust == "complete":
        rests.append(_L.c.document_id.is_not(None))
    return rests


def _agreed(trust: str, marked: bool) -> ColumnElement[bool]:
    # Whether a document is disabled is declared, and was settled: its profile says so.
    off = _E.c.profile.like(literal_column(f"'%{OFF}'"))
    on = and_(_L.c.readiness == literal_column(f"'{Readiness.AVAILABLE}'"), _L.c.enabled == true())
    same = and_(
        _L.c.mark_hash == _E.c.metadata_hash if marked else true(),
        _L.c.rev == _E.c.rev,
        _L.c.word_count.is_not_distinct_from(_E.c.word_count),
        case((off, _L.c.readiness == literal_column(f"'{Readiness.DISABLED}'")), else_=on),
    )
    return same if trust == "complete" else or_(_L.c.document_id.is_(None), same)


def _intents(by_path: bool) -> _RowColumns:
    return _unsettled(_I.c.path, by_path).where(_I.c.mirror == _MIRROR, ~_has(ENTRIES, _I.c.path))


def _rejections(claimed: CTE | None, by_path: bool) -> _RowColumns:
    settled = true() if by_path else _R.c.settings == _SETTINGS
    if claimed is not None:
        settled = and_(settled, _R.c.path.not_in(select(claimed.c.path)))
    stat = [
        case((settled, func.coalesce(_R.c[column], nothing)), else_=nothing)
        for column, nothing in _NOTHING.items()
    ]
    rule = [_R.c.settings, _NULL] if by_path else []
    return select(*_row_columns(_R.c.path, stat, rule)).where(
        _R.c.mirror == _MIRROR, ~_has(ENTRIES, _R.c.path), ~_has(INTENTS, _R.c.path)
    )


def _marks(claimed: CTE, by_path: bool) -> _RowColumns:
    path = claimed.c.path
    known = (_has(table, path) for table in (ENTRIES, INTENTS, REJECTIONS))
    return _unsettled(path, by_path).where(*(~each for each in known))


def _claimed() -> CTE:
    """Paths that a valid mark names although no entry holds its document."""
    base = select(BINDINGS.c.base_id).where(BINDINGS.c.mirror == _MIRROR).scalar_subquery()
    own = and_(_E.c.mirror == LISTED.c.mark_mirror, _E.c.path == LISTED.c.mark_path)
    # The cheap condition first: nearly every document is the one of the path its mark names. CASE
    # keeps the order; of two plain conditions SQLite would run the dear one for every document.
    unheld = case(
        (_E.c.document_id.is_distinct_from(LISTED.c.document_id), ~or_(*_held())), else_=false()
    )
    return (
        select(LISTED.c.mark_path.label("path"))
        .distinct()
        .select_from(LISTED.outerjoin(_E, own))
        .where(
            LISTED.c.base_id == base,
            LISTED.c.mark_mirror == _MIRROR,
            LISTED.c.mark_path.is_not(None),
            LISTED.c.mark_rev == LISTED.c.rev,
            unheld,
        )
        .cte("claimed")
    )


def _held() -> list[ColumnElement[bool]]:
    # One EXISTS per index: with OR inside a single one, SQLite would walk all entries of the base.
    holder = ENTRIES.alias("h")
    mine = holder.c.base_id == LISTED.c.base_id
    return [
        exists(literal(1)).where(mine, holder.c[column] == LISTED.c.document_id)
        for column in ("document_id", "superseded")
    ]


def _unsettled(path: ColumnElement[str], by_path: bool) -> _RowColumns:
    rule = [_NULL, _NULL] if by_path else []
    return select(*_row_columns(path, _NOTHING.values(), rule))


def _row_columns(
    path: ColumnElement[str],
    stat: Iterable[ColumnElement[int]],
    rule: Sequence[ColumnElement[Any]],
) -> list[ColumnElement[Any]]:
    """Return the columns of a row; `rule`: settings and profile, where paths have their own."""
    named = zip((*_NOTHING, "settings", "profile"), (*stat, *rule), strict=False)
    return [path.label("path"), *(column.label(name) for name, column in named)]


def _same_key(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(one.c.mirror == other.c.mirror, one.c.path == other.c.path)


def _has(table: Table, path: ColumnElement[str]) -> ColumnElement[bool]:
    other = table.alias()
    return exists(literal(1)).where(other.c.mirror == _MIRROR, other.c.path == path)
