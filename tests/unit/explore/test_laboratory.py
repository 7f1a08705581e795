"""The life of a laboratory: unasked, mistyped, repeated, withdrawn, given up, tried again."""

import warnings

import numpy as np
import pytest

import bayesmat as bm
from bayesmat.errors import ArgumentError, CampaignError, DataError, SurprisingValue
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.laboratory import Laboratory, Measured
from bayesmat.explore.pool import Pool
from bayesmat.explore.store import Store
from bayesmat.explore.stored import CampaignRow
from tests.unit.explore.fake import (
    GOALS,
    POOL,
    FakeOracle,
    FakePrior,
    FakeRule,
    create,
    start_table,
    truth,
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'campaign.db'}"


@pytest.fixture
def campaign(url):
    campaign = create(url)
    yield campaign
    campaign.close()


@pytest.fixture
def told(campaign):
    (material,) = campaign.suggest(1).materials
    campaign.tell(material, {"gap": truth(material)}, {"gap": 0.1})
    return material


def row_of(campaign, material):
    return campaign.history().set_index("material").loc[material]


def test_an_unasked_measurement_joins_the_table_and_is_not_proposed(campaign):
    asked = campaign.suggest(2).materials
    said = campaign.tell("m150", {"gap": truth("m150")}, note="left over from last year")
    assert said == "m150 was not proposed: it is kept as an unasked measurement."
    campaign.tell(asked[1], {"gap": truth(asked[1])})
    frame = campaign.history()
    assert frame.material.tolist() == [*asked, "m150"]
    assert frame["round"].isna().tolist() == [False, False, True]
    row = row_of(campaign, "m150")
    assert (row["state"], row["origin"], row["notes"]) == (
        "told", "unasked", "left over from last year",
    )  # fmt: skip
    assert np.isnan(row["gap_median"])
    assert campaign.table().materials[-2:] == (asked[1], "m150")
    assert "m150" in campaign._history().known
    status = campaign.status()
    assert (status.told, status.unasked) == (1, 1)
    assert "Besides: 1 material measured unasked." in str(status)


def test_a_wrong_unasked_material_can_be_taken_back_and_may_be_proposed_again(campaign):
    campaign.tell("m150", {"gap": 2.3})
    campaign.withdraw("m150", reason="it was m151")
    assert "m150" not in campaign._history().known
    assert campaign.table().n_rows == start_table().n_rows
    assert campaign.history().state.tolist() == ["withdrawn"]


def test_what_was_taken_back_before_it_was_proposed_waits_like_any_other(url, tmp_path):
    """A value that is not believed says nothing of the measurement that is asked for now."""
    parts = {"candidates": Pool(("m0", "m150", "m151")), "rule": FakeRule()}
    campaign = Campaign.create(
        url, start_table(), FakePrior(), goals=GOALS, oracle=FakeOracle(broken=frozenset()), **parts
    )
    campaign.tell("m150", {"gap": 2.3})
    for key in ("m150", "m0"):
        campaign.withdraw(key, reason="mixed up")
    before = len(campaign.events())
    proposal = campaign.suggest(3)
    assert set(proposal.rows.keys) == {"m0", "m150", "m151"}
    assert set(campaign.status().pending) == {"m0", "m150", "m151"}
    assert campaign.history(at=before).state.tolist() == ["withdrawn", "withdrawn"]
    campaign.sheet(tmp_path / "week.csv")
    assert len((tmp_path / "week.csv").read_text().splitlines()) == 4
    assert campaign.run(1, 3, workers=0, progress=False).told == 3
    campaign.withdraw("m150", reason="contaminated")
    assert row_of(campaign, "m150")["state"] == "withdrawn"
    assert campaign.retry(["m150"]) == ("m150",)


def test_a_correction_is_an_event_and_the_old_value_stays_visible(campaign, told):
    campaign.correct(told, {"gap": 2250.0}, units={"gap": "meV"}, reason="R. Dear: misread")
    assert campaign.table().values[-1, 0] == pytest.approx(2.25)
    assert campaign.table().stds[-1, 0] == 0.1
    last = campaign.events().iloc[-1]
    assert (last["kind"], last["value"], last["was"]) == ("corrected", 2.25, truth(told))
    assert last["note"] == "R. Dear: misread"
    row = row_of(campaign, told)
    assert (row["gap"], row["corrections"], row["notes"]) == (2.25, 1, "R. Dear: misread")
    assert campaign.history(at=2)["gap"].tolist() == [truth(told)]
    assert campaign.table(at=2).values[-1, 0] == truth(told)
    assert campaign.status().corrected == 1


def test_a_value_of_the_start_table_can_be_corrected_withdrawn_and_measured_again(campaign):
    with pytest.raises(CampaignError, match="known from the start"):
        campaign.tell("m50", {"gap": 6.0})
    campaign.tell("m50", {"gap": 6.1}, replicate=True)
    campaign.correct("m100", {"gap": 3.7}, reason="misread")
    campaign.withdraw("m0", reason="impure")
    table = campaign.table()
    assert table.materials == ("m50", "m100", "m200", "m290", "m50")
    assert table.values[1, 0] == 3.7
    assert table.values[-1, 0] == 6.1
    assert campaign.start.values[2, 0] == truth("m100")
    frame = campaign.history().set_index("material")
    assert frame["origin"].tolist() == ["start"] * 3
    assert frame.loc["m50", "gap_replicates"] == 2
    known = campaign._history().known
    assert "m0" not in known
    assert {"m50", "m100"} <= known


def test_replicates_are_rows_and_their_scatter_is_shown(campaign, told):
    for value in (2.0, 3.0):
        campaign.tell(told, {"gap": value}, replicate=True)
    values = [truth(told), 2.0, 3.0]
    assert campaign.table().values[-3:, 0].tolist() == values
    row = row_of(campaign, told)
    assert row["gap"] == pytest.approx(np.mean(values))
    assert row["gap_scatter"] == pytest.approx(np.std(values, ddof=1))
    assert (row["gap_replicates"], row["replicates"]) == (3, 3)
    assert np.isnan(row["gap_sd"]), "only one of three sds was stated"
    with pytest.raises(CampaignError, match=r"measured 3 times \(1: .*, 2: 2, 3: 3\): say which"):
        campaign.correct(told, {"gap": 2.1}, reason="misread")
    campaign.correct(told, {"gap": 2.1}, reason="misread", replicate=2)
    campaign.withdraw(told, reason="wet", replicate=3)
    assert campaign.table().values[-2:, 0].tolist() == [truth(told), 2.1]
    with pytest.raises(CampaignError, match="no replicate 3"):
        campaign.withdraw(told, reason="wet", replicate=3)
    assert campaign.status().replicated == 1


def test_nothing_is_a_replicate_of_nothing(campaign):
    (material,) = campaign.suggest(1).materials
    with pytest.raises(CampaignError, match="nothing to replicate"):
        campaign.tell(material, {"gap": 2.0}, replicate=True)
    assert campaign.status().pending == (material,)


def test_a_withdrawn_proposal_neither_waits_nor_is_proposed_until_it_is_retried(campaign, told):
    campaign.withdraw(told, reason="R. Dear: wrong flask")
    status = campaign.status()
    assert (status.told, status.withdrawn, status.pending) == (0, 1, ())
    assert "1 withdrawn" in str(status)
    assert campaign.table().n_rows == start_table().n_rows
    assert told not in campaign.suggest(2).materials
    assert campaign.retry() == (), "only what failed is retried by default"
    assert campaign.retry([told]) == (told,)
    assert told in campaign.status().pending
    campaign.tell(told, {"gap": 2.0})
    assert row_of(campaign, told)["state"] == "told"


def test_failing_what_was_told_takes_the_value_out_of_the_table_and_the_next_fit(campaign, told):
    campaign.fail(told, "decomposed")
    assert campaign.table().n_rows == start_table().n_rows
    row = row_of(campaign, told)
    assert (row["state"], row["failure"]) == ("failed", "decomposed")
    assert np.isnan(row["gap"])
    assert campaign.events()["was"].dropna().tolist() == [truth(told)]
    assert campaign.status().failures == {"decomposed": 1}


def test_what_nobody_proposed_can_fail_and_is_not_proposed_then(campaign):
    campaign.fail("m150", "cannot be bought")
    assert "m150" in campaign._history().known
    assert campaign.status().failed == 0
    assert campaign.status().failures == {"cannot be bought": 1}


def test_failures_are_evaluated_again_once_the_oracle_is_mended(url):
    broken = FakeOracle(broken=frozenset(POOL.materials))
    campaign = create(url, oracle=broken)
    with pytest.raises(CampaignError, match="call retry before run"):
        campaign.run(1, 3, workers=0, progress=False)
    campaign.close()
    campaign = Campaign.open(url, oracle=FakeOracle(broken=frozenset()))
    assert campaign.run(1, 3, workers=0, progress=False).failed == 3, "not unless it is said"
    waiting = campaign.retry(note="SCF mended")
    assert waiting == campaign.status().pending
    assert campaign.run(1, 3, workers=0, progress=False).told == 3
    assert (campaign.history()["cost_s"] == 2.0).all(), "both attempts cost"
    campaign.close()


def test_only_what_failed_or_was_withdrawn_is_retried_and_all_that_is_wrong_is_listed(
    campaign, told
):
    with pytest.raises(CampaignError) as error:
        campaign.retry([told, "m999"])
    assert f"'{told}' has values; withdraw them first" in str(error.value)
    assert "'m999' was never proposed" in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, m: c.correct(m, {"gap": 2.0}, reason=" "), "has no reason"),
        (lambda c, m: c.withdraw(m, reason=""), "has no reason"),
        (lambda c, m: c.correct("m999", {"gap": 2.0}, reason="x"), "no 'gap' of 'm999' was told"),
        (lambda c, m: c.correct(m, {"Tb": 2.0}, reason="x"), "'Tb' is no property"),
        (lambda c, m: c.withdraw(m, reason="x", properties=["Tb"]), "no 'Tb' of"),
        (lambda c, m: c.withdraw("m999", reason="x"), "nothing of 'm999' was told"),
        (lambda c, m: c.tell(m, {"gap": 1.0}, note=" "), "has no reason"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_stored(campaign, told, call, message):
    before = len(campaign.events())
    with pytest.raises(CampaignError, match=message):
        call(campaign, told)
    assert len(campaign.events()) == before


def test_arguments_of_other_types_are_errors_of_ours(campaign, told):
    with pytest.raises(ArgumentError, match="replicate"):
        campaign.tell(told, {"gap": 1.0}, replicate="yes")
    with pytest.raises(ArgumentError, match="replicate is 0"):
        campaign.withdraw(told, reason="x", replicate=0)
    with pytest.raises(ArgumentError, match="material is 3"):
        campaign.tell(3, {"gap": 1.0})
    with pytest.raises(DataError, match="no material is given"):
        campaign.tell(None, {"gap": 1.0})


def test_a_value_without_a_chance_is_said_at_once_and_stored_all_the_same(campaign):
    (material,) = campaign.suggest(1).materials
    slipped = 1000 * truth(material)
    with pytest.warns(SurprisingValue, match=rf"gap of {material}: .* eV, predicted") as caught:
        said = campaign.tell(material, {"gap": slipped})
    assert said == str(caught[0].message)
    assert caught[0].filename == __file__, "the warning points at who told it"
    assert "(entered in meV)?" in said or "(1000 times too large)?" in said
    assert f"campaign.correct({material!r}" in said
    assert campaign.table().values[-1, 0] == slipped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert campaign.correct(material, {"gap": truth(material)}, reason="meV") is None


def test_remarks_are_kept(campaign, told):
    campaign.note("new batch of solvent", told)
    campaign.note("the glovebox was open over night")
    assert campaign.events()["note"].tolist()[-2:] == [
        "new batch of solvent", "the glovebox was open over night",
    ]  # fmt: skip
    assert row_of(campaign, told)["notes"] == "new batch of solvent"
    assert len(campaign.history()) == 1


def heats(tmp_path):
    path = tmp_path / "heats.csv"
    path.write_text("name,temperature,Cp\nwater,300,75\nwater,350,76\nethanol,300,112\n")
    return bm.read_csv(
        path,
        material="name",
        kind="id",
        properties={"Cp": "J/mol/K"},
        conditions={"temperature": "K"},
    )


def test_conditions_belong_to_what_is_told(tmp_path):
    table = heats(tmp_path)
    store = Store(f"sqlite:///{tmp_path / 'c.db'}")
    store.create(CampaignRow({}, {}, "", {}, 0))
    laboratory = Laboratory(store, table)
    rows = laboratory.asked("water", {"temperature": 320.0})
    assert rows.keys == ("water, temperature=320 K",)
    laboratory.tell(rows, Measured({"Cp": 75.5}), cost_s=None, note=None, replicate=False)
    assert store.about(rows.keys[0]).events[0].row == {
        "material": "water", "conditions": {"temperature": 320.0},
    }  # fmt: skip
    again = laboratory.asked(rows.keys[0], None)
    assert (again.keys, again.materials) == (rows.keys, ("water",))
    assert laboratory.asked("ethanol, temperature=300 K", None).materials == ("ethanol",)
    with pytest.raises(DataError, match=r"conditions \['temperature'\] are missing"):
        laboratory.asked("water", None)
    store.close()


def test_a_row_of_a_pool_is_told_of_by_its_name(tmp_path):
    table = bm.PropertyTable(
        ("CCO", "CCCO", "CCCCO"), "smiles", (bm.Property("gap"),), [[1.0], [1.1], [1.3]]
    )
    pool = Pool(["CCCCCO", "CCCCCCO", "OCC=O"], notes={"Name": ["Pentanol", "hexanol", "CO"]})
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", table, bm.Transfer("gap"), goals=GOALS, candidates=pool
    )
    campaign.suggest(3)
    assert campaign.tell("pentanol ", {"gap": 1.4}) is None
    campaign.correct("Pentanol", {"gap": 1.5}, reason="misread")
    assert row_of(campaign, "CCCCCO")["gap"] == 1.5
    assert "was not proposed" in campaign.tell("CO", {"gap": 0.9})  # a SMILES before it is a name
    with pytest.raises(DataError, match="'heptanol' - it is not valid SMILES"):
        campaign.tell("heptanol", {"gap": 1.6})
    campaign.close()


def test_a_name_of_several_rows_is_refused_unless_conditions_say_which(tmp_path):
    table = bm.PropertyTable(
        ("a", "b"), "id", (bm.Property("gap"),), [[1.0], [1.1]],
        conditions=(bm.Condition("T", "K"),), condition_values=[[300], [350]],
    )  # fmt: skip
    pool = Pool(["c", "c"], {"T": [300, 350]}, {"name": ["steel", "steel"]})
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", table, bm.Transfer("gap"), goals=GOALS, candidates=pool
    )
    campaign.suggest(2)
    with pytest.raises(CampaignError, match="several rows are called 'steel'"):
        campaign.tell("steel", {"gap": 1.2})
    assert campaign.tell("steel", {"gap": 1.2}, conditions={"T": 350}) is None
    assert row_of(campaign, "c, T=350 K")["gap"] == 1.2
    campaign.close()


def test_a_replicate_of_the_start_is_no_unasked_measurement(campaign):
    campaign.suggest(1)
    known = campaign.table().materials[0]
    campaign.tell(known, {"gap": truth(known) + 0.05}, replicate=True)
    status = campaign.status()
    assert (status.unasked, status.replicated) == (0, 1)
    assert "Besides: 1 material with replicates." in str(status)
    campaign.tell("m150", {"gap": truth("m150")})
    assert "Besides: 1 material measured unasked, 1 material with replicates." in str(
        campaign.status()
    )


def test_what_meets_the_goals_is_not_called_near_to_them(campaign):
    asked = campaign.suggest(2).materials
    campaign.tell(asked[0], {"gap": 5.0})
    assert f"Nearest to the goals: {asked[0]} (gap = 5)." in str(campaign.status())
    campaign.tell(asked[1], {"gap": 2.2})
    assert f"Among those that meet the goals: {asked[1]} (gap = 2.2)." in str(campaign.status())


def test_a_value_without_a_chance_that_was_not_corrected_is_said_before_the_next_round(campaign):
    (material,) = campaign.suggest(1).materials
    with pytest.warns(SurprisingValue, match="predicted"):
        campaign.tell(material, {"gap": 1e4})
    with pytest.warns(SurprisingValue, match=f"before this round: gap of {material}: 1e.04 eV"):
        campaign.suggest(1)
    campaign.correct(material, {"gap": truth(material)}, reason="typed twice")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        campaign.suggest(1)


def test_an_unasked_id_is_meant_before_a_later_row_of_that_name(tmp_path):
    pool = Pool(["m150", "m151"], notes={"name": ["m149", "beta"]})
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", start_table(), FakePrior(), goals=GOALS, candidates=pool,
        rule=FakeRule(),
    )  # fmt: skip
    campaign.tell("m149", {"gap": 2.2})
    campaign.suggest(2)
    campaign.correct("m149", {"gap": 2.3}, reason="misread")
    assert row_of(campaign, "m149")["gap"] == 2.3
    assert row_of(campaign, "m150")["state"] == "pending"
    campaign.close()
