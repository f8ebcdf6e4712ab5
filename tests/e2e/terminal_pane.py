"""A terminal of a fixed width that nobody looks at, by tmux, and what is to be seen in it."""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typing_commands import COMMAND, environment

SECONDS = 60.0
TALL = 46
PAGE = """\
<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 12px; background: #fff; width: max-content }}
pre {{ font: 14px/1.35 "DejaVu Sans Mono", monospace; margin: 0 }}
{stylesheet}
</style><pre><code>{code}</code></pre>
"""


class Pane:
    """One terminal with a shell in it.

    Args:
        tmux: the program, with the server that has the terminal.
        width: columns.
    """

    def __init__(self, tmux: list[str], width: int) -> None:
        self._tmux, self.width = tmux, width

    def ask(self, *words: str) -> str:
        run = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=True, timeout=SECONDS
        )
        return run.stdout

    def type(self, line: str) -> None:
        """Clear the terminal and type a command, without waiting for it."""
        self.ask("send-keys", f"clear; {line}", "Enter")

    def seen(self, *, colours: bool = False) -> str:
        """Return what is to be seen now, without the empty lines below."""
        return self.ask("capture-pane", "-p", *(["-e"] if colours else [])).rstrip("\n")

    def until(self, text: str) -> str:
        """Return what is to be seen once `text` is in it."""
        end = time.monotonic() + SECONDS
        while text not in (found := self.seen()):
            assert time.monotonic() < end, f"never shown: {text}\n{found}"
            time.sleep(0.05)
        return found

    def page(self) -> str:
        """Return what is to be seen now as a page for a browser."""
        from rich.console import Console  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(record=True, width=self.width, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(self.seen(colours=True)), no_wrap=True, crop=False)
        return console.export_html(code_format=PAGE)


@contextmanager
def opened_pane(folder: Path, width: int) -> Iterator[Pane]:
    """Open a terminal in a folder; skip the test where there is no tmux."""
    program = shutil.which("tmux")
    if program is None:
        pytest.skip("no tmux on this machine: apt-get install tmux")
    tmux = [program, "-S", str(folder / "tmux"), "-f", "/dev/null"]
    path = f"{COMMAND.parent}:/usr/bin:/bin"
    known = environment(PATH=path, PS1="$ ", LANG="C.UTF-8", TERM="tmux-256color")
    words = ["env", "-i", *(f"{name}={value}" for name, value in known.items())]
    shell = shlex.join([*words, "bash", "--norc", "--noprofile"])
    size = ["-x", str(width), "-y", str(TALL)]
    subprocess.run([*tmux, "new-session", "-d", *size, shell], cwd=folder, check=True)
    pane = Pane(tmux, width)
    try:
        pane.until("$")
        yield pane
    finally:
        pane.ask("kill-server")
