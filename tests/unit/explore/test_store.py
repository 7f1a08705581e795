import sqlite3

import pytest
from sqlalchemy import create_engine, inspect

from bayesmat.errors import CampaignError
from bayesmat.explore.store import CampaignRow, ItemRow, ProposalRow, ResultRow, Store, Taken

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


def test_facts_are_read_as_they_were_written(store):
    store.propose(proposal(1, "CC", "CO"))
    store.propose(proposal(2, "CN"))
    value = 0.1 + 0.2  # needs all 17 digits
    store.record([ResultRow("CO", "gap", value, 1e-300, 3.5), ResultRow("CO", "dipole", -1.0)])
    store.record([ResultRow("CC", None, cost_s=1.0, failure="SCF not converged")])
    assert store.campaign() == ROW
    assert store.proposals() == (proposal(1, "CC", "CO"), proposal(2, "CN"))
    assert store.rounds() == 2
    assert store.results() == {
        "CC": (ResultRow("CC", None, None, None, 1.0, "SCF not converged"),),
        "CO": (ResultRow("CO", "dipole", -1.0), ResultRow("CO", "gap", value, 1e-300, 3.5)),
    }


@pytest.mark.parametrize("table", ["campaign", "proposals", "proposal_items", "results"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_refuses_changes(store, path, table, change):
    store.propose(proposal(1, "CC"))
    store.record([ResultRow("CC", "gap", 1.0)])
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
    assert store.proposals() == (proposal(1, "CC", "CO"),)
    assert store.rounds() == 1


def test_a_measurement_is_written_whole_or_not_at_all(store):
    store.propose(proposal(1, "CC"))
    store.record([ResultRow("CC", "gap", 1.0)])
    with pytest.raises(Taken):
        store.record([ResultRow("CC", "dipole", 2.0), ResultRow("CC", "gap", 3.0)])
    assert store.results() == {"CC": (ResultRow("CC", "gap", 1.0),)}


def test_a_result_needs_a_proposal_and_either_a_value_or_a_reason(store):
    store.propose(proposal(1, "CC"))
    for wrong in (ResultRow("CN", "gap", 1.0), ResultRow("CC", "gap"),
                  ResultRow("CC", "gap", 1.0, failure="lost")):  # fmt: skip
        with pytest.raises(CampaignError):
            store.record([wrong])
    assert store.results() == {}


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
    with pytest.raises(CampaignError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path / 'text.db'}").campaign()
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(CampaignError, match="no campaign at"):
        Store(empty).campaign()


UNWRITABLE = "bad \ud83d\udcff\0 geometry \u00e9"
WRITTEN = "bad \\ud83d\\udcff\\x00 geometry \u00e9"


def test_text_that_no_file_can_hold_is_written_out(store):
    store.propose(proposal(1, "CC"))
    store.record([ResultRow("CC", None, failure=UNWRITABLE)])
    store.carry_over("prior 2", {}, {}, UNWRITABLE)
    assert store.results()["CC"][0].failure == WRITTEN
    assert store.carried()[0].reason == WRITTEN


def test_a_material_that_no_file_can_hold_is_an_error_of_ours(store):
    with pytest.raises(CampaignError, match="holds what is no character"):
        store.propose(proposal(1, "C\ud83d"))
