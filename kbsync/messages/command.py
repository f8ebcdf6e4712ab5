"""Messages about the verbs: codes KB-V001 and up, never re-used."""

from kbsync.messages import Exit, Message
