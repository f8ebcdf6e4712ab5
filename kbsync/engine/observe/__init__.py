"""What stands in the source, the ledger and the base, and what would be done about it."""
