"""Messages about the knowledge API: codes KB-R001 and up, never re-used."""

from kbsync.messages import Exit, Message
