"""What a running daemon tells of itself, as people read it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from kbsync.messages import Exit, Problem, printable
from kbsync.messages import daemon as say

if TYPE_CHECKING:
    from kbsync.config import Settings


class DaemonView:
    """A daemon's answer.

    Args:
        told: as `kbsync.service.control_client.live` returns.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def lines(self) -> Iterator[str]:
        """Yield what it tells of itself."""
        since = _span(time.time() - self.told["since"])
        yield f"daemon: process {self.told['pid']}, for {since}"
        refused = self.told["refused"]
        if refused is not None:
            loaded = _span(time.time() - self.told["loaded"])
            yield f"  the configuration of {loaded} ago counts; the file as it is now is refused:"
            yield from _notice("  ", refused)

    def mirror_lines(self, name: str) -> Iterator[str]:
        """Yield what it tells of one mirror."""
        mirror = self.told["mirrors"].get(name)
        if mirror is None:
            yield "not kept by the daemon"
            return
        told = [mirror["phase"]]
        told += [word for word in ("read_only", "paused") if mirror[word] and word != told[0]]
        told += [f"{mirror[word]} {word}" for word in ("pending", "indexing") if mirror[word]]
        told += [f"by {mirror['mode']}"] if mirror["mode"] else []
        told += _ahead("folder compared", mirror["next_comparison"])
        told += _ahead("base listed", mirror["next_listing"])
        yield ", ".join(told).replace("_", "-")
        for part in ("why", "notice"):
            if mirror[part] is not None:
                yield from _notice("", mirror[part])
        if mirror["paused"]:
            yield f"next: kbsync resume {name}"


def ask(settings: Settings) -> DaemonView | None:
    """Return what the daemon of these settings tells, None when none answers."""
    from kbsync.service import control_client  # noqa: PLC0415

    told = control_client.live(settings)
    return None if told is None else DaemonView(told)


def show_alone(settings: Settings, found: DaemonView | None, *, as_json: bool) -> int:
    """Print what the daemon tells, and nothing of the ledger; return the exit code.

    Raises:
        Problem: no daemon answers.
    """
    if found is None:
        raise Problem(say.NO_DAEMON(file=settings.file))
    if as_json:
        import json  # noqa: PLC0415

        click.echo(json.dumps(found.told))
        return Exit.OK
    for line in found.lines():
        click.echo(line)
    for name in found.told["mirrors"]:
        for number, line in enumerate(found.mirror_lines(name)):
            click.echo(f"{'  ' if number else f'{name}: '}{line}")
    return Exit.OK


def _notice(indent: str, told: dict[str, str]) -> Iterator[str]:
    yield f"{indent}{printable(told['text'])} [{told['code']}]"
    if told["next"]:
        yield f"{indent}next: {printable(told['next'])}"


def _ahead(what: str, seconds: int | None) -> list[str]:
    return [] if seconds is None else [f"{what} in {_span(seconds)}"]


def _span(seconds: float) -> str:
    whole = max(0, round(seconds))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
