"""`kbsync export`: write a knowledge base to a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import click

from kbsync.app import build, connect
from kbsync.app.clock import ProcessClock
from kbsync.app.export.configuration import KEY, URL, configuration
from kbsync.app.export.folder import OWN, ExportFolder
from kbsync.app.export.source_base import SourceBase
from kbsync.app.export.state import ExportState, Origin
from kbsync.app.export.whole_base import NAMED, STATE, BaseExport, Export, ExportForecast, begun
from kbsync.cli import output, waiting
from kbsync.cli.api.call import server_named
from kbsync.cli.api.ids import base_id
from kbsync.cli.command_line import CliContext
from kbsync.cli.counted import counted
from kbsync.cli.local_verbs import ExportBase
from kbsync.commands.patience import Patience
from kbsync.config import ServerConfig
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttled_calls import ThrottledCalls
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, Problem, printable, shell, verb
from kbsync.messages import command as command_say
from kbsync.messages.advice import INVOCATION, invoked
from kbsync.planning.render import minutes_of, size_of

USUAL = "kbsync.yaml"
_ORIGINS = {
    Origin.ORIGINAL: "the uploaded bytes",
    Origin.COMPLETED: "the uploaded text, its end from its chunks",
    Origin.DOUBTFUL: "texts that may lack their end",
    Origin.CHUNKS: "text of chunks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The configuration for the folder.

    Args:
        file: where it stands; None where every name is taken.
    """

    text: str
    file: Path | None


def export(verb: ExportBase, context: CliContext) -> int:
    """Export, and print what came of it."""
    settings = build.settings_of(context.config)
    server = settings.servers[server_named(settings, verb.server)]
    calls = ThrottledCalls(
        limiter=RateLimiter(server.requests_per_minute),
        clock=ProcessClock(),
        in_flight=server.max_in_flight,
    )
    patience = waiting.patience()
    patience.watch_calls(partial(calls.waits, server.url))
    work = partial(_exported, verb, server, calls, patience)
    try:
        done = anyio.run(partial(patience.carried_out, work, within=verb.wait))
    except Problem as problem:
        if problem.notice.message is command_say.TIME_OVER:
            raise Problem(command_say.EXPORT_TIME_OVER(**problem.notice.words)) from None
        raise
    _finish(verb, done)
    return done.exit


async def _exported(
    verb: ExportBase, server: ServerConfig, calls: ThrottledCalls, patience: Patience
) -> Export:
    async with connect.connected(server) as api:
        base = SourceBase(api, calls, await base_id(api, verb.base))
        report = await begun(base, verb.folder)
        with (
            closing(ExportFolder(verb.folder)) as folder,
            ExportState(folder.own / STATE, base.id) as state,
        ):
            work = BaseExport(base, folder, state, chunks=verb.chunks, at_once=server.max_in_flight)
            forecast, notices = await work.list_documents()
            report.notices += notices
            if not verb.as_json:
                click.echo(_forecast(forecast, server))
            with counted(forecast.documents, "exported", quiet=verb.as_json) as count:

                def observe() -> None:
                    patience.moved()
                    count()

                await work.carry_out(report, observe)
    return report


def _forecast(forecast: ExportForecast, server: ServerConfig) -> str:
    count = forecast.documents
    parts = [f"{count} document{'' if count == 1 else 's'} to export", size_of(forecast.bytes)]
    if limit := server.requests_per_minute:
        parts.append(f"at most {minutes_of(count / limit)} at the rate limit")
    return "; ".join(parts)


def _finish(verb: ExportBase, report: Export) -> None:
    folder = Path(os.path.abspath(verb.folder))  # noqa: PTH100 - .. is no name of a folder
    written = _configuration(configuration(report, folder), folder)
    if verb.as_json:
        output.as_json(_json(verb, report, written))
        return
    for line in _lines(verb, report):
        output.line(line)
    output.warn(report.notices)
    for step in _next(verb, report, written):
        click.echo(step)


# -- the configuration


def _configuration(text: str, folder: Path) -> Configuration:
    """Write the configuration beside the folder, over none but one that an export wrote."""
    kept = folder / OWN / USUAL
    own = {text.encode(), _bytes(kept)} - {None}
    for name in (USUAL, f"kbsync-{folder.name}.yaml"):
        file = folder.parent / name
        if file.is_symlink() or (file.exists() and _bytes(file) not in own):
            continue
        try:
            kept.write_text(text, encoding="utf-8")
            file.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return Configuration(text=text, file=file)
    return Configuration(text=text, file=None)


def _bytes(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


# -- for people


def _lines(verb: ExportBase, report: Export) -> Iterator[str]:
    for each in report.left[:NAMED]:
        yield f"! {each.path}: {each.why}"
        yield f"  next: {each.why.next}"
    if len(report.left) > NAMED:
        yield f"! {len(report.left) - NAMED} more; --json names each"
    parts = [f"{report.base.name}: {report.documents} in {verb.folder}, {size_of(report.bytes)}"]
    parts += [f"{report.origins[each]} {_ORIGINS[each]}" for each in Origin if report.origins[each]]
    parts.append(f"{report.written} written now")
    if report.left:
        parts.append(f"{len(report.left)} not exported")
    yield "; ".join(parts)
    if texts := report.origins[Origin.CHUNKS]:
        yield f"made of chunks, which is not the original: {texts}"
    if report.other_names:
        yield f"documents that a mirror of the folder calls by another name: {report.other_names}"


def _next(verb: ExportBase, report: Export, written: Configuration) -> Iterator[str]:
    if written.file is None:
        yield f"a configuration for {printable(verb.folder.name)}, to be kept in a file:"
        yield written.text
        return
    yield f"{printable(str(written.file))} mirrors the folder into a knowledge base like this one:"
    asked = (
        (shell(f"read -r {URL} && export {URL}"), "type the address of the new server, with /v1"),
        (shell(f"read -rs {KEY} && export {KEY}"), "type its knowledge API key; it is not shown"),
    )
    yield from (f"  next: {step.line()}    ({why})" for step, why in asked)
    with invoked(replace(INVOCATION.get(), config=_as_typed(written.file))):
        yield f"  next: {_verb('plan')}"
        yield f"  next: {_verb('apply')}"
        if report.unmarked and report.origins[Origin.ORIGINAL]:
            yield "or, on the server it came from, take the documents over as they are:"
            yield f"  next: {_adopt(report)}"


def _verb(name: str) -> str:
    return verb(name).line()


def _adopt(report: Export) -> str:
    return verb("adopt --map {map} --trust content").line(map=str(report.map))


def _as_typed(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


# -- for programs


def _json(verb: ExportBase, report: Export, written: Configuration) -> dict[str, object]:
    return {
        "exit": int(report.exit),
        "base": {"id": report.base.id, "name": report.base.name},
        "folder": str(verb.folder.absolute()),
        "counts": {
            "documents": report.documents,
            **{str(each): report.origins[each] for each in Origin},
            "written": report.written,
            "bytes": report.bytes,
            "left": len(report.left),
            "other_names": report.other_names,
        },
        "left": [
            {
                "path": each.path,
                "name": each.name,
                "document_id": each.document_id,
                **each.why.as_json(),
            }
            for each in report.left
        ],
        "left_over": report.left_over,
        "notices": _rows(report.notices),
        "map": str(report.map.absolute()),
        "configuration": {
            "file": str(written.file) if written.file else None,
            "text": written.text,
        },
    }


def _rows(notices: Sequence[Notice]) -> list[dict[str, object]]:
    return [each.as_json() for each in notices]
