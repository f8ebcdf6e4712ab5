"""The original bytes of documents: signed addresses, and the files there (docs/dify-api.md 6.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from . import documents
from .endpoint_call import EndpointCall
from .pipelines import FROM_PIPELINE
from .replies import JsonReply, not_found

VALID_SECONDS: Final = 300


class Signatures:
    """Signs addresses of files. The key is of this process: a restart ends every address.

    Args:
        clock: epoch seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._secret = secrets.token_bytes(32)
        self._clock = clock

    def query(self, file: str) -> str:
        """The query of an address at which `file` can be had from now on, for five minutes."""
        timestamp, nonce = str(int(self._clock())), secrets.token_hex(16)
        sign = self._sign(file, timestamp, nonce)
        words = {"timestamp": timestamp, "nonce": nonce, "sign": sign, "as_attachment": "true"}
        return urlencode(words)

    def hold(self, file: str, query: FileQuery) -> bool:
        """Whether `query` was signed here for `file`, and lately."""
        expected = self._sign(file, query.timestamp, query.nonce)
        if not hmac.compare_digest(expected.encode(), query.sign.encode("utf-8", "replace")):
            return False
        # Signed here, so the time is a number.
        return self._clock() - int(query.timestamp) <= VALID_SECONDS

    def _sign(self, file: str, timestamp: str, nonce: str) -> str:
        signed = f"{file} {timestamp} {nonce}".encode("utf-8", "replace")
        return base64.urlsafe_b64encode(hmac.digest(self._secret, signed, hashlib.sha256)).decode()


class FileQuery(BaseModel):
    """What the address of a file carries."""

    timestamp: str
    nonce: str
    sign: str
    as_attachment: bool = False


def signed_address(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}/documents/{doc}/download: where the document's file can be had."""
    with call.server.store.reading() as db:
        row = documents.find(db, call.base, call.document)
    if row is None:
        raise not_found("Document not found.")
    if row["created_from"] == FROM_PIPELINE:
        raise not_found("Document does not have an uploaded file to download.")
    file = row["upload"]
    address = call.request.url.replace(
        path=f"/files/{file}/file-preview", query=call.server.signatures.query(file)
    )
    return JsonReply({"url": str(address)})


async def file(request: Request) -> Response:
    """GET /files/{id}/file-preview, outside the base path: the signature is the key to it."""
    query = FileQuery.model_validate(dict(request.query_params))
    return await run_in_threadpool(_file, request, query)


def _file(request: Request, query: FileQuery) -> Response:
    server, wanted = request.app.state.server, request.path_params["id"]
    if not server.signatures.hold(wanted, query):
        raise not_found("File not found or signature is invalid")
    with server.store.reading() as db:
        row = db.execute("SELECT * FROM upload WHERE id = ?", (wanted,)).fetchone()
    if row is None:
        raise not_found("File not found or signature is invalid")
    headers = {"Content-Type": row["mime_type"] or "text/html; charset=utf-8"}
    # A browser must not run an uploaded file.
    if query.as_attachment or row["extension"] in {"html", "htm"}:
        headers["Content-Type"] = "application/octet-stream"
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(row['name'])}"
    # The length is the recorded one, in characters for a text, and gunicorn sends no byte more.
    if row["size"] > 0:
        headers["Content-Length"] = str(row["size"])
    return Response(row["content"][: row["size"] or None], headers=headers)
