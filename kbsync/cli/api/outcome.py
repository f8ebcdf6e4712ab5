"""A call's outcome → its value, or the problem that ends the verb."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from kbsync.messages import Advice, Notice, Problem, again, shell, verb
from kbsync.messages import command as say
from kbsync.model import Ambiguous, Done, Failure, Gone, NotReady, Outcome, Throttled

T = TypeVar("T")

TRIED_AGAIN = "it is tried again by the daemon or a later apply"
UNSURE = "whether it took effect is not known; look with: " + verb("kb list")
LATER = "it may be possible in a while: " + shell("sleep {seconds}") + " && " + again()


def value_of(outcome: Outcome[T], group: str, verb: str) -> T:
    """Return what `kbsync GROUP VERB` was answered.

    Raises:
        Problem: anything but `Done`.
    """
    if isinstance(outcome, Done):
        return outcome.value
    raise Problem(notice_of(outcome, group, verb))


def notice_of(failure: Failure, group: str, name: str) -> Notice:
    """Return why a call typed by hand failed, and what to type next.

    The client's own notices say what a daemon does next: try again. By hand a person has to.
    """
    call = f"kbsync {group} {name}"
    match failure:
        case Gone():
            return say.NOT_THERE(call=call)
        case Throttled(after=after):
            return say.RESTING(call=call, seconds=f"{after:.0f}")
        case Ambiguous(why=why):
            return _followed_by(why, UNSURE)
        case NotReady(why=why, after=after):
            return _by_hand(why, f"{after:.0f}")
    return failure.why


def _by_hand(why: Notice, seconds: str) -> Notice:
    """Return `why` with the step a person takes where a daemon would try again."""
    first = "".join(map(str, why.message.advice.parts[:1]))
    step, found, _ = first.partition(TRIED_AGAIN)
    # Where something has to be changed first, to wait is no advice.
    return _followed_by(why, step + LATER, seconds=seconds) if found else why


def _followed_by(notice: Notice, following: Advice, **words: str) -> Notice:
    message = replace(notice.message, next=following)
    return Notice(message, {**notice.words, **words})
