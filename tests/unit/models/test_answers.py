"""What models answer in: weighted points, left-out cells, labelled draws."""

import math

import pytest
import torch

from bayesmat.models.answers import LeftOutCells, Points, scalars
from bayesmat.models.left_out import LeftOut


def test_large_sites_are_left_out_and_small_ones_named_by_position() -> None:
    draws = {"w": torch.zeros(4, 2, 2), "big": torch.zeros(4, 21), "s": torch.ones(4)}
    assert list(scalars(draws)) == ["w[0]", "w[1]", "w[2]", "w[3]", "s"]
    assert len(scalars({f"s{i}": torch.zeros(3) for i in range(40)})) == 20


@pytest.mark.parametrize(("n", "weighting"), [(1, "given"), (8, "posterior")])
def test_draws_are_equally_weighted_points(n: int, weighting: str) -> None:
    points = Points.of_draws({"s": torch.ones(n)}, n)
    assert points.weighting == weighting
    assert points.log_weights.tolist() == pytest.approx([-math.log(n)] * n)
    assert points.standard is None


def test_what_noise_does_not_explain_is_latent() -> None:
    one = torch.ones(1, 3, dtype=torch.float64)
    cells = LeftOut(one, 5 * one, one, one)
    assert LeftOutCells(one, one, cells).latent_sd[0].tolist() == pytest.approx([2.0] * 3)
    # Rounding must not make a variance negative.
    assert float(LeftOutCells(one, 3 * one, cells).latent_sd.max()) == pytest.approx(1e-12)
