"""What `kbsync mirror` does: a mirror the ledger knows gets another name, or comes to its end."""

from __future__ import annotations

import re
from pathlib import Path

from kbsync.config import KnowledgeBaseConfig, MirrorConfig, Settings
from kbsync.engine.context import Context, Mirror
from kbsync.engine.execute import purge as engine
from kbsync.engine.observe.knowledge_base import base_must_answer
from kbsync.engine.ports import Remote
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.messages import ledger as ledger_say
from kbsync.model import Binding
from kbsync.source.folder import Folder

# As the configuration allows it.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def rename(ledger: LedgerStore, old: str, new: str) -> int:
    """Call a mirror of the ledger `new`; return how many documents it has.

    Raises:
        Problem: no mirror can be called `new`, or as `LedgerStore.rename_mirror`.
    """
    if not NAME.fullmatch(new):
        raise Problem(say.BAD_MIRROR_NAME(mirror=new))
    return ledger.rename_mirror(old, new)


def still_declared(settings: Settings, old: str, new: str) -> list[Notice]:
    """Return what the configuration has to say differently after a rename in the ledger."""
    if settings.mirror(new) is not None:
        return []
    return [say.RENAME_IN_FILE(old=old, new=new, file=settings.file)]


def known(ledger: LedgerStore, mirror: str) -> Binding:
    """Return what the ledger ties `mirror` to.

    Raises:
        Problem: the ledger does not know it.
    """
    binding = ledger.binding(mirror)
    if binding is None:
        names = ", ".join(each.mirror for each in ledger.bindings())
        raise Problem(ledger_say.NO_MIRROR(mirror=mirror, known=names or "none"))
    return binding


async def destroy(
    settings: Settings, remote: Remote, ledger: LedgerStore, binding: Binding
) -> engine.PurgeResult:
    """Delete the documents of a mirror, declared or not, and forget it when none is left.

    Args:
        settings: as loaded.
        remote: the connection to the server that `server_of` names.
        ledger: open for writing.
        binding: what the ledger ties the mirror to.

    Raises:
        Problem: the base is not there, or the server could not be asked.
    """
    done = await engine.destroy(await _context(settings, remote, ledger, binding))
    if not done.left:
        ledger.forget_mirror(binding.mirror)
    return done


async def _context(
    settings: Settings, remote: Remote, ledger: LedgerStore, binding: Binding
) -> Context:
    """Return the engine's context of what the ledger knows, declared so or not."""
    context = Context(
        mirror=_mirror(settings, binding),
        ledger=ledger,
        remote=remote,
        clock=ledger.clock,
        base_id=binding.base_id,
    )
    await base_must_answer(context)
    return context


def server_of(settings: Settings, binding: Binding) -> str:
    """Return the name of the declared server a mirror of the ledger is on.

    Raises:
        Problem: there is none.
    """
    declared = settings.mirror(binding.mirror)
    if declared is not None and settings.server_of(declared).url == binding.server:
        return declared.server or ""
    for name, server in settings.servers.items():
        if server.url == binding.server:
            return name
    raise Problem(say.SERVER_LEFT(mirror=binding.mirror, server=binding.server))


def _mirror(settings: Settings, binding: Binding) -> Mirror:
    """Return the mirror as the ledger knows it, which may be declared differently by now."""
    # Not validated: the folder may be gone, and only documents are touched.
    base = KnowledgeBaseConfig.model_construct(id=binding.base_id, name=binding.base_name)
    known: dict[str, object] = {
        "name": binding.mirror,
        "source": Path(binding.source),
        "knowledge_base": base,
    }
    declared = settings.mirror(binding.mirror)
    if declared is not None:
        known["ambiguity_window"] = declared.ambiguity_window
    config = MirrorConfig.model_construct(**known)  # type: ignore[arg-type]
    server = settings.servers[server_of(settings, binding)]
    folder = Folder(config)
    rules = folder.document_rules
    return Mirror(config=config, server=server, source=folder, document_rules=rules)
