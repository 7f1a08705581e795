from dataclasses import dataclass

import numpy as np
import pytest

from bayesmat.data.properties import Property
from bayesmat.data.table import Condition, PropertyTable
from bayesmat.errors import CampaignError, DataError
from bayesmat.explore.goals import Maximize
from bayesmat.explore.history import History
from bayesmat.explore.rounds import Parts, check_parts, design_round, goal_probability
from bayesmat.explore.select import Selection
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


def test_tables_with_conditions_are_refused():
    table = PropertyTable(
        ("m1",), "id", (Property("gap", "eV"),), np.ones((1, 1)),
        conditions=(Condition("temperature", "K"),), condition_values=np.full((1, 1), 300.0),
    )  # fmt: skip
    with pytest.raises(CampaignError, match=r"conditions \['temperature'\].*one condition"):
        check_parts(table, FakePrior(), GOALS, None, seed=0)


def test_an_oracle_must_answer_the_goals_in_a_unit_that_converts():
    table = start_table()
    check_parts(table, FakePrior(), GOALS, FakeOracle(), seed=0)
    other = FakeOracle(properties=(Property("Gap", "eV"),))
    with pytest.raises(CampaignError, match=r"goals name \['gap'\].*only \['Gap'\]"):
        check_parts(table, FakePrior(), GOALS, other, seed=0)
    kelvin = FakeOracle(properties=(Property("gap", "K"),))
    with pytest.raises(DataError, match="cannot be converted"):
        check_parts(table, FakePrior(), GOALS, kelvin, seed=0)


def test_a_campaign_on_classes_is_refused_at_creation():
    states = Property("gap", categories=("low", "high"))
    table = PropertyTable(("m1", "m2"), "id", (states,), np.array([[0.0], [1.0]]))
    with pytest.raises(DataError, match="no likelihood for classes yet"):
        check_parts(table, FakePrior(), GOALS, None, seed=0)
