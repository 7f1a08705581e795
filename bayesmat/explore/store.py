"""The append-only record of a campaign, in any database that SQLAlchemy speaks to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Table,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bayesmat._arguments import checked
from bayesmat._repr import Shown
from bayesmat.errors import CampaignError
from bayesmat.explore._schema import (
    CAMPAIGN,
    CARRIED,
    ITEMS,
    METADATA,
    PROPOSALS,
    RESULTS,
    WRITES,
    begin_sqlite,
    forbid_changes,
    set_up_sqlite,
)

__all__ = [
    "CampaignRow",
    "CarriedRow",
    "ItemRow",
    "ProposalRow",
    "ResultRow",
    "Store",
    "Taken",
    "url_of",
]

_FAILURE = ""  # stands where the property of a result stands; properties have names

_NOTHING = "there is no campaign at {url}. Check the path, or make one with Campaign.create."


def url_of(file: Path) -> str:
    """The URL of a file; what means something else in a URL, such as ? and %, is escaped.

    >>> url_of(Path("q?x=1.db"))
    'sqlite:///q%3Fx%3D1.db'
    """
    return URL.create("sqlite", database=str(file)).render_as_string()


def storable(text: str) -> str:
    r"""Text that every database holds: what is no character of UTF-8 is written as its number.

    >>> storable("bad geometry " + chr(0xD83D) + chr(0))
    'bad geometry \\ud83d\\x00'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


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


@dataclass(frozen=True)
class CarriedRow:
    """That the rounds after `after_round` are made with these parts, since when, and why."""

    after_round: int
    prior_digest: str
    parts: dict[str, Any]
    versions: dict[str, str]
    reason: str
    created: datetime


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
        self.url = url = checked(url, str, "the URL of the database, such as 'sqlite:///gap.db',")
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
            event.listen(self._engine, "connect", set_up_sqlite)
            event.listen(self._engine, "begin", begin_sqlite)

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
                METADATA.create_all(connection)
                forbid_changes(connection)
                connection.execute(insert(CAMPAIGN).values(id=1, **vars(row), created=_now()))
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
            there = inspect(connection).has_table(CAMPAIGN.name)
            row = connection.execute(select(CAMPAIGN)).one_or_none() if there else None
        if row is None:
            raise CampaignError(_NOTHING.format(url=self.url))
        return CampaignRow(row.settings, row.start_table, row.prior_digest, row.versions, row.seed)

    def carry_over(
        self, prior_digest: str, parts: dict[str, Any], versions: dict[str, str], reason: str
    ) -> None:
        """Write that the campaign goes on with other parts, after the rounds it has by now."""
        with self._writing() as connection:
            METADATA.create_all(connection)
            forbid_changes(connection)
            connection.execute(
                insert(CARRIED).values(
                    number=_count(connection, CARRIED) + 1,
                    after_round=_count(connection, PROPOSALS),
                    prior_digest=prior_digest,
                    parts=parts,
                    versions=versions,
                    reason=storable(reason),
                    created=_now(),
                )
            )

    def carried(self) -> tuple[CarriedRow, ...]:
        """Every change of parts, the first one first."""
        with self._reading() as connection:
            if not inspect(connection).has_table(CARRIED.name):
                return ()
            rows = connection.execute(select(CARRIED).order_by(CARRIED.c.number)).all()
        return tuple(
            CarriedRow(
                r.after_round, r.prior_digest, r.parts, r.versions, r.reason, _utc(r.created)
            )
            for r in rows
        )

    def propose(self, proposal: ProposalRow, *, carried: int = 0) -> None:
        """Write a proposal, whole or not at all.

        Args:
            proposal: The next round.
            carried: How often the campaign had been carried over when it was designed.

        Raises:
            Taken: The round has a proposal, or one of the materials was proposed before.
            CampaignError: The campaign has been carried over since.
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
            there = inspect(connection).has_table(CARRIED.name)
            if (_count(connection, CARRIED) if there else 0) != carried:
                raise CampaignError(
                    f"the campaign at {self.url} was carried over to other parts while this round "
                    "was designed with the former ones, so it was not stored. Open the campaign "
                    "anew, with the parts that it has now."
                )
            connection.execute(
                insert(PROPOSALS).values(round=proposal.round, trace=proposal.trace, created=_now())
            )
            connection.execute(insert(ITEMS), items)

    def record(self, rows: Sequence[ResultRow]) -> None:
        """Write what was learned about one material, in one transaction.

        Raises:
            Taken: One of the cells was recorded before.
        """
        values = [
            {
                **vars(row),
                "property": row.property or _FAILURE,
                "failure": None if row.failure is None else storable(row.failure),
                "created": _now(),
            }
            for row in rows
        ]
        with self._writing() as connection:
            connection.execute(insert(RESULTS), values)

    def proposals(self) -> tuple[ProposalRow, ...]:
        """All proposals, in the order in which they were made."""
        with self._reading() as connection:
            heads = connection.execute(select(PROPOSALS).order_by(PROPOSALS.c.round)).all()
            order = (ITEMS.c.round, ITEMS.c.position)
            rows = connection.execute(select(ITEMS).order_by(*order)).all()
        items: dict[int, list[ItemRow]] = {}
        for row in rows:
            items.setdefault(row.round, []).append(ItemRow(row.material, row.prediction))
        return tuple(ProposalRow(h.round, h.trace, tuple(items[h.round])) for h in heads)

    def results(self) -> dict[str, tuple[ResultRow, ...]]:
        """What is known about each material; within a material sorted by property."""
        order = (RESULTS.c.material, RESULTS.c.property)
        with self._reading() as connection:
            rows = connection.execute(select(RESULTS).order_by(*order)).all()
        found: dict[str, list[ResultRow]] = {}
        for row in rows:
            name = None if row.property == _FAILURE else row.property
            cell = ResultRow(row.material, name, row.value, row.sd, row.cost_s, row.failure)
            found.setdefault(row.material, []).append(cell)
        return {material: tuple(cells) for material, cells in found.items()}

    def rounds(self) -> int:
        """Number of proposals."""
        with self._reading() as connection:
            return _count(connection, PROPOSALS)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        writer = self._engine.execution_options(**{WRITES: True})
        with self._translated(), writer.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Taken(f"already recorded at {self.url}: {error.orig}") from error
        except UnicodeEncodeError as error:
            raise CampaignError(
                f"{error.object!r} holds what is no character, so that {self.url} cannot store it: "
                "write it without."
            ) from error
        except SQLAlchemyError as error:
            raise CampaignError(
                f"the database {self.url} cannot be used ({error}). Nothing was written; check "
                "that the path exists, that it may be written, and that no other program locks it."
            ) from error

    def _facts(self) -> dict[str, object]:
        return {"url": self.label}


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _now() -> datetime:
    return datetime.now(UTC)


def _utc(stored: datetime) -> datetime:
    """SQLite forgets the time zone, PostgreSQL answers in its own."""
    return stored.astimezone(UTC) if stored.tzinfo else stored.replace(tzinfo=UTC)
