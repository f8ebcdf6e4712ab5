"""Names and output are UTF-8 whatever the locale: it may not decide what a document is called.

Under another locale Python reads the bytes of a name as other letters, and the same folder would
hold other files. So the process begins again in Python's UTF-8 mode.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from kbsync.messages import Problem
from kbsync.messages import command as say

_AS_TYPED = Path("/proc/self/cmdline")


def insist() -> None:
    """Make names and output UTF-8; the process may be replaced by one for which they are.

    Raises:
        Problem: they are not, and it is not known how this process was begun.
    """
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        _begin_again(encoding)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _begin_again(encoding: str) -> None:
    arguments = _arguments()
    if not sys.executable or sys.flags.utf8_mode or len(arguments) < 2:
        raise Problem(say.NAMES_NOT_UTF8(encoding=encoding))
    # The option counts with -I and -E too, the variable for processes that are begun from here.
    os.environ["PYTHONUTF8"] = "1"
    executable = os.fsencode(sys.executable)
    os.execv(executable, [executable, b"-X", b"utf8", *arguments[1:]])  # noqa: S606 - no shell is meant


def _arguments() -> list[bytes]:
    """Return the bytes this process was begun with: decoded, some may have become others."""
    try:
        return _AS_TYPED.read_bytes().split(b"\0")[:-1]
    except OSError:
        return [os.fsencode(each) for each in sys.orig_argv]
