import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, inspect

from bayesmat.errors import CampaignError
from bayesmat.explore.store import Store, Taken
from bayesmat.explore.stored import CampaignRow, EventRow, ItemRow, Kind, ProposalRow

ROW = CampaignRow({"goals": []}, {"materials": ["C"]}, "prior 1", {"torch": "2"}, 7)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    store = Store(f"sqlite:///{path}")
    store.create(ROW)
    yield store
    store.close()


def proposal(round_, *materials):
    return ProposalRow(round_, {"rule": "x"}, tuple(ItemRow(m, {"score": 0.1}) for m in materials))


def told(material, **values):
    return EventRow(Kind.TOLD, material, {"values": values, "sds": {}})


def add(store, *events):
    return store.append(events[0].material, lambda about: events)


def test_facts_are_read_as_they_were_written(store):
    store.propose(proposal(1, "CC", "CO"))
    store.propose(proposal(2, "CN"))
    value = 0.1 + 0.2  # needs all 17 digits
    said = {"values": {"gap": value}, "sds": {"gap": 1e-300}, "cost_s": 3.5}
    row = {"material": "CO", "conditions": {"T": 300.0}}
    before = datetime.now(UTC)
    (first,) = add(store, EventRow(Kind.TOLD, "CO", said, "dried", row))
    add(store, EventRow(Kind.FAILED, "CC", {}, "SCF not converged"))
    assert store.campaign() == ROW
    kept = store.read()
    assert kept.proposals == (proposal(1, "CC", "CO"), proposal(2, "CN"))
    assert store.rounds() == 2
    assert [(e.number, e.kind, e.material) for e in kept.events] == [
        (1, "proposed", None), (2, "proposed", None), (3, "told", "CO"), (4, "failed", "CC"),
    ]  # fmt: skip
    assert kept.events[2] == first
    assert (first.payload, first.note, first.row) == (said, "dried", row)
    assert before <= first.created <= datetime.now(UTC)
    about = store.about("CO")
    assert (about.item, about.events) == (ItemRow("CO", {"score": 0.1}), (kept.events[0], first))


def test_any_past_moment_can_be_read(store):
    store.propose(proposal(1, "CC"))
    (told_,) = add(store, told("CC", gap=1.0))
    store.propose(proposal(2, "CN"))
    store.carry_over("prior 2", {}, {}, "why")
    kept = store.read()
    assert kept.until(None) == kept
    for at in (2, told_.created):
        assert kept.until(at).proposals == (proposal(1, "CC"),)
        assert kept.until(at).events == kept.events[:2]
        assert kept.until(at).carried == ()
    assert kept.until(told_.created.replace(tzinfo=None)) == kept.until(2)  # UTC
    assert kept.until(0).proposals == ()
    assert kept.until(4) == kept


@pytest.mark.parametrize(
    "table", ["campaign", "proposals", "proposal_items", "events", "schema_version"]
)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_refuses_changes(store, path, table, change):
    store.propose(proposal(1, "CC"))
    add(store, told("CC", gap=1.0))
    column = inspect(create_engine(store.url)).get_columns(table)[0]["name"]
    with sqlite3.connect(path) as connection:
        before = connection.execute(f"SELECT * FROM {table}").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change.format(table, column, column))
        assert connection.execute(f"SELECT * FROM {table}").fetchall() == before != []
    connection.close()


def test_a_proposal_is_written_whole_or_not_at_all(store):
    store.propose(proposal(1, "CC", "CO"))
    with pytest.raises(Taken):
        store.propose(proposal(1, "CN"))  # the round is taken
    with pytest.raises(Taken):
        store.propose(proposal(2, "CN", "CC"))  # a material is taken
    assert store.read().proposals == (proposal(1, "CC", "CO"),)
    assert [e.kind for e in store.read().events] == ["proposed"]
    assert store.rounds() == 1


def test_events_are_written_all_or_none(store):
    def make(about):
        yield told("CC", gap=1.0)
        raise CampaignError("no more")

    with pytest.raises(CampaignError, match="no more"):
        store.append("CC", make)
    assert store.read().events == ()


def test_who_writes_has_seen_what_the_others_wrote(store):
    def once(about):
        return [] if about.events else [told("CC", gap=1.0)]

    assert len(store.append("CC", once)) == 1
    assert store.append("CC", once) == ()
    assert len(store.read().events) == 1


def test_there_must_be_a_campaign_to_write_to(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(CampaignError, match="no campaign at"):
        add(store, told("CC", gap=1.0))


def test_one_campaign_per_database(store):
    with pytest.raises(CampaignError, match="already holds a campaign"):
        Store(store.url).create(ROW)


def test_readers_do_not_wait_for_a_writer(store, path):
    store.propose(proposal(1, "CC"))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.rounds() == 1
    writer.execute("ROLLBACK")
    writer.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_databases_that_cannot_be_used_say_so(tmp_path):
    with pytest.raises(CampaignError, match=r"'gap\.db' is no usable database.*sqlite:///"):
        Store("gap.db")
    with pytest.raises(CampaignError, match="no usable database"):
        Store("sqlitee:///gap.db")
    with pytest.raises(CampaignError, match="check that the path exists"):
        Store(f"sqlite:///{tmp_path / 'no' / 'folder.db'}").create(ROW)
    with pytest.raises(CampaignError, match="no campaign at"):
        Store(f"sqlite:///{tmp_path / 'none.db'}").campaign()
    (tmp_path / "text.db").write_text("this is no database, only a text of some length " * 50)
    with pytest.raises(CampaignError, match=r"is no database, or a damaged one .file is not"):
        Store(f"sqlite:///{tmp_path / 'text.db'}").campaign()
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(CampaignError, match="no campaign at"):
        Store(empty).campaign()


UNWRITABLE = "bad \ud83d\udcff\0 geometry \u00e9"
WRITTEN = "bad \\ud83d\\udcff\\x00 geometry \u00e9"


def test_text_that_no_file_can_hold_is_written_out(store):
    store.propose(proposal(1, "CC"))
    add(store, EventRow(Kind.FAILED, "CC", {}, UNWRITABLE))
    store.carry_over("prior 2", {}, {}, UNWRITABLE)
    assert [e.note for e in store.read().events[1:]] == [WRITTEN, WRITTEN]
    assert store.carried()[0].reason == WRITTEN


def test_a_material_that_no_file_can_hold_is_an_error_of_ours(store):
    with pytest.raises(CampaignError, match="holds what is no character"):
        store.propose(proposal(1, "C\ud83d"))


def test_what_may_only_be_read_is_read(store, path, monkeypatch):
    """In a folder that may not be written SQLite cannot make the files beside, which it needs."""
    add(store, told("CC", gap=1.0))
    store.close()
    monkeypatch.setattr("bayesmat.explore._schema.os.access", lambda path, mode: False)
    again = Store(store.url)
    assert again.campaign().seed == ROW.seed
    assert [event.material for event in again.read().events] == ["CC"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with pytest.raises(CampaignError, match=r"may only be read.*copy it .* to a folder that may"):
        add(again, told("CCC", gap=1.0))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_log_of_writes_is_not_passed_over_where_nothing_may_be_written(store, path, monkeypatch):
    kept = sqlite3.connect(path)  # the last to leave merges the log
    kept.execute("SELECT * FROM events").fetchall()
    add(store, told("CC", gap=1.0))
    monkeypatch.setattr("bayesmat.explore._schema.os.access", lambda path, mode: False)
    assert [event.material for event in Store(store.url).read().events] == ["CC"]
    kept.close()
