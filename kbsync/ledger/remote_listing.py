"""The newest listing of each base: its documents, found by id, by name and by mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, insert, or_, select

from kbsync.engine.ports import ObservedListing
from kbsync.ledger import records
from kbsync.ledger.database import Database
from kbsync.ledger.tables import BINDINGS, ENTRIES, LISTED, LISTINGS
from kbsync.model import DocKey, RemoteDocument

_BASE = LISTED.c.base_id == bindparam("base")
# One EXISTS per index: with OR inside a single one, SQLite would walk all entries of the base.
_HELD = [
    exists().where(ENTRIES.c.base_id == LISTED.c.base_id, column == LISTED.c.document_id)
    for column in (ENTRIES.c.document_id, ENTRIES.c.superseded)
]


def _documents(*wanted: Any) -> Select[Any]:
    return select(*records.DOCUMENT).where(_BASE, *wanted).order_by(LISTED.c.name, LISTED.c.id)


_BY_ID = _documents(LISTED.c.document_id == bindparam("document"))
_BY_NAME = _documents(LISTED.c.name == bindparam("name"))
_BY_MARK = _documents(
    LISTED.c.mark_mirror == bindparam("mirror"),
    LISTED.c.mark_path == bindparam("path"),
    *(
        ~held.where(
            or_(ENTRIES.c.mirror != bindparam("mirror"), ENTRIES.c.path != bindparam("path"))
        )
        for held in _HELD
    ),
)
# Marked as ours but not in the ledger: an orphan that is kept, or a document to be adopted.
_OURS = exists().where(
    BINDINGS.c.base_id == LISTED.c.base_id,
    BINDINGS.c.mirror == LISTED.c.mark_mirror,
    LISTED.c.mark_rev == LISTED.c.rev,
)
# What makes a listed document a foreign one.
FOREIGN = (_BASE, *(~held for held in (*_HELD, _OURS)))
_FOREIGN = _documents(*FOREIGN[1:])
_STALE = LISTED.delete().where(
    LISTED.c.base_id == bindparam("base"), LISTED.c.document_id == bindparam("document")
)
_ADD = insert(LISTED)
_LISTING = select(*records.LISTING).where(
    LISTINGS.c.base_id == bindparam("base"), LISTINGS.c.started_at.is_not(None)
)


class RemoteListings:
    """Keeps the newest listing of each base."""

    _database: Database

    def begin_listing(self, base_id: str) -> int:
        """Forget the previous listing of the base and start a new one; return its number."""
        mine = LISTINGS.c.base_id == base_id
        with self._database.writing() as connection:
            # Whoever adds to the previous one holds this row, and is waited for.
            before = connection.scalar(select(LISTINGS.c.number).where(mine).with_for_update())
            others = select(LISTINGS.c.base_id).where(LISTINGS.c.base_id != base_id).limit(1)
            # Without a condition SQLite drops whole pages instead of rows: a third of the work.
            alone = connection.execute(others).first() is None
            gone = LISTED.delete()
            connection.execute(gone if alone else gone.where(LISTED.c.base_id == base_id))
            connection.execute(LISTINGS.delete().where(mine))
            row = {"base_id": base_id, "started_at": None, "complete": False, "documents": 0}
            number = 1 + (before or 0)
            connection.execute(insert(LISTINGS), {**row, "number": number})
        return number

    def add_listed(
        self, base_id: str, documents: Sequence[RemoteDocument], *, number: int | None = None
    ) -> None:
        """Add a page of documents; one with an id that is listed already replaces that one.

        Args:
            base_id: the base.
            documents: of it.
            number: of the listing; one that is not the newest any more gets none. None: the newest.
        """
        rows = {each.id: records.document_values(base_id, each) for each in documents}
        if not rows:
            return
        ids = [{"base": base_id, "document": row["document_id"]} for row in rows.values()]
        with self._database.writing() as connection:
            if not _is_newest(connection, base_id, number):
                return
            self._database.query(_STALE).change(connection, ids)
            columns = tuple(next(iter(rows.values())))
            self._database.query(_ADD, columns=columns).change(connection, list(rows.values()))

    def unlist(self, base_id: str, document_id: str) -> None:
        """Take a document that was deleted out of the newest listing."""
        gone = (LISTED.c.base_id == base_id, LISTED.c.document_id == document_id)
        with self._database.writing() as connection:
            connection.execute(LISTED.delete().where(*gone))

    def end_listing(
        self, base_id: str, listing: ObservedListing, *, number: int | None = None
    ) -> None:
        """Record that the listing is over; from now on `listing` returns it.

        Args:
            base_id: the base.
            listing: what it proves.
            number: of the listing; one that is not the newest any more is left out. None: the
                newest.
        """
        values = {
            "started_at": listing.started_at,
            "complete": listing.complete,
            "documents": listing.documents,
        }
        with self._database.writing() as connection:
            if _is_newest(connection, base_id, number):
                mine = LISTINGS.c.base_id == base_id
                connection.execute(LISTINGS.update().where(mine).values(values))

    def listing(self, base_id: str) -> ObservedListing | None:
        """Return the newest listing of the base; None while one is being taken, or without one."""
        rows = self._database.fetch(_LISTING, base=base_id)
        return records.listing_of(rows[0]) if rows else None

    def listed(self, base_id: str, document_id: str) -> RemoteDocument | None:
        """Return a document of the newest listing by id."""
        found = self._find(_BY_ID, base_id, document=document_id)
        return found[0] if found else None

    def listed_named(self, base_id: str, name: str) -> tuple[RemoteDocument, ...]:
        """Return the documents of the newest listing that bear exactly `name`."""
        return self._find(_BY_NAME, base_id, name=name)

    def listed_marked(self, base_id: str, key: DocKey) -> tuple[RemoteDocument, ...]:
        """Return the documents of the newest listing whose mark names `key`.

        Whether the mark is valid (its rev is the document's) is for the caller to check. A document
        that an entry of another key holds or supersedes is left out: after a move its mark names
        the old path until it is written anew.
        """
        return self._find(_BY_MARK, base_id, mirror=key.mirror, path=key.path)

    def _find(
        self, statement: Select[Any], base_id: str, **wanted: str
    ) -> tuple[RemoteDocument, ...]:
        if not all(map(records.storable, wanted.values())):
            return ()
        rows = self._database.fetch(statement, base=base_id, **wanted)
        return tuple(map(records.document_of, rows))

    def foreign(self, base_id: str) -> Iterator[RemoteDocument]:
        """Stream the listed documents that are not ours, by name.

        Ours is what an entry holds or supersedes, and what a valid mark says of a mirror that
        this ledger ties to the base.
        """
        query = self._database.query(_FOREIGN)
        for rows in self._database.stream(query, 500, base=base_id):
            yield from map(records.document_of, rows)


def _is_newest(connection: Connection, base_id: str, number: int | None) -> bool:
    """Whether a listing is the newest of its base; no other one begins in this transaction."""
    if number is None:
        return True
    newest = select(LISTINGS.c.number).where(LISTINGS.c.base_id == base_id).with_for_update()
    return connection.scalar(newest) == number
