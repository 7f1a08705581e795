"""Campaigns whose rows are materials under conditions, with transparent parts."""

import json
import sys

import numpy as np
import pytest

from bayesmat.data.properties import Condition, Property
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError, DesignError, OracleError, SurprisingValue
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import AtLeast, Minimize, Within, aimed, applies, goal_words, targets_of
from bayesmat.explore.pool import Pool
from bayesmat.models.transfer import Transfer
from bayesmat.oracles import CommandOracle, Evaluation, TableOracle, evaluate
from bayesmat.reporting.words import best_start
from tests.unit.explore.fake import GAP, FakePrior, FakeRule, truth

T = Condition("temperature", "K")
GOAL = (Within("gap", 2.0, 2.5),)
ROWS = [(f"m{i}", t) for i in (0, 50, 100, 200, 290) for t in (300.0, 350.0)]


def shifted(material: str, temperature: float) -> float:
    return truth(material) * temperature / 300


def table() -> PropertyTable:
    return PropertyTable(
        tuple(m for m, _ in ROWS), "id", (GAP,), [[shifted(m, t)] for m, t in ROWS],
        conditions=(T,), condition_values=[[t] for _, t in ROWS],
    )  # fmt: skip


class Furnace:
    """Answers under the conditions that it is asked about."""

    properties = (Property("gap", "eV"),)
    digest = "furnace"
    time_limit_s = None

    def __call__(self, rows):
        return tuple(
            Evaluation(material, {"gap": shifted(material, rows.named(i)["temperature"])})
            for i, material in enumerate(rows)
        )


def test_a_campaign_proposes_rows_and_measures_them_under_their_conditions(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    pool = Pool.grid([f"m{i}" for i in range(140, 170, 2)], {"temperature": [300, 350]})
    parts = {"prior": FakePrior(), "oracle": Furnace(), "candidates": pool, "rule": FakeRule()}
    with_prior = {k: v for k, v in parts.items() if k != "prior"}
    campaign = Campaign.create(url, table(), parts["prior"], goals=GOAL, **with_prior)
    status = campaign.run(2, 3, workers=0, progress=False)
    assert status.told == 6
    (first, _) = campaign.proposals()
    assert first.rows.columns == (T,)
    assert set(first.to_frame().columns) > {"material", "temperature [K]"}
    measured = campaign.table()
    assert measured.n_rows == len(ROWS) + 6
    for i in range(len(ROWS), measured.n_rows):
        expected = shifted(measured.materials[i], measured.condition_values[i, 0])
        assert measured.values[i, 0] == pytest.approx(expected)
    keys = measured.rows.keys
    assert len(set(keys)) == len(keys)
    campaign.close()
    again = Campaign.open(url, **parts)
    assert again.table().rows.keys == keys
    assert again.proposals()[0].rows.keys == first.rows.keys
    again.close()


def test_one_material_may_be_proposed_under_another_temperature(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    pool = Pool.grid(["m0"], {"temperature": [300, 310, 320]})
    campaign = Campaign.create(
        url, table(), FakePrior(), goals=GOAL, candidates=pool, rule=FakeRule()
    )
    assert set(campaign.suggest(5).rows.keys) == {
        "m0, temperature=310 K", "m0, temperature=320 K",
    }  # fmt: skip
    campaign.close()


def test_goals_at_conditions_are_asked_of_the_rows_under_them():
    goal = AtLeast("gap", 2.0, at={"temperature": 350})
    rows = table().rows
    assert set(aimed(rows, [goal]).conditions[:, 0]) == {350.0}
    assert applies(rows, [goal]) == [t == 350 for _, t in ROWS]
    assert goal_words(goal, table()) == "gap: AtLeast 2 eV at temperature = 350 K"
    (target,) = targets_of([goal], [GAP], rows.columns)
    assert str(target) == "gap of at least 2 eV at temperature = 350 K"
    assert Pool(["m1"]).rows(table(), [goal]).keys == ("m1, temperature=350 K",)


def test_the_columns_of_a_pool_travel_with_its_rows(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    pool = Pool(["m140", "m148"], {"temperature": 300}, {"price": [3.5, 2], "name": ["a", "b"]})
    campaign = Campaign.create(
        url, table(), FakePrior(), goals=GOAL, candidates=pool, rule=FakeRule()
    )
    frame = campaign.suggest(2).to_frame().set_index("material")
    assert frame.loc["m148", ["price", "name"]].tolist() == [2, "b"]
    assert list(frame.columns[:4]) == ["temperature [K]", "price", "name", "P(goals)"]
    campaign.close()


def test_table_oracles_look_rows_up_under_their_conditions():
    oracle = TableOracle(table())
    rows = Rows(("m50", "m50", "m51"), [[300.0], [350.0], [300.0]], (T,))
    answers = evaluate(oracle, rows)
    assert [a.values.get("gap") for a in answers[:2]] == [
        shifted("m50", 300.0), shifted("m50", 350.0),
    ]  # fmt: skip
    assert [a.material for a in answers] == list(rows.keys)
    assert answers[2].failure == "not in the table"
    molecules = PropertyTable(
        ("CCO",), "smiles", (GAP,), [[1.5]], conditions=(T,), condition_values=[[300.0]]
    )
    asked = Rows(("C1", "OCC"), [[300.0], [300.0]], (T,))
    assert [a.values.get("gap") for a in TableOracle(molecules)(asked)] == [None, 1.5]
    with pytest.raises(OracleError, match=r"under the conditions \['temperature \[K\]'\]"):
        oracle(["m50"])


def test_programs_are_told_the_conditions():
    program = (
        "import json; q = json.loads(input()); "
        "print(json.dumps({'values': {'gap': q['conditions']['temperature']}, 'said': q}))"
    )
    oracle = CommandOracle((sys.executable, "-c", program), (Property("gap", "eV"),), "1")
    (answer,) = evaluate(oracle, Rows(("m1",), [[310.0]], (T,)))
    assert answer.values == {"gap": 310.0}
    recipe = Rows(None, [[310.0]], (T,))
    assert json.loads(json.dumps(oracle._question(recipe, 0))) == {
        "properties": {"gap": "eV"}, "conditions": {"temperature": 310.0},
        "units": {"temperature": "K"},
    }  # fmt: skip
    assert evaluate(oracle, recipe)[0].material == "temperature=310 K"


def branin(x1: float, x2: float) -> float:
    a = (x2 - 5.1 / (4 * np.pi**2) * x1**2 + 5 / np.pi * x1 - 6) ** 2
    return float(a + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x1) + 10)


class Branin:
    """A process of two variables, which has no material."""

    properties = (Property("y"),)
    digest = "branin"
    time_limit_s = None

    def __call__(self, rows):
        named = [rows.named(i) for i in range(len(rows))]
        return tuple(
            Evaluation(key, {"y": branin(n["x1"], n["x2"])})
            for key, n in zip(rows.keys, named, strict=True)
        )


def test_recipes_are_optimised_through_the_same_verbs(tmp_path):
    """Branin's minimum is 0.398; nine of 200 rows are asked, and one of the best ten is found."""
    url, rng = f"sqlite:///{tmp_path / 'c.db'}", np.random.default_rng(3)
    x = rng.uniform([-5, 0], [10, 15], (205, 2))
    columns = (Condition("x1", ""), Condition("x2", ""))
    y = np.array([[branin(*row)] for row in x])
    start = PropertyTable(
        None, "recipe", (Property("y"),), y[:5], conditions=columns, condition_values=x[:5]
    )
    pool = Pool(conditions={"x1": x[5:, 0], "x2": x[5:, 1]})
    prior = Transfer("y")
    parts = {"oracle": Branin(), "candidates": pool}
    campaign = Campaign.create(url, start, prior, goals=[Minimize("y")], **parts)
    campaign.run(3, 3, workers=0, progress=False)
    best = float(campaign.table().values.min())
    assert best <= np.sort(y[5:, 0])[9]
    assert campaign.proposals()[0].to_frame().columns[:2].tolist() == ["x1", "x2"]
    campaign.close()
    Campaign.open(url, prior=prior, **parts).close()  # the digest is that of the completed prior


AT_350 = (Within("gap", 2.0, 2.5, at={"temperature": 350}),)


def test_only_rows_under_the_conditions_of_the_goals_are_chosen_from_a_pool(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    materials = ["m140", "m148", "m156"]
    rows = [(m, t) for m in materials for t in (300, 350)]
    pool = Pool([m for m, _ in rows], {"temperature": [t for _, t in rows]}, {"n": range(6)})
    campaign = Campaign.create(
        url, table(), FakePrior(), goals=AT_350, candidates=pool, rule=FakeRule()
    )
    proposal = campaign.suggest(3)
    assert set(proposal.rows.keys) == {f"{m}, temperature=350 K" for m in materials}
    assert sorted(proposal.notes["n"]) == [1, 3, 5]
    with pytest.raises(DesignError, match="every one of the 6 rows of the pool has been used"):
        campaign.suggest(1)
    campaign.close()


def test_pools_without_a_row_under_the_conditions_of_the_goals_are_refused(tmp_path):
    pool = Pool.grid(["m140", "m148"], {"temperature": [300, 310]})
    with pytest.raises(DesignError, match=r"at temperature = 350 K, and none of the 4 rows of the"):
        Campaign.create(
            f"sqlite:///{tmp_path / 'c.db'}", table(), FakePrior(), goals=AT_350,
            candidates=pool, rule=FakeRule(),
        )  # fmt: skip


def test_results_under_other_conditions_than_the_goals_meet_none(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    campaign = Campaign.create(
        url, table(), FakePrior(), goals=AT_350, candidates=Pool(["m140", "m148"]), rule=FakeRule()
    )
    (first, _) = campaign.suggest(2).rows.keys
    campaign.tell(first, {"gap": 2.4})
    campaign.tell("m156", {"gap": 2.25}, conditions={"temperature": 300})
    frame = campaign.history().set_index("material")
    assert frame.loc["m156, temperature=300 K", "hit"] is False
    assert frame.loc[first, "hit"] is True
    status = campaign.status()
    assert (status.hits, status.best) == (1, first)
    account = account_of(campaign)
    assert [account.is_hit(call) for call in account.unasked] == [False]
    assert account.best is not None
    assert account.best.material == first
    campaign.close()


def test_the_best_before_is_that_under_the_conditions_of_the_goal(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    goal = Minimize("gap", at={"temperature": 350})
    campaign = Campaign.create(
        url, table(), FakePrior(), goals=[goal], candidates=Pool(["m140"]), rule=FakeRule()
    )
    (key,) = campaign.suggest(1).rows.keys
    campaign.tell(key, {"gap": 0.9})
    expected = min(shifted(m, t) for m, t in ROWS if t == 350)
    assert best_start(account_of(campaign)) == pytest.approx(expected)


def test_a_condition_in_another_unit_is_said_at_once_and_kept(tmp_path):
    said = r"temperature 25 K lies far outside of the measured 300 to 350 K: 298.15 K \(entered"
    url = f"sqlite:///{tmp_path / 'c.db'}"
    goal = Within("gap", 2.0, 2.5, at={"temperature": 25})
    with pytest.warns(SurprisingValue, match=said):
        Campaign.create(
            f"{url}2", table(), FakePrior(), goals=[goal], candidates=Pool(["m1"]), rule=FakeRule()
        ).close()
    pool = Pool(["m1", "m2"], conditions={"temperature": [300, 25]})
    with pytest.warns(SurprisingValue, match=said):
        campaign = Campaign.create(
            url, table(), FakePrior(), goals=GOAL, candidates=pool, rule=FakeRule()
        )
    with pytest.warns(SurprisingValue, match=said):
        told = campaign.tell("m5", {"gap": 2.0}, conditions={"temperature": 25})
    assert "m5, temperature=25 K was not proposed" in told
    assert "298.15 K (entered in degC)?" in told
    assert campaign.table().condition_values[-1, 0] == 25.0
    sheet = tmp_path / "back.csv"
    sheet.write_text("key,material (id),@temperature [K],gap [eV]\n,m6,26,2.1\n")
    with pytest.warns(SurprisingValue, match=r"temperature 26 K lies far outside"):
        read = campaign.read_sheet(sheet)
    assert "299.15 K (entered in degC)?" in read.remarks[0]
    campaign.close()


def test_conditions_never_take_the_column_of_another(tmp_path):
    columns = (Condition("state", None, ("gas", "liquid")), Condition("score", ""))
    known = [[float(i), c, i / 5] for i in range(5) for c in (0, 1)]
    start = PropertyTable(
        None, "recipe", (GAP,), [[1.0 + y] for y, *_ in known], conditions=columns,
        condition_values=[row[1:] for row in known],
    )  # fmt: skip
    pool = Pool(
        conditions={"state": ["gas", "liquid"], "score": [0.5, 0.7]},
        notes={"reason": ["cheap", "dear"], "P(goals)": [1, 2]},
    )
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", start, Transfer("gap"), goals=GOAL, candidates=pool
    )
    proposal = campaign.suggest(2)
    frame = proposal.to_frame().set_index("state").loc["gas"]
    assert frame[["score", "pool reason", "pool P(goals)"]].tolist()[1:] == ["cheap", 1]
    assert frame["condition score"] == 0.5
    campaign.tell(None, {"gap": 3.5}, conditions={"state": "gas", "score": 0.5})
    history = campaign.history().set_index("condition_state")
    assert history.columns.is_unique
    assert history.loc["gas", ["state", "score"]].tolist() == ["told", 0.5]
    calls = account_of(campaign).calls
    assert {call.conditions["state"] for call in calls} == {"gas", "liquid"}
    campaign.close()


def test_notes_called_like_conditions_are_not_passed_over():
    pool = Pool(["m140"], notes={"temperature [degC]": [50], "price": [1]})
    with pytest.raises(
        DataError, match=r"columns \['temperature \[degC\]'\] of the pool are called"
    ):
        pool.rows(table(), AT_350)
