"""Goals in physical units become boxes in model space, monotonically."""

from __future__ import annotations

import math

import pytest
import torch

from bayesmat.data.table import Scale
from bayesmat.errors import ModelError
from bayesmat.explore.goals import AtLeast, AtMost, Maximize, Region, Within, region_of

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
