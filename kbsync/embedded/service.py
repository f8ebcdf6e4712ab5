"""What every endpoint needs: the store, the quirks, the indexers and the clock."""

from __future__ import annotations

import hmac
from pathlib import Path

from .envelope import forbidden, not_found, unauthorized
from .indexing import Indexers
from .quirks import Quirks
from .store import Store
from .throttle import Throttle


class Service:
    """One embedded server without its HTTP side.

    Args:
        store: path of the data file.
        api_key: the one key that is accepted.
        quirks: which faults to imitate.
        indexing_delay: seconds a document takes at least, spread over its states.
        workers: how many documents are indexed at the same time.
    """

    def __init__(
        self, store: Path, *, api_key: str, quirks: Quirks, indexing_delay: float, workers: int
    ) -> None:
        self.store = Store(store)
        self.quirks = quirks
        self.throttle = Throttle(limit=quirks.throttle_limit)
        self.indexers = Indexers(self.store, quirks, delay=indexing_delay, slots=workers)
        self._api_key = api_key.encode()
        # This process owns the file, so what bases there are can be known without asking it.
        self.bases: dict[str, bool] = {}

    def start(self) -> None:
        """Start indexing; what an earlier run left unfinished comes first."""
        with self.store.reading() as db:
            rows = db.execute("SELECT id, enable_api FROM knowledge_base").fetchall()
        self.bases = {row["id"]: bool(row["enable_api"]) for row in rows}
        self.indexers.start()

    def stop(self) -> None:
        """Stop indexing between two steps and close the file."""
        self.indexers.stop()
        self.store.close()

    def check_base(self, base: str) -> None:
        """Refuse an unknown base (404) and one whose API access is switched off (403)."""
        if base not in self.bases:
            raise not_found("Dataset not found.")
        if not self.bases[base]:
            raise forbidden("Dataset api access is not enabled.")

    def authorize(self, header: str | None) -> None:
        """Check the header `Authorization` (section 1.1); a `Refusal` when it is no good."""
        if header is None or " " not in header:
            raise unauthorized("Authorization header must be provided and start with 'Bearer'")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized("Authorization scheme must be 'Bearer'")
        if not hmac.compare_digest(token.lstrip().encode("utf-8", "replace"), self._api_key):
            raise unauthorized("Access token is invalid")
