"""Left-out cells of a conditioned Gaussian against conditioning in the space of the others."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from bayesmat.data.observations import Observations
from bayesmat.models.gaussian import condition
from bayesmat.models.left_out import Restandardised, left_out

STATED = [0.3, None, None, 0.05, 0.1, None, 0.02, None, 0.4]
COLUMNS = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1])
# Cells 0 and 5 are left out together, as are 3 and 4; all others alone.
UNITS = torch.tensor([0, 1, 2, 3, 3, 0, 4, 5, 6])
S = 5


@pytest.fixture(scope="module")
def cells() -> Observations:
    y = torch.tensor([4.0, -0.6, -0.5, -0.7, -0.4, 1.2, -0.9, 0.5, -0.8], dtype=torch.float64)
    yvar = torch.tensor([float("nan") if v is None else v for v in STATED], dtype=torch.float64)
    return Observations(torch.arange(9), COLUMNS, y, yvar, 9, ("a", "b"))


@pytest.fixture(scope="module")
def sets(cells: Observations) -> tuple[Tensor, Tensor, Tensor]:
    """Latent covariances, noise variances and prior means of S hyper-parameter sets."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(S, 9, 9, generator=generator, dtype=torch.float64)
    inferred = torch.rand(S, 1, generator=generator, dtype=torch.float64) + 0.1
    noise = torch.where(cells.yvar.isnan(), inferred, cells.yvar)
    mean = torch.randn(S, 9, generator=generator, dtype=torch.float64)
    return root @ root.mT / 9, noise, mean


@pytest.mark.parametrize("exactly", [True, False])
@pytest.mark.parametrize("unit", range(7))
def test_a_unit_is_predicted_in_the_space_of_the_others(
    unit: int,
    exactly: bool,
    cells: Observations,
    sets: tuple[Tensor, Tensor, Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Inferred noise is a share of that space's unit; stated noise is what was stated.

    That of the other cells is scaled along where a unit hardly changes the space, or where so many
    factors would be dear.
    """
    monkeypatch.setattr("bayesmat.models.left_out._CHANGED", 0.0 if exactly else math.inf)
    latent, noise, mean = sets
    conditioned = condition(latent + torch.diag_embed(noise), cells.y - mean)
    space = Restandardised.of(cells, UNITS)
    found = left_out(conditioned, UNITS, observations=cells, space=space)
    out, rest = (UNITS == unit).nonzero().flatten(), (UNITS != unit).nonzero().flatten()
    shift, factor = torch.zeros(9, dtype=torch.float64), torch.ones(9, dtype=torch.float64)
    for j in COLUMNS[out].unique():
        others = cells.y[rest][COLUMNS[rest] == j]
        shift[COLUMNS == j], factor[COLUMNS == j] = others.mean(), others.std()
    z = (cells.y - shift) / factor
    stated = noise / factor.square() if exactly else noise
    there = torch.where(cells.yvar.isnan(), noise, stated)
    inner = latent[:, rest[:, None], rest] + torch.diag_embed(there[:, rest])
    gain = torch.linalg.solve(inner, latent[:, rest[:, None], out]).mT
    centre = mean[:, out] + (gain @ (z[rest] - mean[:, rest])[..., None])[..., 0]
    spread = latent[:, out[:, None], out] - gain @ latent[:, rest[:, None], out]
    own = torch.where(cells.yvar.isnan(), factor.square() * noise, noise)[:, out]
    centre = shift[out] + factor[out] * centre
    spread = factor[out, None] * spread * factor[out] + torch.diag_embed(own)
    torch.testing.assert_close(found.error[:, out], cells.y[out] - centre)
    torch.testing.assert_close(found.variance[:, out], torch.diagonal(spread, dim1=-2, dim2=-1))
    density = MultivariateNormal(centre, spread).log_prob(cells.y[out])
    torch.testing.assert_close(found.log_density[:, unit], density)

    # A set is weighed by what it says of the other cells in their own space.
    whole = MultivariateNormal(mean, latent + torch.diag_embed(noise)).log_prob(cells.y)
    ratio = MultivariateNormal(mean[:, rest], inner).log_prob(z[rest]) - whole
    difference = found.log_ratio[:, unit] - ratio
    torch.testing.assert_close(difference, difference[:1].expand(S))
