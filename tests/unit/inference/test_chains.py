"""What draws are worth: against ArviZ, closed forms, and chains that are wrong on purpose."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesmat.errors import InferenceError
from bayesmat.inference.chains import (
    bfmi,
    bulk_ess,
    chain_table,
    family_ess,
    mcse_mean,
    population_table,
    split_r_hat,
    tail_ess,
)
from tests.unit import judge


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ar1(c: int, s: int, rho: float, seed: int = 0) -> Tensor:
    """Stationary chains with unit variance: ESS = C S (1 - rho) / (1 + rho)."""
    noise = torch.randn(c, s, 2, generator=generator(seed), dtype=torch.float64)
    draws = noise.clone()
    for t in range(1, s):
        draws[:, t] = rho * draws[:, t - 1] + math.sqrt(1 - rho**2) * noise[:, t]
    return draws


@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.5, 0.95])
@pytest.mark.parametrize("shape", [(1, 4), (1, 100), (2, 30), (3, 51), (4, 200), (8, 20)])
@pytest.mark.parametrize("kind", ["continuous", "rounded"])
def test_every_figure_is_that_of_arviz(shape: tuple[int, int], rho: float, kind: str) -> None:
    draws = ar1(*shape, rho)
    draws = draws if kind == "continuous" else (2 * draws).round()
    ours = torch.stack([split_r_hat(draws), bulk_ess(draws), tail_ess(draws), mcse_mean(draws)])
    for i in range(2):
        x = draws[..., i].numpy()
        # ArviZ gives an indicator that is constant in the halves the full size; we drop it.
        tails = [judge.ess(x, "quantile", p) for p in (0.05, 0.95)]
        varied = [v for v in tails if v != x.size // 2 * 2] or tails
        r_hat = judge.r_hat(x) if shape[0] > 1 else float(ours[0, i])
        theirs = [r_hat, judge.ess(x, "bulk"), min(varied), judge.mcse(x)]
        assert ours[:, i].tolist() == pytest.approx(theirs, rel=1e-8)


def test_ess_of_an_autoregression_is_its_closed_form() -> None:
    """Relative sd of the estimate is about 5 % here: 25 % is five of them."""
    draws = ar1(4, 4000, 0.8)
    assert bulk_ess(draws).tolist() == pytest.approx([16000 * 0.2 / 1.8] * 2, rel=0.25)
    assert mcse_mean(draws).tolist() == pytest.approx([1 / math.sqrt(16000 / 9)] * 2, rel=0.15)


def test_many_draws_of_many_scalars_need_little_memory() -> None:
    table = chain_table({"x": torch.randn(2, 8000, 20, generator=generator())})
    assert len(table) == 20
    assert table["ess_bulk"].between(12_000, 20_000).all()


def test_r_hat_finds_chains_that_differ_in_place_or_in_width() -> None:
    good = torch.randn(4, 500, generator=generator(), dtype=torch.float64)
    apart = good + torch.tensor([0.0, 0.0, 0.0, 1.0]).double()[:, None]
    wide = good * torch.tensor([1.0, 1.0, 1.0, 3.0]).double()[:, None]
    assert float(split_r_hat(good)) < 1.01
    assert float(split_r_hat(apart)) > 1.05
    assert float(split_r_hat(wide)) > 1.05


def test_r_hat_finds_one_chain_that_drifts() -> None:
    drift = torch.linspace(0, 3, 400).double() + torch.randn(2, 400, generator=generator())
    assert float(split_r_hat(drift)) > 1.2


def test_r_hat_does_not_change_with_monotone_transforms_of_the_draws() -> None:
    draws = ar1(4, 100, 0.5)
    location = split_r_hat(draws)
    assert torch.allclose(bulk_ess(draws.exp()), bulk_ess(draws))
    assert float((split_r_hat(draws.exp()) - location).abs().max()) < 0.02


def test_equal_draws_have_no_figures_and_do_not_spoil_others() -> None:
    draws = torch.randn(2, 50, 2, generator=generator(), dtype=torch.float64)
    draws[..., 1] = 3.0
    for statistic in (split_r_hat, bulk_ess, tail_ess, mcse_mean):
        values = statistic(draws)
        assert torch.isfinite(values[0])
        assert torch.isnan(values[1])


def test_bfmi_of_white_noise_is_two_on_average() -> None:
    """Von Neumann's ratio: mean exactly 2, variance 4 (n-2)/(n^2-1); false alarm 6e-5."""
    n, runs = 20, 4000
    values = bfmi(torch.randn(runs, n, generator=generator(), dtype=torch.float64))
    variance = 4 * (n - 2) / (n**2 - 1)
    assert float(values.mean()) == pytest.approx(2, abs=4 * math.sqrt(variance / runs))
    assert float(values.var()) == pytest.approx(variance, rel=0.12)


def test_bfmi_of_a_random_walk_is_about_six_over_its_length() -> None:
    walk = torch.randn(400, 300, generator=generator(), dtype=torch.float64).cumsum(1)
    change = walk.diff(dim=1).square().sum(1).mean()
    spread = (walk - walk.mean(1, keepdim=True)).square().sum(1).mean()
    assert float(change / spread) == pytest.approx(6 / 301, rel=0.2)
    assert float(bfmi(walk).median()) < 0.1
    assert torch.isnan(bfmi(torch.ones(1, 10))).all()


def test_family_ess_between_its_closed_forms() -> None:
    x = torch.randn(600, 2, generator=generator(), dtype=torch.float64)
    alone = family_ess(x, torch.arange(600))
    assert torch.allclose(alone, torch.full((2,), 600.0).double())
    copies = x[:60].repeat_interleave(10, 0)
    families = torch.arange(60).repeat_interleave(10)
    assert torch.allclose(family_ess(copies, families), torch.full((2,), 60.0).double())
    assert torch.allclose(family_ess(copies, families + 7), family_ess(copies, families))
    unequal = torch.tensor([1.0, 1.0, 1.0, -3.0]).double()
    assert float(family_ess(unequal, torch.tensor([0, 0, 0, 1]))) == pytest.approx(3 / (18 / 16))
    assert torch.isnan(family_ess(torch.ones(4), torch.arange(4)))
    assert torch.isnan(family_ess(x[:, 0], torch.zeros(600)))


def test_the_tables_name_every_scalar() -> None:
    draws = {"s": torch.randn(2, 8, generator=generator()), "w": torch.ones(2, 8, 2, 1)}
    table = chain_table(draws)
    assert list(table.index) == ["s", "w[0,0]", "w[1,0]"]
    assert table.loc["s", "mean"] == pytest.approx(float(draws["s"].double().mean()))
    assert math.isnan(table.loc["w[0,0]", "ess_bulk"])
    assert math.isnan(chain_table({"s": draws["s"][:1]}).loc["s", "r_hat"])
    population = population_table({"s": draws["s"].flatten()}, torch.arange(16))
    assert population.loc["s", "ess_bulk"] == pytest.approx(16)
    assert population.loc["s", "mcse_mean"] == pytest.approx(population.loc["s", "sd"] / 4)
    assert math.isnan(population.loc["s", "r_hat"])
    assert chain_table({}).empty


def test_bad_draws_are_refused_with_their_names() -> None:
    with pytest.raises(InferenceError, match=r"'a': \(10,\).*at least four draws"):
        chain_table({"a": torch.zeros(10), "b": torch.zeros(2, 8)})
    with pytest.raises(InferenceError, match="all must come from one run"):
        chain_table({"a": torch.zeros(2, 8), "b": torch.zeros(2, 9)})
    with pytest.raises(InferenceError, match=r"not finite: \{'a': 2\}"):
        chain_table({"a": torch.tensor(np.array([[0, 1, np.nan, np.inf]]))})
