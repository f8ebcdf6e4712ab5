"""What Alembic runs: the whole upgrade inside the transaction that `migrate` opened."""

from alembic import context

from kbsync.ledger.indexes import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
