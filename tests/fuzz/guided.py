"""One target under atheris, as a process of its own: python -m tests.fuzz.guided NAME SECONDS OUT.

libFuzzer ends the process itself; what it prints is read by `running`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

# Before anything of kbsync is loaded, or its branches are not seen.
with atheris.instrument_imports(include=["kbsync"]):
    from .corpus import TARGETS

LONGEST_RUN = 10  # seconds for one input
LONGEST = 4096


def main(name: str, seconds: str, out: Path) -> None:
    (target,) = (each for each in TARGETS if each.name == name)
    corpus = out / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = out / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={out}/",
        f"-dict={words}",
        f"-timeout={LONGEST_RUN}",
        f"-max_len={LONGEST}",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.feed)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
