"""The tables of a campaign's record, what makes them append-only, and how old ones are read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
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
    insert,
    inspect,
    select,
    text,
)

from bayesmat._version import versions
from bayesmat.errors import CampaignError
from bayesmat.explore.stored import EventRow, Kind, utc

WRITES = "bayesmat_writes"
_BUSY_MS = 30_000

VERSION = 2  # of the tables: 1 had results in place of events

METADATA = MetaData()
_FORMER = MetaData()

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
EVENTS = Table(
    "events",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("material", Text, index=True),
    Column("payload", JSON, nullable=False),
    Column("note", Text),
    Column("row", JSON(none_as_null=True)),
    Column("created", DateTime(timezone=True), nullable=False),
    sqlite_autoincrement=True,
)
SCHEMA = Table(
    "schema_version",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("bayesmat", String(200), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
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

# Version 1: one row for each measured cell, or (property "", failure) for why there is none.
RESULTS = Table(
    "results",
    _FORMER,
    Column("id", Integer, primary_key=True),
    Column("material", Text, nullable=False),
    Column("property", Text, nullable=False),
    Column("value", Float(53)),
    Column("sd", Float(53)),
    Column("cost_s", Float(53)),
    Column("failure", Text),
    Column("created", DateTime(timezone=True), nullable=False),
)
_RETIRED = "results_of_version_1"
_LEFT_OUT = "left out: "
_AT_ONCE = timedelta(seconds=1)  # cells that version 1 wrote in one transaction lie closer


def open_frozen(_: object, __: object, args: list[Any], options: dict[str, Any]) -> Any:
    """Connect to a file in a folder that may not be written, where SQLite cannot make side files.

    Nothing is asked for elsewhere, nor where a log of writes holds what the file lacks.
    """
    file = Path(args[0])
    log = file.with_name(file.name + "-wal")
    if (
        not file.exists()
        or os.access(file.parent, os.W_OK)
        or (log.exists() and log.stat().st_size)
    ):
        return None
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, **options)


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


_REFUSED = {
    "sqlite": ("UPDATE", "DELETE"),
    "postgresql": ("UPDATE", "DELETE", "TRUNCATE"),
}


def forbid_changes(connection: Connection) -> None:
    """Let the database refuse UPDATE and DELETE, and TRUNCATE where there is such a thing."""
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execute(text(_POSTGRES_REFUSAL))
    for table in METADATA.sorted_tables:
        for action in _REFUSED.get(backend, ()):
            name = f"{table.name}_no_{action.lower()}"
            if backend == "sqlite":
                connection.execute(
                    text(
                        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table.name} "
                        "BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END"
                    )
                )
            else:
                connection.execute(
                    text(
                        f"CREATE OR REPLACE TRIGGER {name} BEFORE {action} ON {table.name} "
                        "FOR EACH STATEMENT EXECUTE FUNCTION bayesmat_append_only()"
                    )
                )


def version_of(connection: Connection) -> int:
    """The version of the tables that hold a campaign; 0 if there is none."""
    tables = inspect(connection)
    if tables.has_table(SCHEMA.name):
        return max(connection.execute(select(SCHEMA.c.version)).scalars(), default=0)
    return 1 if tables.has_table(CAMPAIGN.name) else 0


def check_version(connection: Connection, url: str) -> int:
    """The version of a campaign's tables, if this bayesmat can read them.

    Raises:
        CampaignError: A newer bayesmat wrote them.
    """
    found = version_of(connection)
    if found > VERSION:
        last = select(SCHEMA.c.bayesmat).order_by(SCHEMA.c.version.desc()).limit(1)
        raise CampaignError(
            f"the campaign at {url} is kept in tables of version {found} (bayesmat "
            f"{connection.execute(last).scalar_one()}), this bayesmat "
            f"({versions()['bayesmat']}) reads up to version {VERSION}. Nothing was changed: "
            "install the newer bayesmat to open it."
        )
    return found


def make_tables(connection: Connection, now: datetime) -> None:
    """Make the tables of a campaign, and say which version they are."""
    METADATA.create_all(connection)
    written = {"version": VERSION, "bayesmat": versions()["bayesmat"], "created": now}
    if not connection.execute(select(SCHEMA.c.version).where(SCHEMA.c.version == VERSION)).all():
        connection.execute(insert(SCHEMA).values(written))
    forbid_changes(connection)


def upgrade(connection: Connection, now: datetime) -> None:
    """Turn a record of version 1 into one of this version; what it held stays beside it."""
    events = former_events(connection)
    make_tables(connection, now)
    for event in events:
        connection.execute(insert(EVENTS).values(written(event)))
    connection.execute(text(f"ALTER TABLE {RESULTS.name} RENAME TO {_RETIRED}"))


def written(event: EventRow) -> dict[str, Any]:
    """An event as it is inserted; the database gives the number."""
    return {name: value for name, value in vars(event).items() if name != "number"}


def former_events(connection: Connection) -> tuple[EventRow, ...]:
    """What a record of version 1 holds, as events in the order of writing."""
    proposals = connection.execute(select(PROPOSALS.c.round, PROPOSALS.c.created)).all()
    found = [EventRow(Kind.PROPOSED, payload={"round": r}, created=utc(at)) for r, at in proposals]
    if inspect(connection).has_table(CARRIED.name):
        carried = connection.execute(select(CARRIED)).all()
        found += [
            EventRow(Kind.CARRIED_OVER, payload={"number": c.number}, note=c.reason,
                     created=utc(c.created)) for c in carried
        ]  # fmt: skip
    found += _former_results(connection.execute(select(RESULTS).order_by(RESULTS.c.id)).all())
    return tuple(sorted(found, key=lambda event: event.created))


def _former_results(rows: Sequence[Any]) -> Iterator[EventRow]:
    told: set[str] = set()
    for _, together in groupby(rows, key=_Together()):
        cells = list(together)
        material, created = cells[0].material, utc(cells[0].created)
        values = {r.property: r.value for r in cells if r.failure is None}
        sds = {r.property: r.sd for r in cells if r.sd is not None}
        costs = [r.cost_s for r in cells if r.cost_s is not None]
        cost = {"cost_s": max(costs)} if costs else {}
        failure = next((r.failure for r in cells if r.failure is not None), None)
        left_out = (failure or "").removeprefix(_LEFT_OUT)
        if values:
            said = {"values": values, "sds": sds, **cost}
            said |= {"left_out": left_out} if left_out else {}
            yield EventRow(Kind.TOLD, material, said, created=created)
            told.add(material)
        elif failure is not None:
            # A value stood beside a failure that was recorded after it.
            kind = Kind.NOTED if material in told else Kind.FAILED
            yield EventRow(kind, material, cost, failure, created=created)


class _Together:
    """Numbers rows: those that were written of one material at once have one number."""

    def __init__(self) -> None:
        self._number = 0
        self._last: Any = None

    def __call__(self, row: Any) -> int:
        last, self._last = self._last, row
        together = (
            last is not None
            and last.material == row.material
            and row.created - last.created <= _AT_ONCE
            and not _failed(last)
            and not _failed(row)
        )
        self._number += not together
        return self._number


def _failed(row: Any) -> bool:
    return row.failure is not None and not row.failure.startswith(_LEFT_OUT)
