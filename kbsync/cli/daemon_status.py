"""The state of a running daemon and its mirrors, as people read it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from kbsync.messages import Exit, Problem, printable, span, verb
from kbsync.messages import daemon as say
from kbsync.service import control_client
from kbsync.service.socket_path import Place


class DaemonView:
    """A daemon's answer.

    Args:
        answer: as `kbsync.service.control_client.live` returns.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    @property
    def exit(self) -> Exit:
        """What the exit code says of the worst mirror: halted, unreachable, or well."""
        mirrors = self.answer["mirrors"].values()
        phases = {mirror["phase"] for mirror in mirrors}
        if "halted" in phases or any(mirror["held"] is not None for mirror in mirrors):
            return Exit.HALTED
        return Exit.REFUSED if "unreachable" in phases else Exit.OK

    def lines(self) -> Iterator[str]:
        """Yield the lines about the daemon as a whole."""
        since = span(time.time() - self.answer["since"])
        yield f"daemon: process {self.answer['pid']}, for {since}"
        standby = self.answer.get("standby")
        if standby is not None:
            yield f"  stands by, and takes over when it can: {printable(standby['text'])}"
        refused = self.answer["refused"]
        if refused is not None:
            loaded = span(time.time() - self.answer["loaded"])
            yield f"  the configuration of {loaded} ago counts; the file as it is now is refused:"
            yield from _notice("  ", refused)

    def tells_of_the_guard(self, name: str) -> bool:
        """Whether the lines of a mirror say what the guard holds back."""
        mirror = self.answer["mirrors"].get(name)
        return mirror is not None and mirror["held"] is not None and mirror["why"] is not None

    def mirror_lines(self, name: str) -> Iterator[str]:
        """Yield the lines about one mirror."""
        mirror = self.answer["mirrors"].get(name)
        if mirror is None:
            yield "not kept by the daemon"
            return
        parts = [mirror["phase"]]
        # A phase may bear the same name; once is enough.
        parts += [word for word in ("read_only", "paused") if mirror[word] and word != parts[0]]
        parts += [
            f"{mirror[word]} {word}"
            for word in ("pending", "indexing", "stale", "unmet")
            if mirror.get(word)
        ]
        parts += [f"by {mirror['mode']}"] if mirror["mode"] else []
        parts += _ahead("folder compared", mirror["next_comparison"])
        parts += _ahead("base listed", mirror["next_listing"])
        yield ", ".join(parts).replace("_", "-")
        for part in ("why", "notice"):
            if mirror[part] is not None:
                yield from _notice("", mirror[part])
        if mirror["unsettled"]:
            yield from _notice("", say.KEEPS_CHANGING(paths=mirror["unsettled"]).as_json())
        if mirror["paused"]:
            yield f"next: {verb('resume -- {mirror}').line(mirror=name)}"


def ask(settings: Place) -> DaemonView | None:
    """Return the state of the daemon of these settings, None when none answers."""
    answer = control_client.live(settings)
    return None if answer is None else DaemonView(answer)


def show_alone(settings: Place, found: DaemonView | None, *, as_json: bool) -> int:
    """Print the daemon's state without opening the ledger; return the exit code.

    Raises:
        Problem: no daemon answers.
    """
    if found is None:
        raise Problem(say.NO_DAEMON(file=settings.file))
    if as_json:
        click.echo(json.dumps(found.answer))
        return found.exit
    for line in found.lines():
        click.echo(line)
    for name in found.answer["mirrors"]:
        for number, line in enumerate(found.mirror_lines(name)):
            click.echo(f"{'  ' if number else f'{name}: '}{line}")
    return found.exit


def _notice(indent: str, notice: dict[str, Any]) -> Iterator[str]:
    yield f"{indent}{printable(notice['text'])} [{notice['code']}]"
    if notice["next"]:
        yield f"{indent}next: {printable(notice['next'])}"


def _ahead(what: str, seconds: int | None) -> list[str]:
    return [] if seconds is None else [f"{what} in {span(seconds)}"]
