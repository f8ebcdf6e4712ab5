"""The plan of a mirror as it would be, made when it is asked for and shown until the next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import chain, islice
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from kbsync.app import all_mirrors
from kbsync.app.all_mirrors import HaltedMirror
from kbsync.commands.base import Command, CommandContext
from kbsync.engine.reconciler import Planned
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice
from kbsync.model import Halted
from kbsync.planning.plan import Plan
from kbsync.planning.plan_text import line_of, price, setting_line, summary
from kbsync.web.login import changing_form, led_to, read_form
from kbsync.web.rendering import url
from kbsync.web.request_rules import is_of_this_site
from kbsync.web.site import Site

# Changes that are kept and shown of a plan, however many there are.
SHOWN = 300
KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePlan:
    """A plan as it is shown.

    Args:
        at: when it was made, in seconds since the epoch.
        price: what carrying it out costs, in lines.
        summary: how many changes of which kind.
        lines: the first changes, each as a line.
        more: how many changes are not among them.
        problem: why none could be made; then the rest is empty.
    """

    at: float
    listed: bool
    price: tuple[str, ...] = ()
    summary: str = ""
    lines: tuple[str, ...] = ()
    more: int = 0
    halts: tuple[Halted, ...] = ()
    problem: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePlan(Command):
    """Plan a mirror, and keep what is shown of it.

    Args:
        mirror: its name.
        listing: list its knowledge base first.
        keep: takes the plan.
    """

    verb: ClassVar[str] = "plan"
    changes: ClassVar[bool] = False
    mirror: str
    listing: bool
    keep: Callable[[MadePlan], None]

    async def run(self, context: CommandContext) -> int:
        """Make it; the mirror is suspended meanwhile, as for the verb."""
        async with context.opened((self.mirror,)) as opened:
            ((_, made),) = await all_mirrors.plan_all(opened.engines, listing=self.listing)
        self.keep(_shown(made, listed=self.listing))
        return Exit.OK


class PlanPages:
    """Answers with the plans that were made last."""

    def __init__(self) -> None:
        self._made: dict[str, MadePlan] = {}

    async def page(self, site: Site, request: Request) -> Response:
        """Answer with the plan of a mirror, if one was made."""
        name = site.mirror(request).declared.name
        given = site.commands.of(name)
        return site.page(
            request, "plan.html", name=name, made=self._made.get(name), given=given, shown=SHOWN
        )

    async def make(self, site: Site, request: Request) -> Response:
        """Begin to make one: it changes nothing, but costs requests and the mirror's time."""
        name = site.mirror(request).declared.name
        # It changes nothing: where no token is declared it is enough that a page of this site asks.
        if not site.access.asks_for_token and is_of_this_site(request.headers):
            sent = await read_form(request)
        else:
            sent = await changing_form(site.access, request)
        listing = sent.get("listing") == "on"
        making = MakePlan(mirror=name, listing=listing, keep=partial(self._keep, name))
        site.commands.give(name, "plan", making)
        return led_to(url("mirrors", name, "plan"))

    def _keep(self, mirror: str, made: MadePlan) -> None:
        self._made.pop(mirror, None)
        self._made[mirror] = made
        while len(self._made) > KEPT:
            del self._made[next(iter(self._made))]


def _shown(made: Planned | HaltedMirror, *, listed: bool) -> MadePlan:
    if isinstance(made, HaltedMirror):
        return MadePlan(at=time.time(), listed=listed, problem=made.problem.notices)
    plan: Plan = made.plan
    lines = chain(map(setting_line, plan.base), map(line_of, plan.actions))
    return MadePlan(
        at=time.time(),
        listed=listed,
        price=tuple(price(plan)),
        summary=summary(plan),
        lines=tuple(islice(lines, SHOWN)),
        more=max(0, len(plan.base) + len(plan.actions) - SHOWN),
        halts=plan.halts,
    )
