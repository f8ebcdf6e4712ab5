"""Paging as the real server does it, surprises included (docs/dify-api.md section 1.4)."""

from __future__ import annotations

from dataclasses import dataclass

ROWS_PER_PAGE = 20
MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page asked for: `page` and `limit` as the caller wrote them."""

    page: int
    limit: int

    @property
    def rows(self) -> int:
        """How many rows are served: capped at 100, 20 for a limit that makes no sense."""
        return min(self.limit, MOST_ROWS) if self.limit >= 1 else ROWS_PER_PAGE

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (max(self.page, 1) - 1) * self.rows

    @property
    def sql(self) -> str:
        """The end of a SELECT; two integers, so nothing of the caller's text gets in."""
        # SQLite's integers end at 64 bits: a page beyond them is as empty as any other.
        return f" LIMIT {self.rows} OFFSET {min(self.offset, 2**62)}"

    def wrap(self, rows: list[dict[str, object]], total: int) -> dict[str, object]:
        """The list reply. The limit is echoed uncapped and `has_more` compares with it."""
        return {
            "data": rows,
            "has_more": len(rows) == self.limit,
            "limit": self.limit,
            "total": total,
            "page": self.page,
        }
