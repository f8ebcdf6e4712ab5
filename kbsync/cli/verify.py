"""`kbsync verify`: compare what is stored with what is on disk, or see whether it is found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from kbsync.app import build
from kbsync.app.verification import (
    MirrorVerification,
    RandomSample,
    Scope,
    Verification,
    scope_of,
    verify_all,
)
from kbsync.cli import output, waiting
from kbsync.cli.command_line import CliContext
from kbsync.cli.counted import counted
from kbsync.cli.local_verbs import Verify
from kbsync.commands.patience import Patience
from kbsync.engine.observe.search_proof import MOST_CHUNKS
from kbsync.engine.observe.verification import Finding, Verdict
from kbsync.messages import Problem
from kbsync.messages import ledger as ledger_say
from kbsync.messages import verification as say
from kbsync.planning.render import minutes_of, size_of

SEEDS = 1 << 32
# A longer command line is hard to read, and some terminals cut it.
IN_ONE_COMMAND = 20


def verify(verb: Verify, context: CliContext) -> int:
    """Compare, and print what differs."""
    settings = build.settings_of(context.config)
    with build.ledger_to_read(settings) as ledger:
        if ledger is None:
            raise Problem(ledger_say.MISSING(place=settings.ledger.path))
        scope = scope_of(settings, ledger, verb.mirrors, _sample(verb))
        if not verb.as_json:
            click.echo(_forecast(scope, search=verb.search))
        done_to_it = "searched for" if verb.search else "compared"
        with counted(scope.documents, done_to_it, quiet=verb.as_json) as observe:
            strangers = not (verb.ignore_foreign or verb.search)

            async def work(patience: Patience) -> Verification:
                def judged() -> None:
                    patience.moved()
                    observe()

                return await verify_all(
                    settings,
                    ledger,
                    scope,
                    strangers=strangers,
                    search=verb.search,
                    observe=judged,
                    watch=patience.watch_calls,
                )

            done = waiting.run(work)
    _as_json(scope, done, search=verb.search) if verb.as_json else _as_text(scope, done)
    return done.exit


def _sample(verb: Verify) -> RandomSample | None:
    if verb.sample is None:
        return None
    # Shown, so that the same documents can be drawn again.
    seed = random.randrange(SEEDS) if verb.seed is None else verb.seed  # noqa: S311
    return RandomSample(size=verb.sample, seed=seed)


# -- for people


def _forecast(scope: Scope, *, search: bool) -> str:
    count = scope.documents
    what = "search for" if search else "download"
    parts = [f"{count} document{'' if count == 1 else 's'} to {what}"]
    if scope.sample is not None:
        parts[0] += f" of {scope.synced}, drawn with --seed {scope.sample.seed}"
    parts.append(f"1 to {MOST_CHUNKS} searches each" if search else size_of(scope.bytes))
    if scope.minutes is not None:
        least = "at least " if search else ""
        parts.append(f"{least}{minutes_of(scope.minutes)} at the rate limit")
    return "; ".join(parts)


def _as_text(scope: Scope, done: Verification) -> None:
    unsynced = {each.declared.name: each.unsynced for each in scope.mirrors}
    for mirror in done.mirrors:
        for finding in (*mirror.findings, *mirror.unowned):
            output.line(_line(finding))
        for following in _next(mirror):
            output.line(f"  next: {following}")
        output.warn(mirror.notices)
        output.line(_summary(mirror, unsynced[mirror.name]))
    for halt in done.halts:
        click.echo(f"kbsync: mirror {halt.mirror}: {halt.problem}", err=True)


def _line(finding: Finding) -> str:
    what = finding.key.path if finding.key else finding.document_name
    return f"{finding.verdict}: {what}: {finding.why}"


def _next(mirror: MirrorVerification) -> Iterator[str]:
    """Yield what to type: one command for all files that are to be sent again, the others once."""
    again = [each.key.path for each in mirror.findings if each.sent_again and each.key]
    for start in range(0, len(again), IN_ONE_COMMAND):
        files = again[start : start + IN_ONE_COMMAND]
        words = {"mirror": mirror.name, "count": len(files)}
        yield say.SEND_AGAIN(files=files, **words).next
    rest = [each for each in (*mirror.findings, *mirror.unowned) if not each.sent_again]
    # A foreign document's step names it: of many, the first shows how.
    first = {each.why.message: each.why for each in reversed(rest) if each.why}
    yield from dict.fromkeys(why.next for why in reversed(first.values()))


def _summary(mirror: MirrorVerification, unsynced: int) -> str:
    counts = mirror.counts + Counter(each.verdict for each in mirror.unowned)
    parts = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    if unsynced:
        parts.append(f"{unsynced} not synced yet")
    return f"{mirror.name}: {', '.join(parts) or 'nothing to compare'}"


# -- for programs


def _as_json(scope: Scope, done: Verification, *, search: bool) -> None:
    sample = scope.sample
    output.as_json(
        {
            "exit": int(done.exit),
            "forecast": {
                "downloads": 0 if search else scope.documents,
                "bytes": 0 if search else scope.bytes,
                "minutes": scope.minutes,
                **({"searched_for": scope.documents} if search else {}),
            },
            "sample": sample and {"size": sample.size, "seed": sample.seed, "of": scope.synced},
            "mirrors": [_mirror_json(each) for each in done.mirrors],
            "problems": [halt.as_json() for halt in done.halts],
        }
    )


def _mirror_json(mirror: MirrorVerification) -> dict[str, object]:
    findings: Sequence[Finding] = (*mirror.findings, *mirror.unowned)
    return {
        "name": mirror.name,
        "counts": {**mirror.counts, **Counter(each.verdict for each in mirror.unowned)},
        "findings": [_finding_json(each) for each in findings],
        "notices": [{"code": each.code, "text": each.text} for each in mirror.notices],
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    why = finding.why
    return {
        "path": finding.key.path if finding.key else None,
        "document_id": finding.document_id,
        "document_name": finding.document_name,
        "verdict": finding.verdict,
        "stored_bytes": finding.stored,
        "expected_bytes": finding.expected,
        "code": why.code if why else None,
        "reason": why.text if why else None,
        "next": why.next if why else None,
        "commands": why.commands if why else (),
    }
