"""The limit: upload every file of a folder over aiohttp and wait until all are indexed.

    python -m benchmarks.upload_loop URL SOURCE [--connections N] [--every SECONDS]

It remembers nothing and proves nothing: what a client costs beyond it is what it is worth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import aiohttp

OPTIONS = {"indexing_technique": "high_quality", "process_rule": {"mode": "automatic"}}


class UploadLoop:
    """A number of connections that take the next file each.

    Args:
        session: with the key.
        url: of the server, with its path.
        source: the folder.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, source: Path) -> None:
        self._session = session
        self._url = url
        self._source = source

    async def run(self, connections: int, every: float) -> None:
        """Upload all files, and return once the server has indexed them."""
        files = iter(sorted(self._source.rglob("*.md")))
        base = f"{self._url}/datasets/{await self._make_base()}"
        sent = await asyncio.gather(*(self._take(base, files) for _ in range(connections)))
        while await self._indexed(base) < sum(sent):  # noqa: ASYNC110 - the server sends no event
            await asyncio.sleep(every)

    async def _make_base(self) -> str:
        words = {"name": "Docs", "indexing_technique": "high_quality"}
        async with self._session.post(f"{self._url}/datasets", json=words) as answer:
            answer.raise_for_status()
            return str((await answer.json())["id"])

    async def _take(self, base: str, files: Iterator[Path]) -> int:
        sent = 0
        for file in files:
            form = aiohttp.FormData({"data": json.dumps(OPTIONS)}, quote_fields=False)
            name = str(file.relative_to(self._source)).replace("/", "\N{DIVISION SLASH}")
            form.add_field("file", file.read_bytes(), filename=name)
            async with self._session.post(f"{base}/document/create-by-file", data=form) as answer:
                answer.raise_for_status()
                await answer.read()
            sent += 1
        return sent

    async def _indexed(self, base: str) -> int:
        params = {"status": "available", "limit": "1"}
        async with self._session.get(f"{base}/documents", params=params) as answer:
            answer.raise_for_status()
            return int((await answer.json())["total"])


async def upload(options: argparse.Namespace) -> None:
    """Upload a folder."""
    headers = {"Authorization": f"Bearer {os.environ['KBSYNC_SERVE_KEY']}"}
    connector = aiohttp.TCPConnector(limit=options.connections)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        loop = UploadLoop(session, options.url, options.source)
        await loop.run(options.connections, options.every)


def main() -> None:
    """Read the command line and upload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("source", type=Path)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--every", type=float, default=0.1, help="seconds between two looks")
    asyncio.run(upload(parser.parse_args()))


if __name__ == "__main__":
    main()
