"""The installed command, typed as a person would, and the embedded server as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("kbsync")
KEY = "dataset-canary-7Hq2mZx9"
SECONDS = 60


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "DIFY_API_KEY": KEY, **more}


class Terminal:
    """A folder to type commands in; remembers everything that was printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""

    def type(
        self,
        *words: str,
        exit: int | tuple[int, ...] = 0,
        input: str = "",
        env: Mapping[str, str] | None = None,
    ) -> str:
        done = subprocess.run(
            [str(COMMAND), *words],
            cwd=self.folder,
            env=environment(**(env or {})),
            input=input,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        self.printed += done.stdout + done.stderr
        meant = exit if isinstance(exit, tuple) else (exit,)
        assert done.returncode in meant, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout + (done.stderr if exit else "")

    def read(self, *words: str) -> Any:
        return json.loads(self.type(*words, "--json"))


@contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """Run `kbsync serve` on a free port; yield its URL."""
    errors = folder / "serve.err"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            [str(COMMAND), "serve", "--port", "0", "--data", str(folder / "base.db"), *words],
            env=environment(KBSYNC_SERVE_KEY=KEY),
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), (url, errors.read_text())
            yield url
        finally:
            process.terminate()
            assert process.wait(timeout=SECONDS) == 0, errors.read_text()
