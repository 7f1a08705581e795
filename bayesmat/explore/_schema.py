"""The tables of a campaign's record, and what makes them append-only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

WRITES = "bayesmat_writes"
_BUSY_MS = 30_000

METADATA = MetaData()

CAMPAIGN = Table(
    "campaign",
    METADATA,
    # One campaign per database: a second one cannot be written.
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("start_table", JSON, nullable=False),
    Column("prior_digest", String(200), nullable=False),
    Column("versions", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("trace", JSON, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
ITEMS = Table(
    "proposal_items",
    METADATA,
    Column("round", Integer, ForeignKey("proposals.round"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("material", Text, nullable=False, unique=True),
    Column("prediction", JSON, nullable=False),
)
RESULTS = Table(
    "results",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("material", Text, ForeignKey("proposal_items.material"), nullable=False),
    Column("property", Text, nullable=False),
    Column("value", Float(53)),
    Column("sd", Float(53)),
    Column("cost_s", Float(53)),
    Column("failure", Text),
    Column("created", DateTime(timezone=True), nullable=False),
    UniqueConstraint("material", "property"),
    CheckConstraint("(value IS NULL) <> (failure IS NULL)"),
)

# Stores of earlier versions lack this table until something is carried over.
CARRIED = Table(
    "carried_over",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("after_round", Integer, nullable=False),
    Column("prior_digest", String(200), nullable=False),
    Column("parts", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)


def set_up_sqlite(connection: Any, _: object) -> None:
    """Write ahead, wait for other writers, keep foreign keys."""
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_MS}", "journal_mode = WAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at once: one that has read first fails if another wrote since."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_POSTGRES_REFUSAL = """
CREATE OR REPLACE FUNCTION bayesmat_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'the record of a campaign is append-only'; END;
$$ LANGUAGE plpgsql
"""


def forbid_changes(connection: Connection) -> None:
    """Let the database refuse UPDATE and DELETE."""
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execute(text(_POSTGRES_REFUSAL))
    for table in METADATA.sorted_tables:
        for action in ("UPDATE", "DELETE"):
            name = f"{table.name}_no_{action.lower()}"
            if backend == "sqlite":
                connection.execute(
                    text(
                        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table.name} "
                        "BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END"
                    )
                )
            elif backend == "postgresql":
                connection.execute(
                    text(
                        f"CREATE OR REPLACE TRIGGER {name} BEFORE {action} ON {table.name} "
                        "FOR EACH STATEMENT EXECUTE FUNCTION bayesmat_append_only()"
                    )
                )
