"""Calls about knowledge bases with a pipeline (docs/dify-api.md section 14)."""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.dify.capabilities import Alternatives
from kbsync.dify.http import Exchange, mapped
from kbsync.dify.multipart import Multipart, is_sendable
from kbsync.dify.request import Subject, read, write
from kbsync.dify.schemas import (
    FROM_PIPELINE,
    PipelineFile,
    PipelineRun,
    PipelineSource,
    PipelineSources,
)
from kbsync.engine.ports import Payload
from kbsync.messages import remote as messages
from kbsync.model import Ambiguous, Capability, NotSent, Outcome, Rejected


class Pipelines:
    """Every call returns an `Outcome`. The API runs pipelines; it can neither make nor change one.

    Args:
        exchange: sends the calls.
        alternatives: what the server can do.
    """

    def __init__(self, exchange: Exchange, alternatives: Alternatives) -> None:
        self._exchange = exchange
        self._alternatives = alternatives

    async def sources(self, base_id: str) -> Outcome[Sequence[PipelineSource]]:
        """Return the nodes that the published pipeline of a base can begin at."""
        path = ("datasets", base_id, "pipeline", "datasource-plugins")
        call = read("ask for the pipeline of a knowledge base", Subject.BASE, *path)
        found = await self._alternatives.require(
            Capability.PIPELINE_UPLOAD,
            call.what,
            lambda: self._exchange.ask(call, PipelineSources),
        )
        return mapped(found, lambda all_: all_.root)

    async def upload(self, name: str, payload: Payload) -> Outcome[PipelineFile]:
        """Upload a file for a later run; it is no document, and no listing shows it."""
        if not is_sendable(name):
            return Rejected(messages.UNSENDABLE_NAME(what="create document", name=name))
        path = ("datasets", "pipeline", "file-upload")
        call = write("create document", Subject.UPLOAD, "POST", *path)
        sent = await self._exchange.ask(call, PipelineFile, upload=Multipart(name, payload, None))
        # Whatever became of it, it made no document: the next try uploads the file again.
        return NotSent(sent.why) if isinstance(sent, Ambiguous) else sent

    async def run(
        self, base_id: str, node_id: str, file: PipelineFile, name: str
    ) -> Outcome[PipelineRun]:
        """Have the pipeline make a new document of an uploaded file, whatever others bear its name.

        Args:
            node_id: where it begins; of a node that is not there the server makes a document that
                waits for ever.
            name: the document's.
        """
        # Servers before and after 1.16.1 read the file's id under different names.
        info = {"related_id": file.id, "reference": file.id, "name": name}
        body = {
            "inputs": {},
            "datasource_type": FROM_PIPELINE,
            "datasource_info_list": [info],
            "start_node_id": node_id,
            "is_published": True,
            "response_mode": "blocking",
        }
        path = ("datasets", base_id, "pipeline", "run")
        call = write("create document", Subject.UPLOAD, "POST", *path)
        return await self._exchange.ask(call, PipelineRun, json=body)
