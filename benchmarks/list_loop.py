"""The limit of a listing: fetch every page of documents over aiohttp, one after the other.

python -m benchmarks.list_loop URL BASE
"""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp


async def fetch(url: str, base: str) -> int:
    """Return how many rows all pages had."""
    headers = {"Authorization": f"Bearer {os.environ['KBSYNC_SERVE_KEY']}"}
    rows, page, more = 0, 1, True
    async with aiohttp.ClientSession(headers=headers) as session:
        while more:
            params = {"page": page, "limit": 100}
            async with session.get(f"{url}/datasets/{base}/documents", params=params) as answer:
                answer.raise_for_status()
                found = await answer.json()
            rows += len(found["data"])
            page, more = page + 1, found["has_more"]
    return rows


if __name__ == "__main__":
    print(asyncio.run(fetch(*sys.argv[1:])))
