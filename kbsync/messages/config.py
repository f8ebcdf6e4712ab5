"""Messages about the configuration: codes KB-C001 and up, never re-used."""

from kbsync.messages import Exit, Message
