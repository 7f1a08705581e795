"""The append-only record of a campaign, in any database that SQLAlchemy speaks to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
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
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bayesmat._repr import Shown
from bayesmat.errors import CampaignError

__all__ = ["CampaignRow", "ItemRow", "ProposalRow", "ResultRow", "Store", "Taken"]

_BUSY_MS = 30_000
_WRITES = "bayesmat_writes"
_FAILURE = ""  # stands where the property of a result stands; properties have names

_NOTHING = "there is no campaign at {url}. Check the path, or make one with Campaign.create."

_metadata = MetaData()

_campaign = Table(
    "campaign",
    _metadata,
    # One campaign per database: a second one cannot be written.
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("start_table", JSON, nullable=False),
    Column("prior_digest", String(200), nullable=False),
    Column("versions", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
_proposals = Table(
    "proposals",
    _metadata,
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("trace", JSON, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
_items = Table(
    "proposal_items",
    _metadata,
    Column("round", Integer, ForeignKey("proposals.round"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("material", Text, nullable=False, unique=True),
    Column("prediction", JSON, nullable=False),
)
_results = Table(
    "results",
    _metadata,
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


class Taken(CampaignError):
    """Somebody else wrote this fact first; it stands, and the new one was not written."""


@dataclass(frozen=True)
class CampaignRow:
    """How the campaign was created: JSON-able settings, start table, versions; digest; seed."""

    settings: dict[str, Any]
    start_table: dict[str, Any]
    prior_digest: str
    versions: dict[str, str]
    seed: int


@dataclass(frozen=True)
class ItemRow:
    """One proposed material with the prediction that was made for it."""

    material: str
    prediction: dict[str, Any]


@dataclass(frozen=True)
class ProposalRow:
    """One round's proposal: its materials in the order of the rule, and how it came about."""

    round: int
    trace: dict[str, Any]
    items: tuple[ItemRow, ...]


@dataclass(frozen=True)
class ResultRow:
    """One measured cell, or (with `failure`, and no property) the reason why there is none."""

    material: str
    property: str | None
    value: float | None = None
    sd: float | None = None
    cost_s: float | None = None
    failure: str | None = None


class Store(Shown):
    """Facts are added, each in a transaction of its own, and never changed or removed.

    UPDATE and DELETE are refused by the database itself (triggers on SQLite and PostgreSQL). On
    SQLite writes are logged ahead (WAL), so that readers never wait, and a second writer waits up
    to 30 s for the first.

    Args:
        url: A SQLAlchemy URL: `"sqlite:///gap.db"`, `"postgresql+psycopg://..."`.

    Raises:
        CampaignError: The URL is wrong, or the database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            parsed = make_url(url)
            sqlite = parsed.get_backend_name() == "sqlite"
            named = sqlite and parsed.database not in (None, "", ":memory:")
            self._file = Path(str(parsed.database)) if named else None
            # Connections to a file are cheap, and threads and processes must not share them.
            self._engine = create_engine(parsed, poolclass=NullPool if named else None)
        except (ArgumentError, ImportError) as error:
            raise CampaignError(
                f"{url!r} is no usable database: {error}. Write 'sqlite:///file.db', or install "
                "the driver that the URL names."
            ) from error
        if sqlite:
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    @property
    def label(self) -> str:
        """The URL without its password."""
        return make_url(self.url).render_as_string(hide_password=True)

    def create(self, row: CampaignRow) -> None:
        """Make the tables and write the campaign.

        Raises:
            CampaignError: The database already holds a campaign.
        """
        try:
            with self._writing() as connection:
                _metadata.create_all(connection)
                _forbid_changes(connection)
                connection.execute(insert(_campaign).values(id=1, **vars(row), created=_now()))
        except Taken as error:
            raise CampaignError(
                f"{self.url} already holds a campaign, and one database holds one. Open it with "
                "Campaign.open, or choose another file."
            ) from error

    def campaign(self) -> CampaignRow:
        """Read how the campaign was created.

        Raises:
            CampaignError: There is none at this URL.
        """
        if self._file is not None and not self._file.exists():
            raise CampaignError(_NOTHING.format(url=self.url))  # or SQLite would make the file
        with self._reading() as connection:
            there = inspect(connection).has_table(_campaign.name)
            row = connection.execute(select(_campaign)).one_or_none() if there else None
        if row is None:
            raise CampaignError(_NOTHING.format(url=self.url))
        return CampaignRow(row.settings, row.start_table, row.prior_digest, row.versions, row.seed)

    def propose(self, proposal: ProposalRow) -> None:
        """Write a proposal, whole or not at all.

        Raises:
            Taken: The round has a proposal, or one of the materials was proposed before.
        """
        items = [
            {
                "round": proposal.round,
                "position": position,
                "material": item.material,
                "prediction": item.prediction,
            }
            for position, item in enumerate(proposal.items)
        ]
        with self._writing() as connection:
            connection.execute(
                insert(_proposals).values(
                    round=proposal.round, trace=proposal.trace, created=_now()
                )
            )
            connection.execute(insert(_items), items)

    def record(self, rows: Sequence[ResultRow]) -> None:
        """Write what was learned about one material, in one transaction.

        Raises:
            Taken: One of the cells was recorded before.
        """
        values = [
            {**vars(row), "property": row.property or _FAILURE, "created": _now()} for row in rows
        ]
        with self._writing() as connection:
            connection.execute(insert(_results), values)

    def proposals(self) -> tuple[ProposalRow, ...]:
        """All proposals, in the order in which they were made."""
        with self._reading() as connection:
            heads = connection.execute(select(_proposals).order_by(_proposals.c.round)).all()
            order = (_items.c.round, _items.c.position)
            rows = connection.execute(select(_items).order_by(*order)).all()
        items: dict[int, list[ItemRow]] = {}
        for row in rows:
            items.setdefault(row.round, []).append(ItemRow(row.material, row.prediction))
        return tuple(ProposalRow(h.round, h.trace, tuple(items[h.round])) for h in heads)

    def results(self) -> dict[str, tuple[ResultRow, ...]]:
        """What is known about each material; within a material sorted by property."""
        order = (_results.c.material, _results.c.property)
        with self._reading() as connection:
            rows = connection.execute(select(_results).order_by(*order)).all()
        found: dict[str, list[ResultRow]] = {}
        for row in rows:
            name = None if row.property == _FAILURE else row.property
            cell = ResultRow(row.material, name, row.value, row.sd, row.cost_s, row.failure)
            found.setdefault(row.material, []).append(cell)
        return {material: tuple(cells) for material, cells in found.items()}

    def rounds(self) -> int:
        """Number of proposals."""
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(_proposals)).scalar_one()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        writer = self._engine.execution_options(**{_WRITES: True})
        with self._translated(), writer.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Taken(f"already recorded at {self.url}: {error.orig}") from error
        except SQLAlchemyError as error:
            raise CampaignError(
                f"the database {self.url} cannot be used ({error}). Nothing was written; check "
                "that the path exists, that it may be written, and that no other program locks it."
            ) from error

    def _facts(self) -> dict[str, object]:
        return {"url": self.label}


def _now() -> datetime:
    return datetime.now(UTC)


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_MS}", "journal_mode = WAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its turn at once: one that has read first fails if another one wrote since.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_POSTGRES_REFUSAL = """
CREATE OR REPLACE FUNCTION bayesmat_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'the record of a campaign is append-only'; END;
$$ LANGUAGE plpgsql
"""


def _forbid_changes(connection: Connection) -> None:
    """Let the database refuse UPDATE and DELETE."""
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execute(text(_POSTGRES_REFUSAL))
    for table in _metadata.sorted_tables:
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
