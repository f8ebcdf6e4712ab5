"""`python -m kbsync` is the command."""

from kbsync.cli import main

main()
