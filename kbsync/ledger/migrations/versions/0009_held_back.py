"""What the guard held back of a mirror at the last comparison is kept.

Of what is unmet is kept whether work said so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("mirrors", sa.Column("held_digest", _TEXT, nullable=True))
    op.add_column("mirrors", sa.Column("held_changes", sa.BigInteger(), nullable=True))
    op.add_column("mirrors", sa.Column("held_reasons", _TEXT, nullable=True))
    op.add_column("unmet", sa.Column("by_work", sa.Boolean(), nullable=True))
