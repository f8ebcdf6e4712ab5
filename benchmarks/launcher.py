"""Start one command, wait for it, and write down what it and its children cost.

    python -I -S benchmarks/launcher.py REPORT COMMAND…

A process of its own and a small one, because the kernel counts into the peak memory of a command
what the process had that started it. REPORT gets wall seconds, CPU seconds, KiB of peak memory and
the exit code, as words in one line.
"""

import os
import sys
import time


def main() -> None:
    """Run the command."""
    report, command = sys.argv[1], sys.argv[2:]
    began = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    with open(report, "w", encoding="ascii") as file:
        file.write(f"{wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss} {code}\n")


if __name__ == "__main__":
    main()
