"""The command as a process of its own that notes its peak of memory: measured.py NOTE WORDS…"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from bounds import peak

from kbsync.cli import obey

MOST = 3 << 30  # so that a failure harms nothing else on the machine


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
    code = obey(sys.argv[2:])
    Path(sys.argv[1]).write_text(str(peak()))
    return code


if __name__ == "__main__":
    sys.exit(main())
