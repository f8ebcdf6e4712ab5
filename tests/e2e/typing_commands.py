"""The installed command, typed as a person would, and the embedded server as a process."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
import warm
from canary import KEY, refuse

COMMAND = Path(sys.executable).with_name("kbsync")
SECONDS = 60


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    meant = {**kept, "KBSYNC_COMMAND": "kbsync", "DIFY_API_KEY": KEY, **more}
    return {name: value for name, value in meant.items() if value}


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class Terminal:
    """A folder to type commands in; remembers everything that was printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""

    def run(
        self, *words: str, input: str = "", env: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error."""
        with TemporaryFile() as typed, TemporaryFile() as output, TemporaryFile() as errors:
            typed.write(input.encode())
            typed.seek(0)
            code = warm.start(
                words,
                folder=self.folder,
                env=environment(**(env or {})),
                stdin=typed,
                stdout=output,
                stderr=errors,
            ).wait()
            printed = _written(output), _written(errors)
            refuse("".join(printed), words)
            return code, *printed

    def type(
        self,
        *words: str,
        exit: int | tuple[int, ...] = 0,
        input: str = "",
        env: Mapping[str, str] | None = None,
    ) -> str:
        code, stdout, stderr = self.run(*words, input=input, env=env)
        self.printed += stdout + stderr
        meant = exit if isinstance(exit, tuple) else (exit,)
        assert code in meant, (words, code, stdout, stderr)
        return stdout + (stderr if exit else "")

    def read(self, *words: str) -> Any:
        return json.loads(self.type(*words, "--json"))


def by_hand(url: str) -> httpx.Client:
    """Return a client for a person who talks to the server directly."""
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.Client(base_url=url, verify=False, headers=headers)


@contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """Run `kbsync serve` on a free port; yield its URL."""
    errors = folder / "serve.err"
    reading, writing = os.pipe()
    with (
        open(reading, encoding="utf-8") as output,
        errors.open("wb") as stderr,
        open(writing, "wb") as stdout,
    ):
        process = warm.start(
            ["serve", "--port", "0", "--data", str(folder / "base.db"), *words],
            env=environment(KBSYNC_SERVE_KEY=KEY),
            stdout=stdout,
            stderr=stderr,
        )
        stdout.close()
        try:
            url = output.readline().strip()
            assert url.startswith("http://127.0.0.1:"), (url, errors.read_text())
            yield url
        finally:
            process.terminate()
            assert process.wait() == 0, errors.read_text()
