"""How many documents a mirror has in flight, how they are proved to be found, and what it costs."""

from __future__ import annotations

from kbsync.config import MirrorConfig, Settings
from kbsync.dify.client import DifyClient
from kbsync.engine.execute.findability import FIRST_AND_LAST, ONE_IN
from kbsync.engine.observe.search_proof import MOST_CHUNKS
from kbsync.messages import Notice
from kbsync.messages import doctor as say
from kbsync.model import Binding, Capability, Done


async def in_flight(settings: Settings, api: DifyClient, binding: Binding) -> Notice | None:
    """Return how the documents of a mirror are indexed; None where nothing can be searched for."""
    able, mirror = api.observed.now, settings.mirror(binding.mirror)
    if mirror is None or not able.may_search:
        return None
    economy = await _is_economy(api, binding, mirror)
    if not economy or Capability.KEEPS_KEYWORDS in able:
        return say.SAMPLED(mirror=mirror.name, number=ONE_IN)
    words = {"mirror": mirror.name, "version": able.version or "not told"}
    if mirror.max_indexing is None or mirror.max_indexing == 1:
        return say.ONE_IN_FLIGHT(searches=FIRST_AND_LAST, **words)
    return say.SEVERAL_IN_FLIGHT(most=mirror.max_indexing, searches=MOST_CHUNKS, **words)


async def _is_economy(api: DifyClient, binding: Binding, mirror: MirrorConfig) -> bool:
    found = await api.bases.get(binding.base_id)
    technique = found.value.technique if isinstance(found, Done) else None
    return (technique or mirror.declared_chunking.technique) != "high_quality"
