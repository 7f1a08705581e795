import numpy as np
import pytest
import torch

from bayesmat.data.properties import Condition, Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ArgumentError, BayesmatError, DataError, DesignError
from bayesmat.explore.goals import Maximize, Minimize, Within
from bayesmat.explore.improvement import ImprovementRule, improvement, incumbents
from bayesmat.explore.space import ConditionSpace
from bayesmat.models.base import Fitted, fit
from bayesmat.models.transfer import Transfer

COLUMNS = (
    Condition("x1", ""), Condition("x2", ""), Condition("catalyst", categories=("a", "b")),
)  # fmt: skip
SPACE = ConditionSpace({"x1": (0, 1), "x2": (-1, 1)}, {"catalyst": ["a", "b"]}, n=64)
SOME_X1 = ConditionSpace({"x1": (0, 1)}, n=64)


def truth(x: np.ndarray) -> np.ndarray:
    """A hill at (0.3, 0.4), higher under the second catalyst."""
    return np.exp(-4 * ((x[:, 0] - 0.3) ** 2 + (x[:, 1] - 0.4) ** 2)) + 0.2 * x[:, 2]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(0, 1, 24), rng.uniform(-1, 1, 24), rng.integers(0, 2, 24)])
    table = PropertyTable(
        None, "recipe", (Property("y"),), truth(x)[:, None], conditions=COLUMNS, condition_values=x
    )
    return fit(Transfer("y"), table, seed=0, explain=False)


def test_points_fill_the_space(fitted: Fitted) -> None:
    rows = SPACE.rows(fitted.table)
    low, high = rows.conditions.min(0), rows.conditions.max(0)
    assert (low >= [0, -1, 0]).all()
    assert (high <= [1, 1, 1]).all()
    assert (low[:2] < [0.05, -0.9]).all()
    assert (high[:2] > [0.95, 0.9]).all()
    assert 16 < rows.conditions[:, 2].sum() < 48


def test_tops_are_found_that_no_point_of_a_grid_holds(fitted: Fitted) -> None:
    goals = [Maximize("y")]
    candidates = SPACE(fitted, goals, exclude=fitted.table.rows.keys, seed=1)
    chosen = ImprovementRule()(fitted, candidates, goals, 2, seed=2, round=1)
    rows = candidates.rows.take(chosen.rows)
    best = rows.conditions[0]
    assert best[2] == 1
    assert np.abs(best[:2] - [0.3, 0.4]).max() < 0.15
    assert not set(candidates.rows.keys) & set(fitted.table.rows.keys)
    assert len(set(candidates.rows.keys)) == len(candidates.rows)


class Everything(frozenset):
    """Holds whatever it is asked for."""

    def __contains__(self, item: object) -> bool:
        return True


def test_the_laws_of_candidate_sources_hold(fitted: Fitted) -> None:
    goals = [Maximize("y")]
    free = SPACE(fitted, goals, exclude=(), seed=0).rows.keys
    kept = SPACE(fitted, goals, exclude=frozenset(free[::2]), seed=0).rows.keys
    assert kept
    assert not set(kept) & set(free[::2])
    with pytest.raises(DesignError, match="has been used"):
        SPACE(fitted, goals, exclude=Everything(), seed=0)
    others = [
        ConditionSpace({"x1": (0, 2), "x2": (-1, 1)}, {"catalyst": ["a", "b"]}, n=64),
        ConditionSpace({"x1": (0, 1), "x2": (-1, 1)}, {"catalyst": ["a"]}, n=64),
        ConditionSpace({"x1": (0, 1), "x2": (-1, 1)}, {"catalyst": ["a", "b"]}, n=128),
    ]
    assert len({SPACE.digest, *(o.digest for o in others)}) == 4


@pytest.mark.parametrize("goals", [[Minimize("y")], [Within("y", 0.5, 0.6)]])
def test_every_goal_is_searched_and_the_seed_decides(fitted: Fitted, goals: list) -> None:
    one, same, other = (SPACE(fitted, goals, exclude=(), seed=s).rows.keys for s in (0, 0, 1))
    assert one == same != other


def noise_alone() -> Fitted:
    """Forty values that depend on nothing."""
    rng = np.random.default_rng(1)
    noisy = PropertyTable(
        None, "recipe", (Property("y"),), rng.normal(size=(40, 1)),
        conditions=COLUMNS[:1], condition_values=rng.uniform(size=(40, 1)),
    )  # fmt: skip
    return fit(Transfer("y"), noisy, seed=0, explain=False)


def test_a_lucky_measurement_is_not_what_is_improved_on() -> None:
    """Over the luckiest of 40 values, 2.3 sd above their mean, the largest would be -7.8."""
    fitted = noise_alone()
    acquisition = improvement(fitted, [Maximize("y")], seed=0)
    with torch.no_grad():
        value = acquisition(fitted.layout(SOME_X1.rows(fitted.table))[:, None])
    assert float(value.max()) > -6


def test_measuring_the_best_row_again_is_no_improvement(fitted: Fitted) -> None:
    """The best mean of a measured row is beaten by half of the draws at that very row."""
    goals = [Maximize("y")]
    acquisition = improvement(fitted, goals, seed=0)
    best = incumbents(fitted, goals, seed=0)
    assert 1 <= len(best) <= 4
    assert set(best.keys) <= set(fitted.table.rows.keys)
    space = SPACE.rows(fitted.table)
    with torch.no_grad():
        again = acquisition(fitted.layout(best.take([0]))[:, None])
        new = acquisition(fitted.layout(space)[:, None])
    assert float(again) < float(new.max()) - 1


def test_materials_are_combined_with_conditions() -> None:
    T = Condition("T", "K")
    table = PropertyTable(
        ("C", "CC"), "smiles", (Property("y"),), [[1.0], [2.0]],
        conditions=(T,), condition_values=[[300.0], [310.0]],
    )  # fmt: skip
    rows = ConditionSpace({"T": (300, 400)}, materials=("C", "OC"), n=32).rows(table)
    assert set(rows) == {"C", "CO"}
    assert rows.conditions.min() >= 300


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ConditionSpace(), "has no condition"),
        (lambda: ConditionSpace({"x": (1, 0)}), "goes from 1 to 0"),
        (lambda: ConditionSpace({"x": (0, np.inf)}), "goes from 0 to inf"),
        (lambda: ConditionSpace({"x": (0, 1, 2)}), "give its two ends"),
        (lambda: ConditionSpace({"x": (0, 1)}, {"x": [1]}), r"conditions \['x'\] have an interval"),
        (lambda: ConditionSpace({}, {"x": []}), r"\['x'\] no level"),
        (lambda: ConditionSpace({"x": (0, 1)}, n=100), "power of two"),
    ],
)
def test_impossible_spaces_are_refused(make, said) -> None:
    with pytest.raises((ArgumentError, DesignError), match=said):
        make()


def test_conditions_of_the_table_and_the_space_must_agree(fitted: Fitted) -> None:
    with pytest.raises(DataError, match=r"\['catalyst'\] are missing"):
        ConditionSpace({"x1": (0, 1), "x2": (0, 1)}).rows(fitted.table)
    with pytest.raises(BayesmatError, match=r"\['pH'\] are unknown"):
        ConditionSpace({"x1": (0, 1), "x2": (0, 1), "pH": (0, 1)}, {"catalyst": ["a"]}).rows(
            fitted.table
        )


def test_goals_fix_the_conditions_that_they_are_meant_under(fitted: Fitted) -> None:
    goals = [Maximize("y", at={"x2": 0.5, "catalyst": "b"})]
    rows = SPACE.rows(fitted.table, goals)
    assert set(rows.conditions[:, 1]) == {0.5}
    assert set(rows.conditions[:, 2]) == {1.0}
    found = SPACE(fitted, goals, exclude=(), seed=1).rows
    assert set(found.conditions[:, 1]) == {0.5}
    assert set(found.conditions[:, 2]) == {1.0}
    assert len(set(found.conditions[:, 0])) == len(found)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ({"x1": 2.0}, "meant at x1 = 2.0, which goes from 0 to 1: no measurement in the space"),
        ({"catalyst": "c"}, "meant at catalyst = c, which can be a, b"),
        ({"x1": 0.5, "x2": 0.5, "catalyst": "a"}, "leaves no condition of the space to choose"),
    ],
)
def test_goals_outside_of_the_space_are_refused(fitted: Fitted, at: dict, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        SPACE.rows(fitted.table, [Maximize("y", at=at)])


def test_what_is_no_interval_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"'x' is \[3\]: give its two ends, .* levels="):
        ConditionSpace({"x": 3})  # type: ignore[dict-item]
    with pytest.raises(DesignError, match="the space holds no material"):
        ConditionSpace({"x": (0, 1)}, materials=())
    assert ConditionSpace({}, {"x": [1, 1, 2]}).levels == {"x": (1, 2)}


def test_what_is_proposed_can_be_set(fitted: Fitted) -> None:
    rows = SPACE(fitted, [Maximize("y")], exclude=(), seed=0).rows
    x = rows.conditions[:, :2]
    assert len(rows) > SPACE.n
    np.testing.assert_allclose(x, [[float(f"{v:.4g}") for v in row] for row in x], rtol=1e-12)
    assert max(map(len, rows.keys)) <= len("x1=0.1234, x2=-0.1234, catalyst=a") + 6
    inside = ConditionSpace({"x1": (0.123456, 0.2), "x2": (1e-6, 1.0)}, {"catalyst": ["a"]}, n=64)
    x1, x2, _ = inside.rows(fitted.table).conditions.T
    assert x1.min() >= 0.123456
    assert len(np.unique(x2[x2 < 0.1])) == (x2 < 0.1).sum() > 4  # small values keep their digits
