"""Every database keeps the record of a campaign alike.

On PostgreSQL where BAYESMAT_TEST_POSTGRES names a server on which databases may be made, such as
postgresql+psycopg://user@127.0.0.1:5432/postgres.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from bayesmat.errors import CampaignError
from bayesmat.explore.store import Store, Taken
from bayesmat.explore.stored import About, CampaignRow, EventRow, ItemRow, Kind, ProposalRow

ROW = CampaignRow({"goals": []}, {"materials": ["C"]}, "prior 1", {"torch": "2"}, 7)
SERVER = os.environ.get("BAYESMAT_TEST_POSTGRES", "")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.skipif(not SERVER, reason="no server")),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url, name = f"sqlite:///{tmp_path / 'c.db'}", f"bayesmat_{uuid.uuid4().hex[:12]}"
    if request.param == "postgresql":
        url = make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        _serve(f"CREATE DATABASE {name}")
    store = Store(url)
    store.create(ROW)
    yield store
    store.close()
    if request.param == "postgresql":
        _serve(f"DROP DATABASE {name} WITH (FORCE)")


def _serve(command: str) -> None:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(command))
    engine.dispose()


def _proposal(round_: int, *materials: str) -> ProposalRow:
    return ProposalRow(round_, {"rule": "x"}, tuple(ItemRow(m, {"score": 0.1}) for m in materials))


def _told(material: str, value: float) -> EventRow:
    said = {"values": {"gap": value}, "sds": {"gap": 1e-300}}
    return EventRow(Kind.TOLD, material, said, "\u00fc \0", {"material": material})


def _once(new: EventRow) -> Callable[[About], Sequence[EventRow]]:
    def make(about: About) -> Sequence[EventRow]:
        return [] if any(e.kind == Kind.TOLD for e in about.events) else [new]

    return make


def test_facts_are_read_as_they_were_written(store: Store) -> None:
    store.propose(_proposal(1, "CC", "CO"))
    (told,) = store.append("CO", _once(_told("CO", 0.1 + 0.2)))  # needs all 17 digits
    store.carry_over("prior 2", {}, {}, "an upgrade")
    kept = store.read()
    assert store.campaign() == ROW
    assert kept.proposals == (_proposal(1, "CC", "CO"),)
    assert [e.kind for e in kept.events] == [Kind.PROPOSED, Kind.TOLD, Kind.CARRIED_OVER]
    assert kept.events[1] == told
    assert told.payload["values"] == {"gap": 0.1 + 0.2}
    assert told.note == "\u00fc \\x00"
    assert [row.reason for row in kept.carried] == ["an upgrade"]


def test_what_is_taken_is_not_written_again(store: Store) -> None:
    store.propose(_proposal(1, "CC"))
    for other in (_proposal(1, "CN"), _proposal(2, "CN", "CC")):
        with pytest.raises(Taken):
            store.propose(other)
    other = Store(store.url)
    with pytest.raises(CampaignError, match="already holds a campaign"):
        other.create(ROW)
    other.close()
    assert store.read().proposals == (_proposal(1, "CC"),)


def test_nothing_is_changed_or_removed(store: Store) -> None:
    store.propose(_proposal(1, "CC"))
    store.append("CC", _once(_told("CC", 1.0)))
    store.carry_over("prior 2", {}, {}, "an upgrade")
    engine = create_engine(store.url)
    for table in inspect(engine).get_table_names():
        column = inspect(engine).get_columns(table)[0]["name"]
        changes = [f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"]
        changes += [f"TRUNCATE {table} CASCADE"] * (engine.dialect.name == "postgresql")
        for change in changes if table != "sqlite_sequence" else ():
            with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                connection.execute(text(change))
    engine.dispose()
    assert len(store.read().events) == 3


def test_of_several_writers_each_sees_what_the_others_wrote(store: Store) -> None:
    def write() -> None:
        own = Store(store.url)
        for i in range(10):
            own.append(f"C{i}", _once(_told(f"C{i}", 1.0)))
        own.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(e.material or "" for e in store.read().events) == [f"C{i}" for i in range(10)]


def test_a_reader_sees_one_moment(store: Store) -> None:
    """What is written while it reads is not seen in part."""
    store.propose(_proposal(1, "CC"))
    other = Store(store.url)

    def interrupt(*args: Any) -> None:
        if "FROM proposal_items" in args[2] and other.rounds() == 1:
            other.propose(_proposal(2, "CN"))

    event.listen(store._engine, "after_cursor_execute", interrupt)
    assert [e.payload for e in store.read().events] == [{"round": 1}]
    assert len(store.read().events) == 2
    other.close()
