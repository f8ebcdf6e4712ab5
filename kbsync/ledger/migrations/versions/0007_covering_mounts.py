"""Of a mount point is kept whether a mount there may hide files that were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mounts", sa.Column("covers", sa.Boolean(), nullable=True))
