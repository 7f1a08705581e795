"""The append-only record of a campaign, in any database that SQLAlchemy speaks to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Table,
    create_engine,
    event,
    false,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    IntegrityError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from bayesmat._arguments import checked
from bayesmat._repr import Shown
from bayesmat.errors import CampaignError
from bayesmat.explore._schema import (
    CAMPAIGN,
    CARRIED,
    EVENTS,
    ITEMS,
    PROPOSALS,
    VERSION,
    WRITES,
    begin_sqlite,
    check_version,
    former_events,
    make_tables,
    open_frozen,
    set_up_sqlite,
    upgrade,
    utc,
    written,
)  # fmt: skip
from bayesmat.explore.stored import (
    About,
    CampaignRow,
    CarriedRow,
    EventRow,
    ItemRow,
    Kept,
    Kind,
    ProposalRow,
)

__all__ = ["Store", "Taken", "storable", "url_of"]

_LOCK = f"LOCK TABLE {EVENTS.name} IN SHARE ROW EXCLUSIVE MODE"  # one writer, as on SQLite
_NOTHING = "there is no campaign at {url}. Check the path, or make one with Campaign.create."


def url_of(file: Path) -> str:
    """The URL of a file; what means something else in a URL, such as ? and %, is escaped.

    >>> url_of(Path("q?x=1.db"))
    'sqlite:///q%3Fx%3D1.db'
    """
    return URL.create("sqlite", database=str(file)).render_as_string()


def storable(words: str) -> str:
    r"""Text that every database holds: what is no character of UTF-8 is written as its number.

    >>> storable("bad geometry " + chr(0xD83D) + chr(0))
    'bad geometry \\ud83d\\x00'
    """
    return words.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


class Taken(CampaignError):
    """Somebody else wrote this fact first; it stands, and the new one was not written."""


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
        moment = {"isolation_level": "REPEATABLE READ"}  # as SQLite reads without being asked
        is_server = parsed.get_backend_name() == "postgresql"
        self._reader = self._engine.execution_options(**moment) if is_server else self._engine
        if named:
            event.listen(self._engine, "do_connect", open_frozen)
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
                if check_version(connection, self.url):
                    raise Taken("another campaign")
                make_tables(connection, _now())
                connection.execute(insert(CAMPAIGN).values(id=1, **vars(row), created=_now()))
        except Taken as error:
            raise CampaignError(
                f"{self.url} already holds a campaign, and one database holds one. Open it with "
                "Campaign.open, or choose another file."
            ) from error

    def campaign(self) -> CampaignRow:
        """Read how the campaign was created.

        Raises:
            CampaignError: There is none at this URL, or a newer bayesmat wrote it.
        """
        if self._file is not None and not self._file.exists():
            raise CampaignError(_NOTHING.format(url=self.url))  # or SQLite would make the file
        with self._reading() as connection:
            there = check_version(connection, self.url)
            row = connection.execute(select(CAMPAIGN)).one_or_none() if there else None
        if row is None:
            raise CampaignError(_NOTHING.format(url=self.url))
        return CampaignRow(row.settings, row.start_table, row.prior_digest, row.versions, row.seed)

    def carry_over(
        self, prior_digest: str, parts: dict[str, Any], versions: dict[str, str], reason: str
    ) -> None:
        """Write that the campaign goes on with other parts, after the rounds it has by now."""
        with self._adding() as connection:
            number = _count(connection, CARRIED) + 1
            connection.execute(
                insert(CARRIED).values(
                    number=number,
                    after_round=_count(connection, PROPOSALS),
                    prior_digest=prior_digest,
                    parts=parts,
                    versions=versions,
                    reason=storable(reason),
                    created=_now(),
                )
            )
            _add(connection, EventRow(Kind.CARRIED_OVER, None, {"number": number}, reason))

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
        with self._adding() as connection:
            if _count(connection, CARRIED) != carried:
                raise CampaignError(
                    f"the campaign at {self.url} was carried over to other parts while this round "
                    "was designed with the former ones, so it was not stored. Open the campaign "
                    "anew, with the parts that it has now."
                )
            connection.execute(
                insert(PROPOSALS).values(round=proposal.round, trace=proposal.trace, created=_now())
            )
            connection.execute(insert(ITEMS), items)
            _add(connection, EventRow(Kind.PROPOSED, None, {"round": proposal.round}))

    def append(
        self, material: str | None, make: Callable[[About], Sequence[EventRow]]
    ) -> tuple[EventRow, ...]:
        """Add events about one material, all or none, after what is stored about it was looked at.

        Nobody else writes between the look and the writing.

        Args:
            material: Its key; None for events about the campaign.
            make: Says which events follow from what is stored; what it raises stops the writing.

        Returns:
            The events as they are stored.
        """
        with self._adding() as connection:
            return tuple(_add(connection, e) for e in make(_about(connection, material)))

    def append_all(
        self, make: Callable[[Callable[[str], About]], Sequence[EventRow]]
    ) -> tuple[EventRow, ...]:
        """As `append`, about any number of materials in one transaction; `make` looks each up."""
        with self._adding() as connection:
            events = make(lambda material: _about(connection, material))
            return tuple(_add(connection, event) for event in events)

    def about(self, material: str) -> About:
        """All that is stored about one material."""
        with self._reading() as connection:
            if check_version(connection, self.url) == VERSION:
                return _about(connection, material)
            return _about(connection, material, _numbered(former_events(connection)))

    def read(self) -> Kept:
        """Everything since the campaign was created, as it is at one moment."""
        with self._reading() as connection:
            version = check_version(connection, self.url)
            heads = connection.execute(select(PROPOSALS).order_by(PROPOSALS.c.round)).all()
            order = (ITEMS.c.round, ITEMS.c.position)
            rows = connection.execute(select(ITEMS).order_by(*order)).all()
            if version == VERSION:
                found = connection.execute(select(EVENTS).order_by(EVENTS.c.number)).all()
                events = tuple(map(_event, found))
            else:
                events = _numbered(former_events(connection))
            carried = _carried(connection)
        items: dict[int, list[ItemRow]] = {}
        for row in rows:
            items.setdefault(row.round, []).append(ItemRow(row.material, row.prediction))
        proposals = tuple(ProposalRow(h.round, h.trace, tuple(items[h.round])) for h in heads)
        return Kept(proposals, events, carried)

    def carried(self) -> tuple[CarriedRow, ...]:
        """Every change of parts, the first one first."""
        with self._reading() as connection:
            return _carried(connection)

    def rounds(self) -> int:
        """Number of proposals."""
        with self._reading() as connection:
            return _count(connection, PROPOSALS)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        writer = self._engine.execution_options(**{WRITES: True})
        with self._translated(), writer.begin() as connection:
            yield connection

    @contextmanager
    def _adding(self) -> Iterator[Connection]:
        """Write to a campaign that exists, in tables of this version."""
        with self._writing() as connection:
            found = check_version(connection, self.url)
            if not found:
                raise CampaignError(_NOTHING.format(url=self.url))
            if found < VERSION:
                upgrade(connection, _now())
            if connection.dialect.name == "postgresql":
                connection.execute(text(_LOCK))
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
        except (SQLAlchemyError, json.JSONDecodeError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            if type(error) in (DatabaseError, json.JSONDecodeError):
                raise CampaignError(
                    f"{self.url} is no database, or a damaged one ({reason}): a file of another "
                    "kind, or one that was cut off, overwritten, or copied while it was written "
                    "to. Nothing was written. Keep the file and those beside it that end in -wal "
                    "and -shm, and go back to a backup."
                ) from error
            if "readonly database" in str(reason):
                raise CampaignError(
                    f"the database {self.url} may only be read: the file or its folder may not be "
                    "written. Nothing was written; ask whoever owns it, or copy it (and the file "
                    "beside it that ends in -wal) to a folder that may be written."
                ) from error
            raise CampaignError(
                f"the database {self.url} cannot be used ({reason}). Nothing was written; check "
                "that the path exists, that it may be written, that the disk is not full, and that "
                "no other program locks it."
            ) from error

    def _facts(self) -> dict[str, object]:
        return {"url": self.label}


def _count(connection: Connection, table: Table) -> int:
    if not inspect(connection).has_table(table.name):  # of version 1, before anything changed
        return 0
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _add(connection: Connection, event: EventRow) -> EventRow:
    note = None if event.note is None else storable(event.note)
    new = replace(event, note=note, created=_now())
    (number,) = connection.execute(insert(EVENTS).values(written(new))).inserted_primary_key or (0,)
    return replace(new, number=int(number))


def _event(row: Any) -> EventRow:
    return EventRow(
        row.kind, row.material, row.payload, row.note, row.row, row.number, utc(row.created)
    )


def _numbered(events: Sequence[EventRow]) -> tuple[EventRow, ...]:
    return tuple(replace(event, number=i) for i, event in enumerate(events, start=1))


def _about(
    connection: Connection, material: str | None, former: Sequence[EventRow] | None = None
) -> About:
    """What is stored about a material; `former` are the events of a record of version 1."""
    row = connection.execute(select(ITEMS).where(ITEMS.c.material == material)).one_or_none()
    asked = None if row is None else {"round": row.round}
    if former is None:
        proposed = false() if row is None else EVENTS.c.kind == Kind.PROPOSED
        chosen = select(EVENTS).where((EVENTS.c.material == material) | proposed)
        former = [_event(e) for e in connection.execute(chosen.order_by(EVENTS.c.number))]
    events = (e for e in former if e.kind != Kind.PROPOSED or e.payload == asked)
    return About(
        None if row is None else ItemRow(row.material, row.prediction),
        tuple(e for e in events if e.kind == Kind.PROPOSED or e.material == material),
    )


def _carried(connection: Connection) -> tuple[CarriedRow, ...]:
    if not inspect(connection).has_table(CARRIED.name):
        return ()
    rows = connection.execute(select(CARRIED).order_by(CARRIED.c.number)).all()
    return tuple(
        CarriedRow(r.after_round, r.prior_digest, r.parts, r.versions, r.reason, utc(r.created))
        for r in rows
    )


def _now() -> datetime:
    return datetime.now(UTC)
