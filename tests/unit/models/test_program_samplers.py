"""A program has one posterior, whichever sampler finds it.

False alarm rate of this file: below 1e-3 (bounds are 5 Monte Carlo errors).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from bayesmat.errors import InferenceError
from bayesmat.inference.laplace import Laplace
from bayesmat.inference.moves import HMC, MALA
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.population import SMC
from bayesmat.inference.report import Sampler
from tests.unit.models.helpers import axes, observations
from tests.unit.models.programs import linear

N, D, SD = 12, 3, 0.5
SAMPLERS: dict[str, Sampler] = {
    "random walk": SMC(n=500),
    "HMC": SMC(n=400, move=HMC()),
    "MALA": SMC(n=500, move=MALA(), final_sweeps=4),
    "Laplace": Laplace(draws=2000),
}


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


X = normal(N, D)
Y = X @ torch.tensor([1.0, -0.5, 0.2]).double() + SD * normal(N, seed=1)
CELLS = replace(
    observations([(i, 0) for i in range(N)], Y, N, 1), yvar=torch.full((N,), SD**2).double()
)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_conjugate_regression_has_its_closed_form(name: str) -> None:
    covariance = torch.linalg.inv(torch.eye(D).double() + X.T @ X / SD**2)
    mean, sd = covariance @ X.T @ Y / SD**2, covariance.diagonal().sqrt()
    marginal = MultivariateNormal(torch.zeros(N).double(), X @ X.T + SD**2 * torch.eye(N).double())
    model = linear(1, D, SAMPLERS[name], n_draws=200).condition(CELLS, X, layout=axes(D), seed=3)
    report = model.report.inference
    found = report.table.loc[[f"w[{i},0]" for i in range(D)]]
    error = (torch.tensor(found["mean"].to_numpy()) - mean) / torch.tensor(
        found["mcse_mean"].to_numpy()
    )
    assert error.abs().max() < 5
    assert torch.allclose(torch.tensor(found["sd"].to_numpy()), sd, rtol=0.2)
    noise = report.table.loc["s[0]"]  # known errors leave its prior alone
    assert noise["mean"] == pytest.approx(math.sqrt(2 / math.pi), abs=5 * noise["mcse_mean"])
    bound = 5 * report.log_evidence_sd
    assert report.log_evidence == pytest.approx(float(marginal.log_prob(Y)), abs=bound)
    assert bound < 1.5
    assert model.n_draws == 200
    f = model.marginals(X[:2]).mixture_mean[:, 0]
    assert torch.allclose(
        f, X[:2] @ mean, atol=5 * float((X[:2] @ covariance @ X[:2].T).max() / 50) ** 0.5
    )
    assert model.report.n_cells == N


@pytest.mark.parametrize(
    "sampler",
    [SMC(n=32, sweeps=1, final_sweeps=1), NUTS(warmup=2, draws=8, chains=1, max_tree_depth=1)],
    ids=lambda s: type(s).__name__,
)
def test_a_program_s_checkpoint_knows_its_cells(sampler: Sampler, tmp_path: Path) -> None:
    """Another measured value, error or row is another run, however small the change."""
    path = tmp_path / "run.safetensors"
    prior = linear(1, D, sampler, n_draws=8)
    first = prior.condition(CELLS, X, layout=axes(D), seed=0, checkpoint=path)
    again = prior.condition(CELLS, X, layout=axes(D), seed=0, checkpoint=path)
    assert torch.equal(first.draws["w"], again.draws["w"])
    y, yvar = CELLS.y.clone(), CELLS.yvar.clone()
    y[3] += 1e-7
    yvar[3] = torch.nan
    rows = CELLS.rows.flip(0)
    for other in (replace(CELLS, y=y), replace(CELLS, yvar=yvar), replace(CELLS, rows=rows)):
        with pytest.raises(InferenceError, match="belongs to another run"):
            prior.condition(other, X, layout=axes(D), seed=0, checkpoint=path)
