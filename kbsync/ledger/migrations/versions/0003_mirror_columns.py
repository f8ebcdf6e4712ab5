"""What was kept under prefixed keys of `meta` gets columns; `meta` becomes one row.

==================  ===================================================
`owner:MIRROR`      mirrors.owner_token, owner_predecessors, owner_whole
`paused:MIRROR`     mirrors.paused_at
`agreed:MIRROR`     mirrors.agreed_at
`halted:DIGEST`     halts
`clock`             meta.high_water
`generation`        meta.generation
==================  ===================================================
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    rows = op.get_bind().exec_driver_sql("SELECT key, value FROM meta").all()
    kept = {str(key): str(value) for key, value in rows}
    mirrors, halts = _create_mirrors(), _create_halts()
    op.drop_table("meta")
    meta = _create_meta()
    op.bulk_insert(mirrors, list(_mirrors(kept).values()))
    op.bulk_insert(halts, _halts(kept))
    numbers = {
        "high_water": float(kept.get("clock", 0)),
        "generation": int(kept.get("generation", 0)),
    }
    op.bulk_insert(meta, [{"id": 1, **numbers}])


def _create_mirrors() -> sa.Table:
    return op.create_table(
        "mirrors",
        sa.Column("mirror", _TEXT, nullable=False),
        sa.Column("owner_token", _TEXT, nullable=True),
        sa.Column("owner_predecessors", _TEXT, nullable=True),
        sa.Column("owner_whole", sa.Boolean(), nullable=True),
        sa.Column("paused_at", sa.Double(), nullable=True),
        sa.Column("agreed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("mirror", name="pk_mirrors"),
        sqlite_with_rowid=False,
    )


def _create_halts() -> sa.Table:
    return op.create_table(
        "halts",
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("members", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_halts"),
        sqlite_with_rowid=False,
    )


def _create_meta() -> sa.Table:
    return op.create_table(
        "meta",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("high_water", sa.Double(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_meta_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_meta"),
        sqlite_with_rowid=False,
    )


def _mirrors(kept: dict[str, str]) -> dict[str, dict[str, Any]]:
    columns = ("owner_token", "owner_predecessors", "owner_whole", "paused_at", "agreed_at")
    mirrors: dict[str, dict[str, Any]] = {}
    for key, value in kept.items():
        kind, _, mirror = key.partition(":")
        if kind in {"owner", "paused", "agreed"}:
            row = mirrors.setdefault(mirror, {"mirror": mirror, **dict.fromkeys(columns)})
            row |= _owner(value) if kind == "owner" else {f"{kind}_at": float(value)}
    return mirrors


def _owner(value: str) -> dict[str, Any]:
    owner = json.loads(value)
    return {
        "owner_token": owner["token"],
        "owner_predecessors": json.dumps(owner["predecessors"]),
        # The first ledgers of this format noted owners without it: they had seen every document.
        "owner_whole": owner.get("whole", True),
    }


def _halts(kept: dict[str, str]) -> list[dict[str, Any]]:
    halts = []
    for key, value in kept.items():
        kind, _, digest = key.partition(":")
        if kind == "halted":
            halt = json.loads(value)
            members = json.dumps(halt["members"])
            halts.append({"digest": digest, "at": float(halt["at"]), "members": members})
    return halts
