"""Knowledge bases with a pipeline: which kbsync can use, and how a file becomes a document there.

Nothing tells kbsync what a pipeline wants to be told, nor where it is to begin, so that only those
are run that need one local file and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kbsync.dify import to_model
from kbsync.dify.client import DifyClient
from kbsync.dify.schemas import (
    FROM_PIPELINE,
    KnowledgeBaseRow,
    PipelineRun,
    PipelineSource,
    UploadReply,
)
from kbsync.engine.ports import Payload
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Ambiguous, Base, Done, NotSent, Outcome, Rejected


class PipelineBases:
    """Those that were met on one server, and where the pipeline of each begins.

    Args:
        client: of the server.
    """

    def __init__(self, client: DifyClient) -> None:
        self._client = client
        self._begins: dict[str, str | Notice] = {}

    def __contains__(self, base_id: str) -> bool:
        return base_id in self._begins

    async def all_of(self, rows: Iterable[KnowledgeBaseRow]) -> Outcome[tuple[Base, ...]]:
        """Return the bases of `rows`, each as `base_of` does."""
        found: list[Base] = []
        for row in rows:
            base = await self.base_of(row)
            if not isinstance(base, Done):
                return base
            found.append(base.value)
        return Done(tuple(found))

    async def base_of(self, row: KnowledgeBaseRow) -> Outcome[Base]:
        """Return the base of `row`; of one with a pipeline also why it cannot be used."""
        if not to_model.base(row).has_pipeline:
            self._begins.pop(row.id, None)
            return Done(to_model.base(row))
        sources = await self._client.pipelines.sources(row.id)
        match sources:
            case Done(value=all_):
                begin = _begin(row, all_)
            case Rejected(why=why):
                begin = why
            case _:
                return sources
        # Only now: uploads are under way meanwhile, and must not be taken for those of other bases.
        self._begins[row.id] = begin
        return Done(to_model.base(row, refusal=None if isinstance(begin, str) else begin))

    async def create(self, base_id: str, name: str, payload: Payload) -> Outcome[UploadReply]:
        """Upload a file and make a new document of it, in two calls."""
        begin = self._begins[base_id]
        if not isinstance(begin, str):
            return NotSent(begin)
        file = await self._client.pipelines.upload(name, payload)
        if not isinstance(file, Done):
            return file
        run = await self._client.pipelines.run(base_id, begin, file.value, name)
        return _only(run.value) if isinstance(run, Done) else run


def _begin(row: KnowledgeBaseRow, sources: Sequence[PipelineSource]) -> str | Notice:
    """Return the node the pipeline of `row` begins at, or why kbsync cannot run it."""
    if not row.published:
        return messages.PIPELINE_DRAFT()
    of_files = [each for each in sources if each.datasource_type == FROM_PIPELINE]
    if len(of_files) != 1:
        return messages.PIPELINE_STARTS(count=len(of_files))
    # Only those of the node itself are told; for the others the first run is refused.
    wanted = [each.variable for each in of_files[0].inputs if each.required]
    return messages.PIPELINE_WANTS(words=", ".join(wanted)) if wanted else of_files[0].node_id


def _only(run: PipelineRun) -> Outcome[UploadReply]:
    if len(run.documents) != 1:
        made = messages.PIPELINE_MADE(what="create document", count=len(run.documents))
        return Ambiguous(made)
    return Done(UploadReply.model_construct(document=run.documents[0], batch=run.batch))
