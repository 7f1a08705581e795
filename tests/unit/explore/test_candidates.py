"""What a campaign is made of must work together, and what it is told must make sense."""

from types import SimpleNamespace

import numpy as np
import pytest

import bayesmat as bm
from bayesmat.data.materials import canonical
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import BayesmatError, CampaignError, DesignError, MaterialError
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import AtLeast, Maximize, Minimize, Within
from bayesmat.explore.improvement import ImprovementRule
from bayesmat.explore.pool import Pool
from bayesmat.explore.select import SpacierRule
from bayesmat.reporting import summary
from tests.unit.explore.fake import GOALS, POOL, FakePrior, FakeRule, create, start_table


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'campaign.db'}"


@pytest.fixture
def campaign(url):
    campaign = create(url)
    yield campaign
    campaign.close()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: c.suggest(2.0),
        lambda c: c.suggest("2"),
        lambda c: c.suggest(True),
        lambda c: c.run(1.5),
        lambda c: c.run(1, batch=0),
        lambda c: c.tell("m150", {"gap": None}),
        lambda c: c.tell("m150", {"gap": "2"}),
        lambda c: c.tell("m150", 2.0),
        lambda c: c.tell("m150", {"gap": 2.0}, 0.1),
        lambda c: c.tell("m150", {"gap": 2.0}, {"gap": "0.1"}),
        lambda c: c.tell("m150", {"gap": 2.0}, {"gap": -0.1}),
        lambda c: c.tell("m150", {"gap": 2.0}, units="eV"),
        lambda c: c.tell("m150", {"gap": 2.0}, units={"gap": "furlong per"}),
        lambda c: c.tell("m150", {"gap": 2.0}, cost_s="fast"),
        lambda c: c.tell(None, {"gap": 2.0}),
        lambda c: c.fail("m150", None),
        lambda c: c.fail("m150", "x", cost_s="fast"),
    ],
)
def test_wrong_arguments_are_errors_of_ours_and_store_nothing(campaign, wrong):
    campaign.suggest(1)
    with pytest.raises(BayesmatError):
        wrong(campaign)
    assert campaign.status().told == campaign.status().failed == 0


def test_numpy_numbers_are_numbers(campaign):
    (material,) = campaign.suggest(np.int64(1)).materials
    campaign.tell(material, {"gap": np.float32(2.5)}, {"gap": np.float64(0.1)})
    assert campaign.table().values[-1, 0] == 2.5


def start_of(kind, materials):
    values = np.linspace(1.0, 3.0, len(materials))[:, None]
    return PropertyTable(tuple(materials), kind, (Property("gap", "eV", "log"),), values)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"goals": "gap"}, "give a list"),
        ({"goals": []}, "without goals"),
        ({"goals": ["gap"]}, "no goals"),
        ({"candidates": ["m1", "m2"]}, r"candidates=bm.Pool\(materials\)"),
        ({"rule": FakeRule}, "give an instance"),
        ({"goals": [Maximize("gap"), AtLeast("gap", 2.0)]}, "no rule weighs an extreme"),
        ({"goals": [Maximize("gap"), Minimize("gap")]}, "no rule weighs an extreme"),
        ({"goals": [Maximize("gap")], "rule": SpacierRule()}, "SPACIER steers toward a region"),
        ({"rule": ImprovementRule()}, "qLogNEI is for Maximize or Minimize"),
        ({"goals": [AtLeast("density", 1.0)]}, "names 'density'"),
        ({"seed": 1.0}, "seed is 1.0"),
    ],
)
def test_parts_that_cannot_work_together_are_refused_before_anything_is_written(url, parts, words):
    given = {"goals": GOALS, "candidates": POOL, "rule": None, "seed": 0} | parts
    with pytest.raises(BayesmatError, match=words):
        Campaign.create(url, start_table(), FakePrior(), **given)
    with pytest.raises(CampaignError, match="no campaign"):
        Campaign.open(url)


@pytest.mark.parametrize(
    ("kind", "materials"),
    [("repeat_unit", ["*CC*", "*CC(*)C"]), ("composition", ["Fe2O3", "NaCl"]), ("id", ["a", "b"])],
)
def test_designed_molecules_are_refused_for_other_materials(url, kind, materials):
    with pytest.raises(CampaignError, match=r"candidates=bm.Pool\(materials\)"):
        Campaign.create(url, start_of(kind, materials), FakePrior(), goals=GOALS)


@pytest.mark.parametrize(
    ("kind", "known", "spelled", "key"),
    [
        ("smiles", "CCO", "OCC", "CCO"),
        ("composition", "Fe2O3", "O3Fe2", "Fe2O3"),
        ("repeat_unit", "*CC(*)C", "*C(C)C*", "*CC(*)C"),
    ],
)
def test_a_pool_is_read_as_the_table_is(kind, known, spelled, key):
    others = {"smiles": ["C", "CC"], "composition": ["NaCl", "MgO"], "repeat_unit": ["*CO*"]}[kind]
    fitted = SimpleNamespace(table=start_of(kind, [canonical(known, kind)]))
    pool = Pool([spelled, known, *others, *others])
    found = pool(fitted, GOALS, exclude={canonical(known, kind)}, seed=0).materials
    assert found == tuple(canonical(m, kind) for m in others)
    assert canonical(key, kind) not in found


@pytest.mark.parametrize(
    "given", [["CCO", "C"], ("CCO", "C"), iter(["CCO", "C"]), np.array(["CCO", "C"])]
)
def test_a_pool_takes_any_iterable(given):
    assert Pool(given).materials == ("CCO", "C")


def test_one_string_is_one_material_and_bad_ones_are_all_named(url):
    assert Pool("CCO").materials == ("CCO",)
    with pytest.raises(BayesmatError, match="0: 5"):
        Pool([5, "CCO"])
    with pytest.raises(BayesmatError, match="holds no material"):
        Pool([])
    bad = Pool(["C1", "CCO", "benzene"])
    with pytest.raises(MaterialError, match="2 materials"):
        Campaign.create(
            url, start_of("smiles", ["C", "CC"]), FakePrior(), goals=GOALS, candidates=bad
        )


def test_an_extreme_is_searched_by_default_and_counted_without_hits(url):
    campaign = Campaign.create(
        url, start_of("smiles", ["C", "CC", "CCC", "CCCC"]), bm.Transfer("gap"),
        goals=[Maximize("gap")], candidates=Pool(["CCCCC", "CCCCCC", "O", "N"]),
    )  # fmt: skip
    proposal = campaign.suggest(2)
    campaign.tell(proposal.materials[0], {"gap": 5.0})
    assert proposal.trace.rule == "qLogNEI"
    status = campaign.status()
    assert status.best == proposal.materials[0]
    campaign.close()


@pytest.mark.filterwarnings("ignore::bayesmat.errors.SurprisingValue")
def test_best_is_nearest_the_middle_on_the_models_scale_for_status_and_report(url):
    """Within(2, 8) on log eV: its middle is 4, not 5."""
    table = start_of("id", [f"m{i}" for i in range(5)])
    campaign = Campaign.create(
        url, table, FakePrior(), goals=[Within("gap", 2.0, 8.0)], candidates=POOL, rule=FakeRule()
    )
    materials = campaign.suggest(3).materials
    for material, value in zip(materials, (4.0, 5.0, 7.9), strict=True):
        campaign.tell(material, {"gap": value})
    assert campaign.status().best_values["gap"] == 4.0
    best = account_of(campaign).best
    assert best is not None
    assert best.material == campaign.status().best == materials[0]
    campaign.close()


def test_a_failure_that_is_measured_later_is_counted_once(campaign):
    first, second = campaign.suggest(2).materials
    campaign.fail(first, "broken")
    campaign.tell(first, {"gap": 2.2})
    campaign.tell(second, {"gap": 2.3})
    status = campaign.status()
    assert (status.told, status.failed, len(status.pending)) == (2, 0, 0)
    text = " ".join(summary(account_of(campaign)))
    assert "2 of 2 proposals have been measured" in text
    assert "waiting" not in text
    assert "failed" not in text


@pytest.mark.parametrize(
    ("materials", "words"), [((), "no candidate"), (("C", "CC", "C"), r"twice.*\['C'\]")]
)
def test_candidates_are_there_and_distinct(materials, words):
    with pytest.raises(DesignError, match=words):
        Candidates(materials)
