"""Every outcome of a call typed by hand: its exit code, its words, and what to type next."""

import pytest

from kbsync.cli.api.outcome import notice_of, value_of
from kbsync.messages import Exit, Problem, remote
from kbsync.messages import command as say
from kbsync.model import (
    Ambiguous,
    Done,
    Failure,
    Gone,
    NotReady,
    NotSent,
    Rejected,
    Throttled,
    Unauthorized,
)

SLOW = remote.SLOW(what="create document", url="http://127.0.0.1/v1", seconds="60")
AWAY = remote.MODEL_AWAY(what="create document", words="no")
PAGE = remote.NOT_JSON(
    what="list", url="http://127.0.0.1/v1", status=200, kind="text/html", remedy="check server.url"
)
LOCKED = remote.SWITCH_LOCKED(what="disable document")


def test_a_value_comes_out() -> None:
    assert value_of(Done(7), "kb", "get") == 7


@pytest.mark.parametrize(
    ("failure", "code", "exit", "following"),
    [
        (Gone(), say.NOT_THERE.code, Exit.FAULT, "kbsync kb list"),
        (Throttled(60.0), say.RESTING.code, Exit.FAULT, "sleep 60 && kbsync "),
        (Ambiguous(SLOW), remote.SLOW.code, Exit.FAULT, "not known; look with: kbsync kb list"),
        (NotReady(LOCKED, 600.0), remote.SWITCH_LOCKED.code, Exit.FAULT, "sleep 600 && kbsync "),
        (
            NotReady(PAGE, 60.0),
            remote.NOT_JSON.code,
            Exit.FAULT,
            "check server.url, then: kbsync",
        ),
        (
            NotReady(AWAY, 60.0),
            remote.MODEL_AWAY.code,
            Exit.FAULT,
            "server; it may be possible in a while: sleep 60 && kbsync ",
        ),
        (
            NotSent(remote.PAYLOAD_CHANGED(what="create document")),
            remote.PAYLOAD_CHANGED.code,
            Exit.FAULT,
            "tried again by the daemon",
        ),
        (
            Rejected(remote.BAD_ID(what="get", id="x")),
            remote.BAD_ID.code,
            Exit.USAGE,
            "kbsync kb list",
        ),
        (
            Unauthorized(remote.WRONG_KEY(what="list", words="no")),
            remote.WRONG_KEY.code,
            Exit.REFUSED,
            "api_key",
        ),
    ],
)
def test_failures(failure: Failure, code: str, exit: Exit, following: str) -> None:
    with pytest.raises(Problem) as raised:
        value_of(failure, "docs", "delete")
    assert raised.value.notice.code == code
    assert raised.value.exit is exit
    assert following in raised.value.notice.next


def test_nothing_is_promised_to_happen_by_itself() -> None:
    for failure in (Ambiguous(SLOW), NotReady(LOCKED, 5.0), NotReady(AWAY, 5.0)):
        assert "by itself" not in notice_of(failure, "docs", "disable").next
