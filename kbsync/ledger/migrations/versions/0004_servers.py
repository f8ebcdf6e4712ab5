"""What is known of a server is kept by its address."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "servers",
        sa.Column("url", _TEXT, nullable=False),
        sa.Column("version", _TEXT, nullable=True),
        sa.Column("seen", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("url", name="pk_servers"),
        sqlite_with_rowid=False,
    )
