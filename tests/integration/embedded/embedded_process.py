"""The embedded server as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import anyio
import anyio.abc
import httpx
from embedded_client import KEY

PROGRAM = """
from pathlib import Path
from kbsync.embedded import serve
serve(host="127.0.0.1", port=0, store=Path({store!r}), api_key={key!r},
      ready=lambda url: print(url, flush=True), {options})
print("ended", flush=True)
"""


@asynccontextmanager
async def serving(
    store: Path, options: str = ""
) -> AsyncIterator[tuple[httpx.AsyncClient, anyio.abc.Process]]:
    """A client and the process; the process is ended when the block is."""
    program = PROGRAM.format(store=str(store), key=KEY, options=options)
    async with await anyio.open_process([sys.executable, "-c", program], stdout=PIPE) as process:
        try:
            with anyio.fail_after(20):
                url = await first_line(process)
            async with httpx.AsyncClient(
                base_url=url, headers={"Authorization": f"Bearer {KEY}"}
            ) as http:
                yield http, process
        finally:
            if process.returncode is None:
                process.kill()


async def first_line(process: anyio.abc.Process) -> str:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive()
    return line.decode().strip()
