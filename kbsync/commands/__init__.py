"""Writing verbs: declared, and carried out by the process that holds the ledger."""
