"""The ledger's revisions, run by `kbsync.ledger.migrate`."""
