"""Messages about the ledger: codes KB-L001 and up, never re-used."""

from kbsync.messages import Exit, Message
