"""Goals in physical units become boxes in model space, monotonically."""

from __future__ import annotations

import math

import pytest
import torch

from bayesmat.data.table import Property, Scale
from bayesmat.errors import ModelError
from bayesmat.explore.goals import (
    AtLeast,
    AtMost,
    Maximize,
    Minimize,
    Target,
    Within,
    at_of,
    nearest,
    targets_of,
)
from bayesmat.explore.region import Region, region_of

SCALES = (Scale(True, math.log(5.0), 0.5), Scale(False, 300.0, 100.0))
NAMES = ("gap", "Tb")


def test_bounds_are_mapped_through_log_and_standardisation() -> None:
    region = region_of([Within("gap", 2.0, 2.5), AtLeast("Tb", 400.0)], NAMES, SCALES)
    assert region.lower.tolist() == pytest.approx([math.log(2 / 5) / 0.5, 1.0])
    assert region.upper.tolist() == [pytest.approx(math.log(2.5 / 5) / 0.5), math.inf]
    assert region.bounded.tolist() == [True, True]


def test_goals_on_one_property_intersect() -> None:
    region = region_of([AtLeast("Tb", 250.0), AtMost("Tb", 350.0)], NAMES, SCALES)
    assert region.lower[1], region.upper[1] == (-0.5, 0.5)
    assert not bool(region.bounded[0])


def test_distance_is_euclidean_and_zero_inside() -> None:
    region = Region(torch.tensor([0.0, 0.0]), torch.tensor([1.0, math.inf]))
    points = torch.tensor([[0.5, 9.0], [4.0, -4.0]])
    assert region.distance(points).tolist() == [0.0, 5.0]


def test_met_includes_the_ends() -> None:
    assert [Within("gap", 2.0, 2.5).met(v) for v in (1.99, 2.0, 2.5, 2.51)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_impossible_goals_say_why() -> None:
    with pytest.raises(ModelError, match=r"lower 3.0 is not below upper 2.0"):
        Within("gap", 3, 2)
    with pytest.raises(ModelError, match="names 'density', the model knows"):
        region_of([Maximize("density")], NAMES, SCALES)
    with pytest.raises(ModelError, match="leave no value"):
        region_of([AtLeast("Tb", 350.0), AtMost("Tb", 250.0)], NAMES, SCALES)
    with pytest.raises(ModelError, match="log scale, so bounds must be positive"):
        region_of([AtLeast("gap", -1.0)], NAMES, SCALES)


PROPERTIES = (Property("gap", "eV", "log"), Property("Tb", "K"))


def test_goals_become_one_target_for_each_property() -> None:
    goals = [AtLeast("Tb", 300.0), Minimize("gap"), AtMost("Tb", 400.0)]
    assert targets_of(goals, PROPERTIES) == (
        Target(PROPERTIES[1], 300.0, 400.0),
        Target(PROPERTIES[0], sign=-1),
    )
    assert [str(t) for t in targets_of(goals, PROPERTIES)] == [
        "Tb between 300 and 400 K",
        "smallest gap",
    ]


@pytest.mark.parametrize(
    ("goals", "best"),
    [
        ([AtLeast("Tb", 300.0), AtMost("Tb", 400.0)], 1),
        ([Within("Tb", 300.0, 400.0)], 1),
        ([AtLeast("Tb", 300.0)], 0),
        ([Maximize("Tb")], 2),
        ([Minimize("Tb")], 0),
        ([Within("Tb", 300.0, 400.0), AtMost("gap", 1.0)], 2),
        ([Within("gap", 8.0, 9.0)], 0),
    ],
)
def test_the_nearest_material_is_judged_by_all_goals(goals: list, best: int) -> None:
    found = [
        {"Tb": 301.0, "gap": 3.0},
        {"Tb": 350.0, "gap": 2.0},
        {"Tb": 398.0, "gap": 1.0},
    ]
    scales = dict(zip(NAMES, SCALES, strict=True))
    assert nearest(found, targets_of(goals, PROPERTIES), scales) == best


def test_a_material_without_all_values_is_not_ranked() -> None:
    targets, scales = (
        targets_of([Maximize("Tb"), AtMost("gap", 2.0)], PROPERTIES),
        dict(zip(NAMES, SCALES, strict=True)),
    )
    assert nearest([{"Tb": 900.0}, {"Tb": 300.0, "gap": 3.0}], targets, scales) == 1
    assert nearest([{"Tb": 900.0}], targets, scales) is None


def test_one_category_has_two_spellings_in_goals():
    assert at_of([AtLeast("a", 1.0, at={"lab": 1}), AtMost("b", 2.0, at={"lab": "1"})]) == {
        "lab": 1
    }
    with pytest.raises(ModelError, match=r"the conditions \['T'\] of `at` are no finite numbers"):
        AtLeast("a", 1.0, at={"T": float("nan"), "solvent": "water"})
