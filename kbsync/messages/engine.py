"""Messages about the plan and engine: codes KB-E001 and up, never re-used."""

from kbsync.messages import Exit, Message
