"""What writing verbs want done: carried out by whoever holds the ledger, the verb or the daemon."""
