"""The cluster's tables, beside those of the ledger in its schema.

They are no part of the ledger: no copy and no backup carries them, and what they hold is found
anew. All times are those of the database's clock. No server's key is ever kept in them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

# Counted up whenever a table changes its form.
FORMAT = 3

METADATA = MetaData()
TEXT = Text(collation="C")


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True))


# One row: of which form the tables are, and the generation of the ledger that the processes at
# work share (`kbsync.cluster.shared_tenure`).
CLUSTER = Table(
    "cluster",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="ck_cluster_one_row"),
)

# A range of the paths of a mirror, from `first` on, up to `end`; NULL: to the last. The shards of
# a mirror have every path once: a row is only ever cut in two, or joined with its neighbour.
SHARD = Table(
    "shard",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("mirror", TEXT, nullable=False),
    Column("first", TEXT, nullable=False),
    Column("end", TEXT),
    # The lease: who has it, the number of this taking, and until when. `began_at`: the job.
    Column("holder", Text),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    _moment("until"),
    _moment("began_at"),
    # Since when no process has it: what was written for it is older.
    _moment("rested_at"),
    # Since when it has to be compared; how often it was marked: a mark during a job is seen.
    _moment("dirty_since"),
    Column("marks", BigInteger, nullable=False, server_default="0"),
    # Since when something is marked that no job has looked at yet, done or not.
    _moment("unseen_since"),
    Column("urgent", Boolean, nullable=False, server_default="false"),
    _moment("not_before"),
    # What the guard held back in the last job, and what of it a person has agreed to since; both as
    # JSON (`kbsync.cluster.held_back`).
    Column("held", Text),
    Column("released", Text),
    # What the last job found: as of when, how many files, and how many seconds it took.
    _moment("compared_at"),
    Column("files", BigInteger),
    Column("seconds", Double),
    UniqueConstraint("mirror", "first", name="uq_shard_mirror_first"),
    CheckConstraint('"end" > first', name="ck_shard_not_empty"),
)
Index("ix_shard_dirty", SHARD.c.dirty_since, postgresql_where=SHARD.c.dirty_since.is_not(None))

# Writes that a server takes, for one key. `granted`: how many the last process got.
BUDGET = Table(
    "budget",
    METADATA,
    Column("server", Text, primary_key=True),
    Column("key_digest", Text, primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("refilled_at", DateTime(timezone=True), nullable=False),
    Column("granted", BigInteger, nullable=False, server_default="0"),
    _moment("paused_until"),
)

# One end of what may be a rename from one shard to another (`kbsync.cluster.across`).
SIGHTING = Table(
    "sighting",
    METADATA,
    Column("mirror", TEXT, primary_key=True),
    Column("path", TEXT, primary_key=True),
    Column("end", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("content", Text, nullable=False),
)
Index("ix_sighting_size", SIGHTING.c.mirror, SIGHTING.c.end, SIGHTING.c.size)

# What a shard was allowed and has not done yet, as the guard counts it.
ALLOWANCE = Table(
    "allowance",
    METADATA,
    Column("mirror", TEXT, primary_key=True),
    Column("path", TEXT, primary_key=True),
    Column("risk", Text, nullable=False),
    Column("shard", BigInteger, nullable=False),
)
Index("ix_allowance_shard", ALLOWANCE.c.shard)

# The processes at work.
MEMBER = Table(
    "member",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
