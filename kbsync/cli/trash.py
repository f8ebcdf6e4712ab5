"""`kbsync trash list` and `restore`: what is in the trash, and its files brought back."""

from __future__ import annotations

from kbsync.app import build
from kbsync.app.trash import BroughtBack, bring_back, resting
from kbsync.cli import output, waiting
from kbsync.cli.command_line import CliContext
from kbsync.cli.counted import counted
from kbsync.cli.local_verbs import ListTrash, RestoreFromTrash
from kbsync.commands.patience import Patience
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Exit, Problem, moment, verb
from kbsync.messages import ledger as ledger_say
from kbsync.messages import trash as say
from kbsync.model import LedgerEntry


def list_trash(typed: ListTrash, context: CliContext) -> int:
    """Print what is in the trash, as the ledger knows it."""
    settings = build.settings_of(context.config)
    mirrors = build.chosen(settings, [typed.mirror] if typed.mirror else [])
    with build.ledger_to_read(settings) as ledger:
        found = list(resting(ledger, [each.name for each in mirrors])) if ledger else []
    if typed.as_json:
        output.as_json({"trash": [_json(each) for each in found]})
        return Exit.OK
    for each in found:
        output.line(_line(each))
    output.line(f"{len(found)} in the trash")
    return Exit.OK


def _line(entry: LedgerEntry) -> str:
    until = moment(entry.expires_at) if entry.expires_at is not None else "it is emptied"
    found = "searches find it" if _is_found(entry) else "disabled"
    return (
        f"{entry.key.mirror}: {entry.key.path}  ({found}, since {_since(entry)}, until {until}, "
        f"{entry.document_id})"
    )


def _since(entry: LedgerEntry) -> str:
    return moment(entry.trashed_at) if entry.trashed_at is not None else "?"


def _is_found(entry: LedgerEntry) -> bool:
    return entry.reason is None or entry.reason[0] != say.DISABLED.code


def _json(entry: LedgerEntry) -> dict[str, object]:
    return {
        "mirror": entry.key.mirror,
        "path": entry.key.path,
        "document_id": entry.document_id,
        "document_name": entry.document_name,
        "since": entry.trashed_at,
        "until": entry.expires_at,
        "searchable": _is_found(entry),
    }


def restore(typed: RestoreFromTrash, context: CliContext) -> int:
    """Bring files back; their documents follow with the next pass."""
    settings = build.settings_of(context.config)
    mirrors = [each.name for each in build.chosen(settings, [typed.mirror] if typed.mirror else [])]
    with build.ledger_to_read(settings) as ledger:
        if ledger is None:
            raise Problem(ledger_say.MISSING(place=settings.ledger.path))
        entries = _named(ledger, mirrors, typed.paths)
        with counted(len(entries), "brought back", quiet=typed.as_json) as count:

            async def work(patience: Patience) -> list[BroughtBack]:
                def observe() -> None:
                    patience.moved()
                    count()

                return await bring_back(settings, ledger, entries, observe)

            done = waiting.run(work)
    _show(typed, done)
    return Exit.OK if all(each.written for each in done) else Exit.INCOMPLETE


def _named(ledger: LedgerStore, mirrors: list[str], paths: tuple[str, ...]) -> list[LedgerEntry]:
    """Return the entries of the named paths.

    Raises:
        Problem: nothing of a path is in the trash.
    """
    found = {each.key: each for path in paths for each in resting(ledger, mirrors, [path])}
    for path in paths:
        if not any(resting(ledger, mirrors, [path])):
            raise Problem(say.NOT_THERE(path=path))
    return list(found.values())


def _show(typed: RestoreFromTrash, done: list[BroughtBack]) -> None:
    if typed.as_json:
        output.as_json({"files": [_result(each) for each in done]})
        return
    for each in done:
        if each.written:
            output.line(f"brought back: {each.entry.key.path}")
        if each.why is not None:
            output.line(f"{'note' if each.written else 'left'}: {each.why}")
            output.line(f"  next: {each.why.next}")
    written = sum(each.written for each in done)
    output.line(f"{written} of {len(done)} brought back")
    if written:
        output.line(f"  next: {verb('apply').line()} (a daemon does it by itself)")


def _result(each: BroughtBack) -> dict[str, object]:
    return {
        "mirror": each.entry.key.mirror,
        "path": each.entry.key.path,
        "written": each.written,
        "code": each.why.code if each.why else None,
        "reason": each.why.text if each.why else None,
    }
