"""Why keys are not what they should be is kept, where no entry and no rejection says so."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "unmet",
        sa.Column("mirror", _TEXT, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("text", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("mirror", "path", name="pk_unmet"),
        sqlite_with_rowid=False,
    )
