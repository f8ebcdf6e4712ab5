"""What is declared of a document and of its base beside chunks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for column in ("profile", "source_content", "metadata", "chunks"):
        op.add_column("entries", sa.Column(column, _TEXT, nullable=True))
    for column in ("trashed_at", "expires_at"):
        op.add_column("entries", sa.Column(column, sa.Double(), nullable=True))
    op.add_column("bindings", sa.Column("settings", _TEXT, nullable=True))
