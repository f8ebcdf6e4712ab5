"""The stub server as a process of its own: `python -m benchmarks.server`; prints its address."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from benchmarks.documents import StoredDocuments
from benchmarks.http_server import HttpServer
from benchmarks.knowledge_api import VERSION, KnowledgeApi
from benchmarks.open_webui import OpenWebui
from benchmarks.pace import Pace, PacedQueue

MARKS = tuple(f"kbsync_{word}" for word in ("mirror", "path", "fingerprint", "rev", "owner"))


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    documents = StoredDocuments()
    pace = Pace(options.latency, options.locked, options.indexing)
    api = KnowledgeApi(documents, PacedQueue(pace), OpenWebui(knows_all=options.knows_all))
    if options.load is not None:
        documents.load(options.load)
        api.have_fields(MARKS)
    server = HttpServer(api.handle, {"X-Version": VERSION})
    await server.run(lambda port: print(f"http://127.0.0.1:{port}", flush=True))


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--locked", type=float, default=0.0, help="seconds of lock an upload")
    parser.add_argument("--indexing", type=float, default=0.0, help="seconds a document")
    parser.add_argument("--load", type=Path, help="documents to begin with, as JSON lines")
    parser.add_argument("--knows-all", action="store_true", help="every file was sent before")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
