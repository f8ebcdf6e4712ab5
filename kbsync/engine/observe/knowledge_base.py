"""The base of a mirror: found, checked, made and bound before any document is decided about.

A missing base answers every document with the same 404 as a missing document, so nothing is
decided before the base itself answered (docs/design.md section 4).
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import NoReturn, TypeVar

import anyio

from kbsync.engine.context import Context, Mirror
from kbsync.engine.ports import Clock, Ledger, ObservedListing, Remote
from kbsync.messages import Notice, Problem
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import Base, Binding, DocKey, Done, Failure, Gone, Outcome, Ownership

T = TypeVar("T")


async def find_base(mirror: Mirror, ledger: Ledger, remote: Remote) -> Base | None:
    """Return the base of `mirror`, None when it is still to be made.

    Raises:
        Problem: the bound base is gone, replaced, of the wrong kind, or could not be asked for.
    """
    return await look_for(mirror, counting_binding(mirror, ledger), remote)


async def look_for(mirror: Mirror, binding: Binding | None, remote: Remote) -> Base | None:
    """Return the base `binding` names, or without one the declared base.

    Args:
        binding: as `counting_binding` returns.

    Raises:
        Problem: as `find_base`.
    """
    if binding is None:
        base = await _declared(mirror, remote)
    else:
        base = await _bound(mirror, binding, remote)
    if base is not None:
        _fits(mirror, base)
    return base


def counting_binding(mirror: Mirror, ledger: Ledger) -> Binding | None:
    """Return the binding of `mirror`; one under which nothing was ever sent does not count."""
    binding = ledger.binding(mirror.name)
    if binding is None or (_names_another(mirror, binding) and _unused(mirror, ledger)):
        return None
    return binding


async def ensure_base(mirror: Mirror, ledger: Ledger, remote: Remote, clock: Clock) -> Base:
    """Return the base of `mirror`; make it while the ledger holds no id, and bind it.

    While the server wants no writes nothing is made, and that wait can be cancelled. Once the call
    is sent no cancellation comes between it and the binding.

    Raises:
        Problem: as `find_base`, or the base could not be made.
    """
    base = await find_base(mirror, ledger, remote)
    if base is None:
        while (rest := remote.paused_for()) > 0:
            await clock.sleep(rest)
    # A base that was made and not bound would be a second one at the next start.
    with anyio.CancelScope(shield=True):
        made = base or await _make(mirror, remote)
        bind(mirror, made, ledger)
    return made


async def models_must_be_there(mirror: Mirror, remote: Remote) -> None:
    """Return once nothing speaks against making the base of `mirror`.

    Raises:
        Problem: it needs a model for embeddings that the server does not have.
    """
    chunking = mirror.config.declared_chunking
    if chunking.technique != "high_quality":
        return
    outcome = await remote.embedding_models()
    if not isinstance(outcome, Done):  # servers do not list them for every key
        return
    wanted = chunking.embedding_model
    if not outcome.value or wanted not in (None, *outcome.value):
        called = f" called {wanted}" if wanted else ""
        words = f"the server has no model for embeddings{called}"
        raise Problem(remote_say.NO_MODEL(what="make knowledge base", words=words))


def bind(mirror: Mirror, base: Base, ledger: Ledger) -> None:
    """Bind `mirror` to `base` in the ledger, unless it is bound so already."""
    bound = ledger.binding(mirror.name)
    binding = _binding(mirror, base, bound)
    if bound != binding:
        ledger.bind(binding)


def pipeline_decides(mirror: Mirror, base: Base) -> Notice | None:
    """Return what has to be said of a base whose pipeline makes the chunks, None for others."""
    if not base.has_pipeline:
        return None
    return say.PIPELINE_DECIDES(mirror=mirror.name, base=base.name)


async def base_must_answer(context: Context) -> None:
    """Return once the base answers 200: only then does a 404 for a document prove absence.

    Raises:
        Problem: the base is gone, or could not be asked for.
    """
    await _by_id(context.mirror, context.base_id or "", context.remote)


def _unused(mirror: Mirror, ledger: Ledger) -> bool:
    """Whether no document of the bound base is ours, and no pending call may still make one."""
    # Rebinding must leave no document of ours behind in the old base.
    if ledger.counts(mirror.name):
        return False
    keys = (row[0] for row in ledger.rows(mirror.name, mirror.document_rules, listing=None))
    return not any(ledger.intent(DocKey(mirror=mirror.name, path=path)) for path in keys)


def _names_another(mirror: Mirror, binding: Binding) -> bool:
    declared, bound = mirror.config.knowledge_base, (binding.base_id, binding.base_name)
    return binding.server != mirror.server.url or (declared.id or declared.name) not in bound


async def _declared(mirror: Mirror, remote: Remote) -> Base | None:
    declared = mirror.config.knowledge_base
    if declared.id is not None:
        outcome = await remote.base(declared.id)
        if isinstance(outcome, Gone):
            raise Problem(say.BASE_UNKNOWN(id=declared.id, mirror=mirror.name))
        return _value(mirror, "asking for the knowledge base", outcome)
    name = declared.name or ""
    found = await _named(mirror, name, remote)
    # Documents must not land in one of several bases by chance.
    if len(found) > 1:
        raise Problem(say.BASE_AMBIGUOUS(count=len(found), base=name, mirror=mirror.name))
    return found[0] if found else None


async def _bound(mirror: Mirror, binding: Binding, remote: Remote) -> Base:
    """Return the bound base, which has to be the declared one.

    The id decides. A name may have changed on either side: a base that is renamed keeps its id,
    and a server whose address changes keeps its bases.
    """
    declared = mirror.config.knowledge_base
    if declared.id not in (None, binding.base_id):
        raise Problem(_another(mirror, binding))
    outcome = await remote.base(binding.base_id)
    if isinstance(outcome, Gone):
        await _refuse_gone(mirror, binding, remote)
    base = _value(mirror, "asking for the knowledge base", outcome)
    if declared.name not in (None, base.name):
        await _refuse_replaced(mirror, binding, remote)
    return base


def _another(mirror: Mirror, binding: Binding) -> Notice:
    declared = mirror.config.knowledge_base
    return say.MIRROR_MOVED_BASE(
        mirror=mirror.name,
        bound=binding.base_name,
        server=binding.server,
        base=declared.id or declared.name,
    )


async def _refuse_gone(mirror: Mirror, binding: Binding, remote: Remote) -> NoReturn:
    here, declared = mirror.server.url, mirror.config.knowledge_base
    if binding.server != here:
        values = {"bound": binding.base_name, "id": binding.base_id, "server": binding.server}
        raise Problem(say.MIRROR_MOVED_SERVER(mirror=mirror.name, here=here, **values))
    if declared.name not in (None, binding.base_name):
        raise Problem(_another(mirror, binding))
    if declared.name is not None:
        await _refuse_remade(mirror, binding, declared.name, remote)
    name = declared.name or binding.base_name
    raise Problem(say.BASE_GONE(base=name, id=binding.base_id, mirror=mirror.name))


async def _refuse_remade(mirror: Mirror, binding: Binding, name: str, remote: Remote) -> None:
    for other in await _named(mirror, name, remote):
        values = {"base": name, "id": other.id, "mirror": mirror.name}
        raise Problem(say.BASE_REMADE(bound=binding.base_id, **values))


async def _refuse_replaced(mirror: Mirror, binding: Binding, remote: Remote) -> None:
    """Refuse a declared name that is not the bound base's, unless the base was only renamed."""
    name = mirror.config.knowledge_base.name or ""
    if name != binding.base_name:
        raise Problem(_another(mirror, binding))
    for other in await _named(mirror, name, remote):
        values = {"base": name, "id": other.id, "mirror": mirror.name}
        raise Problem(say.BASE_REPLACED(bound=binding.base_id, **values))


async def _named(mirror: Mirror, name: str, remote: Remote) -> tuple[Base, ...]:
    return _value(mirror, "looking up the knowledge base", await remote.bases_named(name))


async def _by_id(mirror: Mirror, base_id: str, remote: Remote) -> Base:
    outcome = await remote.base(base_id)
    if isinstance(outcome, Gone):
        shown = mirror.config.knowledge_base.name or base_id
        raise Problem(say.BASE_GONE(base=shown, id=base_id, mirror=mirror.name))
    return _value(mirror, "asking for the knowledge base", outcome)


async def _make(mirror: Mirror, remote: Remote) -> Base:
    name = mirror.config.knowledge_base.name or ""
    config = mirror.config
    made = await remote.make_base(name, config.declared_chunking, config.declared_base)
    return _value(mirror, f"making the knowledge base {name}", made)


def _fits(mirror: Mirror, base: Base) -> None:
    if base.has_pipeline:
        if base.refusal is not None:
            raise Problem(_unusable(mirror, base, base.refusal))
        return  # whatever the chunking says, the pipeline decides
    if base.mode != "general":
        raise Problem(say.BASE_MODE(base=base.name, mode=base.mode, mirror=mirror.name))
    wants = mirror.config.declared_chunking.form
    if base.form is not None and base.form != wants:
        values = {"base": base.name, "has": base.form, "mirror": mirror.name}
        raise Problem(say.BASE_FORM(wants=wants, **values))


def _unusable(mirror: Mirror, base: Base, why: Notice) -> Notice:
    values = {"base": base.name, "mirror": mirror.name, "reason": why.text}
    return say.BASE_PIPELINE(hint=why.hint, **values)


def _binding(mirror: Mirror, base: Base, bound: Binding | None) -> Binding:
    source = str(mirror.config.source)
    same_place = bound is not None and bound.source == source
    return Binding(
        mirror=mirror.name,
        server=mirror.server.url,
        base_id=base.id,
        base_name=mirror.config.knowledge_base.name or base.name,
        source=source,
        device=bound.device if bound is not None and same_place else None,
        settings=bound.settings if bound is not None and bound.base_id == base.id else None,
    )


def _value(mirror: Mirror, what: str, outcome: Outcome[T]) -> T:
    match outcome:
        case Done(value=value):
            return value
    refuse(mirror, what, outcome)


def refuse(mirror: Mirror, what: str, failure: Failure) -> NoReturn:
    """End the pass over `mirror`: `what` failed.

    Raises:
        Problem: always; with the server's own notice when there is one.
    """
    why = getattr(failure, "why", None)
    if isinstance(why, Notice):
        raise Problem(why)
    raise Problem(say.CALL_FAILED(what=what, mirror=mirror.name, reason=type(failure).__name__))


# -- Owner of the marks of a mirror: this ledger, one before it, or another kbsync.


def owned(context: Context, listing: ObservedListing | None) -> Ownership:
    """Return the owner token of the mirror's marks; a new ledger takes the mirror over.

    Args:
        context: the three sides of the mirror.
        listing: the listing of this pass; needed while the ledger has no token yet.

    Raises:
        Problem: KB-E052 when another kbsync took the mirror over.
    """
    mirror, ledger = context.mirror.name, context.ledger
    known = ledger.ownership(mirror)
    ownership = _ownership(known, listing, empty=not ledger.counts(mirror))
    if ownership is None:
        raise Problem(say.OTHER_KBSYNC(mirror=mirror, base=context.base_id))
    if ownership != known:
        ledger.own(mirror, ownership)
    return ownership


def _ownership(
    known: Ownership | None, listing: ObservedListing | None, *, empty: bool
) -> Ownership | None:
    """Return the ownership from now on, None where another kbsync took over.

    Args:
        known: the ownership until now.
        listing: of this pass.
        empty: whether the ledger has no document of the mirror.
    """
    met = frozenset() if listing is None else listing.owners
    whole = listing is not None and listing.complete
    if known is None:
        return _new_ownership(met, whole=whole)
    # Owners that were there at the take-over had the mirror before this ledger.
    strangers = met - known.predecessors - {known.token}
    if not known.whole:  # it may have missed some when it took over
        return replace(known, predecessors=known.predecessors | strangers, whole=whole)
    if not strangers:
        return known
    # A ledger without documents of the mirror takes it over; with some, two would fight.
    return _new_ownership(met, whole=whole) if empty else None


def _new_ownership(predecessors: frozenset[str], *, whole: bool) -> Ownership:
    return Ownership(token=str(uuid.uuid4()), predecessors=predecessors, whole=whole)
