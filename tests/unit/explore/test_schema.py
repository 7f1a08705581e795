"""Stores of other versions: read as they were, continued, or refused in words."""

import os
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from bayesmat.errors import CampaignError
from bayesmat.explore._schema import VERSION
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.store import Store
from tests.unit.explore.fake import POOL, FakeOracle, FakePrior, FakeRule, create, truth

# Written by version 1 of the tables: told, failed, told in meV, pending; carried over; an answer of
# an oracle of which something was left out, pending.
VERSION_1 = Path(__file__).parents[2] / "data" / "campaign_v1.sql"
ROWS = ["m125", "m177", "m175", "m127", "m163", "m162"]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "v1.db"


@pytest.fixture
def url(file):
    with sqlite3.connect(file) as connection:
        connection.executescript(VERSION_1.read_text("utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return f"sqlite:///{file}"


def opened(url):
    return Campaign.open(
        url, prior=FakePrior("2"), oracle=FakeOracle(), candidates=POOL, rule=FakeRule()
    )


def tables(file):
    connection = sqlite3.connect(file)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    return names


def test_a_store_of_version_1_is_read_as_it_was_and_left_as_it_is(url, file):
    campaign = opened(url)
    frame = campaign.history()
    assert frame.material.tolist() == ROWS
    states = ["told", "failed", "told", "pending", "told", "pending"]
    assert frame.state.tolist() == states
    assert frame["model"].tolist() == [1, 1, 1, 1, 2, 2]
    assert frame["gap"].dropna().tolist() == pytest.approx(
        [truth("m125"), truth("m175"), truth("m163")], rel=1e-15
    )
    assert frame["gap_sd"].dropna().tolist() == [0.1]
    assert frame["cost_s"].dropna().tolist() == [3.0, 1.5, 2.0]
    assert frame["failure"].dropna().tolist() == ["spilt"]
    assert frame["left_out"].dropna().tolist() == ["'charge': -1 is not positive"]
    assert frame["dipole"].dropna().tolist() == [1.0]
    assert campaign.events()["kind"].tolist() == [
        "proposed", "told", "failed", "told", "carried over", "proposed", "told", "told",
    ]  # fmt: skip  # gap and dipole of one answer are one event
    assert campaign.table().materials[-3:] == ("m125", "m175", "m163")
    assert len(campaign.carry_overs()) == 1
    assert "events" not in tables(file)
    campaign.close()


def test_a_store_of_version_1_is_continued_and_nothing_of_it_changes(url, file):
    campaign = opened(url)
    before, events = campaign.history(), campaign.events()
    campaign.tell("m162", {"gap": truth("m162")})
    pd.testing.assert_frame_equal(campaign.history(at=int(events["number"].max())), before)
    pd.testing.assert_frame_equal(campaign.events().iloc[:-1], events)
    assert campaign.retry() == ("m177",)
    campaign.run(3, 2, workers=0, progress=False)
    assert campaign.status().told + campaign.status().failed == 8
    campaign.close()
    assert {"events", "results_of_version_1"} <= tables(file)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM results_of_version_1").fetchone() == (6,)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM results_of_version_1")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM events")
    connection.close()


def test_version_1_does_not_misread_a_store_of_this_version(url, file):
    campaign = opened(url)
    campaign.note("from here on version 2")
    campaign.close()
    assert "results" not in tables(file), "the statements of version 1 would find their table"


def test_a_value_beside_a_later_failure_stands_as_it_did_in_version_1(url, file):
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO results (material, property, failure, created) "
            "VALUES ('m125', '', 'spilt', '2026-12-02 00:00:00.000000')"
        )
    connection.close()
    campaign = opened(url)
    row = campaign.history().set_index("material").loc["m125"]
    assert (row["state"], row["notes"], row["failure"]) == ("told", "spilt", None)
    campaign.close()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    file = tmp_path / "c.db"
    create(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO schema_version VALUES (?, '9.9', '2030-01-01 00:00:00')", (VERSION + 1,)
        )
    connection.close()
    message = rf"version {VERSION + 1} \(bayesmat 9\.9\).*up to version {VERSION}.*newer bayesmat"
    with pytest.raises(CampaignError, match=message):
        Campaign.open(f"sqlite:///{file}")
    with pytest.raises(CampaignError, match=message):
        create(f"sqlite:///{file}")


@pytest.mark.parametrize("length", [20, 100, 3000, 4096, 12_288, 20_000])
def test_a_file_that_was_cut_off_is_damaged_and_not_empty(url, file, length):
    opened(url).close()
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    os.truncate(file, length)
    with pytest.raises(CampaignError, match="is no database, or a damaged one"):
        Campaign.open(url).history()


def test_json_that_was_overwritten_is_damage(url, file):
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER proposals_no_update")
        connection.execute("UPDATE proposals SET trace = '{'")
    connection.close()
    store = Store(url)
    with pytest.raises(CampaignError, match="damaged"):
        store.read()
    store.close()
