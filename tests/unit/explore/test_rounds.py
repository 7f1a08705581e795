import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

import bayesmat as bm
from bayesmat.data.properties import Property
from bayesmat.data.table import Condition, PropertyTable
from bayesmat.errors import BayesmatError, CampaignError, DataError
from bayesmat.explore.goals import AtLeast, AtMost, Maximize, Within
from bayesmat.explore.history import History
from bayesmat.explore.pool import Pool
from bayesmat.explore.rounds import (
    Parts,
    check_chosen,
    check_new,
    check_parts,
    design_round,
    goal_probability,
)
from bayesmat.explore.select import Selection
from bayesmat.features import Selected
from bayesmat.features.composition import Magpie
from bayesmat.features.polymer import RepeatUnitECFP
from bayesmat.models.base import fit
from tests.unit.explore.fake import GOALS, POOL, FakeOracle, FakePrior, FakeRule, start_table, truth

HISTORY = History(start_table(), GOALS, (), {})


@dataclass(frozen=True)
class StubbornRule:
    """Chooses the rows it is given."""

    rows: tuple[int, ...]
    name: str = "stubborn"

    def __call__(self, fitted, candidates, goals, batch, *, seed, round):
        return Selection(self.rows, tuple(0.0 for _ in self.rows))


@dataclass(frozen=True)
class StubbornPool:
    """Does not leave out what it is told to exclude."""

    digest: str = "stubborn"

    def __call__(self, fitted, goals, *, exclude, seed):
        return POOL(fitted, goals, exclude=(), seed=seed)


def test_seeds_differ_by_round_and_by_campaign():
    def scores(history, seed):
        row = design_round(Parts(FakePrior(), POOL, FakeRule()), history, 3, seed=seed)
        return [item.prediction["score"] for item in row.items]

    assert scores(HISTORY, 1) == scores(HISTORY, 1)
    assert scores(HISTORY, 1) != scores(HISTORY, 2)


@pytest.mark.parametrize(
    ("pool", "rows", "words"),
    [
        (POOL, (), r"chose \[\]"),
        (POOL, (1, 1), "each row once"),
        (StubbornPool(), (0, 1), r"of which \['m0'\] are known already"),
    ],
)
def test_parts_that_break_their_word_are_found_out(pool, rows, words):
    with pytest.raises(CampaignError, match=words):
        design_round(Parts(FakePrior(), pool, StubbornRule(rows)), HISTORY, 2, seed=0)


def test_without_bounds_there_is_no_probability():
    table = start_table().append(["m150"], {"gap": [truth("m150")]})  # 2.23 eV
    fitted = fit(FakePrior(), table, seed=0, explain=False)
    assert np.isnan(goal_probability(fitted, [Maximize("gap")], ["m7"])).all()
    inside, outside = goal_probability(fitted, GOALS, ["m150", "m0"])
    assert 0.5 < inside < 0.9
    assert outside < 1e-6


def with_temperature() -> PropertyTable:
    return PropertyTable(
        ("m1", "m2"), "id", (Property("gap", "eV"),), np.array([[1.0], [2.0]]),
        conditions=(Condition("temperature", "K"),), condition_values=[[300.0], [350.0]],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("goals", "pool", "said"),
    [
        ([Within("gap", 1, 2, at={"pH": 7})], Pool("m3"), r"\['pH'\] are unknown"),
        ([Within("gap", 1, 2)], Pool("m3"), r"conditions \['temperature'\] are missing"),
        (
            [AtLeast("gap", 1, at={"temperature": 300}), AtMost("gap", 2)],
            Pool("m3"),
            "under different conditions",
        ),
    ],
)
def test_goals_and_pools_must_say_the_conditions_of_the_table(goals, pool, said):
    with pytest.raises(BayesmatError, match=said):
        check_new((FakePrior(), None, pool, None), with_temperature(), goals)


def test_designed_molecules_need_goals_at_conditions():
    table = dataclasses.replace(with_temperature(), materials=("C", "CC"), kind="smiles")
    with pytest.raises(CampaignError, match=r"come without the conditions \['temperature'\]"):
        check_chosen(table, FakePrior(), [Within("gap", 1, 2)], None, None)
    check_chosen(table, FakePrior(), [Within("gap", 1, 2, at={"temperature": 300})], None, None)


def test_an_oracle_must_answer_the_goals_in_a_unit_that_converts():
    table = start_table()
    check_parts(table, FakePrior(), GOALS, FakeOracle())
    other = FakeOracle(properties=(Property("Gap", "eV"),))
    with pytest.raises(CampaignError, match=r"goals name \['gap'\].*only \['Gap'\]"):
        check_parts(table, FakePrior(), GOALS, other)
    kelvin = FakeOracle(properties=(Property("gap", "K"),))
    with pytest.raises(DataError, match="cannot be converted"):
        check_parts(table, FakePrior(), GOALS, kelvin)


def test_a_campaign_on_classes_is_refused_at_creation():
    states = Property("gap", categories=("low", "high"))
    table = PropertyTable(("m1", "m2"), "id", (states,), np.array([[0.0], [1.0]]))
    with pytest.raises(DataError, match="no likelihood for classes yet"):
        check_parts(table, FakePrior(), GOALS, None)


TB, CHAINS = Property("Tb", "K"), ["C" * n for n in range(1, 9)]
SALTS = ("NaCl", "KCl", "LiF", "MgO")
UNITS = ("*CC*", "*CC(*)C", "*CC(*)Cl", "*CCO*")
WARM = [bm.AtLeast("Tb", 300.0)]


def boiling(materials, kind):
    values = 250.0 + 10.0 * np.arange(len(materials))[:, None]
    return PropertyTable(tuple(materials), kind, (TB,), values)


def made(url, table, pool, prior=None, oracle=None):
    return bm.Campaign.create(
        url, table, prior or bm.Transfer("Tb"), goals=WARM, candidates=bm.Pool(pool), oracle=oracle
    )


NOBLE = bm.DescriptorGP("Tb", Selected(Magpie(), ("mean Electronegativity",)))
MOLECULES = {"prior": bm.Transfer("Tb", fingerprints=bm.ECFP())}
POLYMERS = bm.Transfer("Tb", fingerprints=RepeatUnitECFP())
UNMEASURED = PropertyTable(tuple(CHAINS[:2]), "smiles", (TB,), np.full((2, 1), np.nan))


@pytest.mark.parametrize(
    ("table", "pool", "parts", "words"),
    [
        (boiling(SALTS, "composition"), ["NaF"], MOLECULES, "describe mater.*table.*'NaCl'"),
        (boiling(["a", "b"], "id"), ["xx"], MOLECULES, "describe mater.*table.*'id'.*'a'"),
        (boiling(CHAINS[:4], "smiles"), CHAINS, {"prior": POLYMERS}, r"table.*'CC' has 0 '\*'"),
        (boiling(SALTS, "composition"), ["NaF", "He"], {"prior": NOBLE}, "of the pool.*'He'"),
        (UNMEASURED, CHAINS, {}, r"no cell of \['Tb'\] is measured"),
        (boiling(CHAINS, "smiles"), CHAINS[:3], {}, "all 3 materials of the pool are known"),
        (
            boiling(CHAINS[:4], "smiles"), CHAINS,
            {"oracle": bm.oracles.TableOracle(boiling(SALTS, "composition"))},
            "oracle answers about materials of kind 'composition', the table holds.*'smiles'",
        ),
    ],
)  # fmt: skip
def test_a_campaign_that_could_never_work_is_not_made(tmp_path, table, pool, parts, words):
    file = tmp_path / "c.db"
    with pytest.raises(CampaignError, match=f"(?s){words}"):
        made(f"sqlite:///{file}", table, pool, **parts)
    assert not file.exists()


def test_quantum_chemistry_of_a_molecule_is_not_asked_about_polymers(tmp_path):
    gap, pool = Property("gap", "eV"), bm.Pool(["*CC(*)F"])
    gaps = PropertyTable(UNITS, "repeat_unit", (gap,), np.ones((4, 1)))
    prior = bm.Transfer("gap", fingerprints=RepeatUnitECFP())
    parts = {"oracle": bm.oracles.XTB(), "candidates": pool, "goals": [bm.AtLeast("gap", 2.0)]}
    with pytest.raises(CampaignError, match=r"kind 'smiles', the table holds.*'repeat_unit'"):
        bm.Campaign.create(f"sqlite:///{tmp_path / 'c.db'}", gaps, prior, **parts)


def test_parts_are_described_again_when_a_campaign_is_carried_over(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    campaign = made(url, boiling(CHAINS[:4], "smiles"), CHAINS)
    proposed = campaign.suggest(2).materials
    campaign.close()
    prior, pool = bm.Transfer("Tb"), bm.Pool(CHAINS)
    with pytest.raises(CampaignError, match="describe materials of the table"):
        bm.Campaign.carry_over(url, prior=POLYMERS, candidates=pool, reason="tried")
    used = bm.Pool([*CHAINS[:4], *proposed])
    with pytest.raises(CampaignError, match="all 6 materials of the pool are known already"):
        bm.Campaign.carry_over(url, prior=prior, candidates=used, reason="tried")
    bm.Campaign.open(url, prior=prior, candidates=pool).close()
