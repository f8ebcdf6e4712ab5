"""Messages about the source: codes KB-S001 and up, never re-used."""

from kbsync.messages import Exit, Message
