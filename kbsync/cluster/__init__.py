"""Many processes over one ledger on PostgreSQL: shards, their leases, one write budget."""
