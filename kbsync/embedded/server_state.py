"""What all requests share: the store, the quirks, the indexer, the access key."""

from __future__ import annotations

import hmac
from pathlib import Path

from .downloads import Signatures
from .indexer import Indexer
from .keyword_tables import KeywordTables
from .quirks import CloudRateLimit, Quirks
from .replies import forbidden, not_found, unauthorized
from .sqlite_store import SqliteStore
from .versions import Profile


class ServerState:
    """One embedded server without its HTTP side.

    Args:
        store: path of the data file.
        api_key: the one key that is accepted.
        profile: the version to play.
        quirks: which faults to imitate on top of it.
        indexing_delay: seconds a document takes at least, spread over its states.
        workers: how many documents are indexed at the same time.
    """

    def __init__(
        self,
        store: Path,
        *,
        api_key: str,
        profile: Profile,
        quirks: Quirks,
        indexing_delay: float,
        workers: int,
    ) -> None:
        self.store = SqliteStore(store)
        self.profile = profile
        self.quirks = quirks
        self.rate_limit = CloudRateLimit(limit=quirks.throttle_limit)
        self.keyword_tables = KeywordTables(overwritten=profile.loses_keywords)
        self.indexer = Indexer(
            self.store,
            quirks,
            self.keyword_tables,
            spared_text=profile.spared_text,
            delay=indexing_delay,
            threads=workers,
        )
        self.signatures = Signatures()
        self._api_key = api_key.encode()
        # Base id to "API access is on". No other process writes the file, so this needs no query.
        self.bases: dict[str, bool] = {}

    def start(self) -> None:
        """Start indexing; what an earlier run left unfinished comes first."""
        with self.store.reading() as db:
            rows = db.execute("SELECT id, enable_api FROM knowledge_base").fetchall()
        self.bases = {row["id"]: bool(row["enable_api"]) for row in rows}
        self.indexer.start()

    def stop(self) -> None:
        """Stop indexing between two states of a document, and close the file."""
        # In this order: the indexer's threads use the store.
        self.indexer.stop()
        self.store.close()

    def check_base(self, base: str) -> None:
        """Refuse an unknown base (404) and one whose API access is off (403)."""
        if base not in self.bases:
            raise not_found("Dataset not found.")
        if not self.bases[base]:
            raise forbidden("Dataset api access is not enabled.")

    def authorize(self, header: str | None) -> None:
        """Check the header `Authorization` (section 1.1).

        Raises:
            EnvelopeError: 401, the header is missing, no bearer token, or the wrong key.
        """
        if header is None or " " not in header:
            raise unauthorized("Authorization header must be provided and start with 'Bearer'")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized("Authorization scheme must be 'Bearer'")
        # Constant time: how long a comparison takes must not tell how much of a key is right.
        if not hmac.compare_digest(token.lstrip().encode("utf-8", "replace"), self._api_key):
            raise unauthorized("Access token is invalid")
