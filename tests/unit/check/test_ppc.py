"""Predictive checks: simulations against closed forms, and that they fire."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.check import posterior_predictive, prior_predictive
from bayesmat.check.ppc import STATISTICS
from bayesmat.data.table import Property, PropertyTable
from bayesmat.inference.nuts import NUTS
from bayesmat.models.base import fit, layout_of
from tests.unit.models.programs import linear

from .helpers import pair, plane, smooth, straight


def test_statistics_by_hand() -> None:
    y = torch.tensor([[0.0, 0.0, 1.0, 1.0, 8.0]]).double()
    found = {name: float(statistic(y)[0]) for name, statistic in STATISTICS.items()}
    assert found["mean"] == 2.0
    assert found["sd"] == pytest.approx(np.sqrt(9.2))
    assert (found["min"], found["max"]) == (0.0, 8.0)
    assert found["skewness"] == pytest.approx((2 * -8 + 2 * -1 + 216) / 5 / 9.2**1.5)
    assert found["largest |z|"] == pytest.approx(7.0)


def test_simulated_cells_have_the_moments_of_the_posterior() -> None:
    fitted = fit(pair(), plane(12), seed=0, explain=False)
    obs = fitted.table.observations(fitted.scales)
    found = posterior_predictive(fitted, n=6000, seed=0)
    marginals = fitted.marginals(fitted.table.materials)
    for j, (name, scale) in enumerate(zip("ab", fitted.scales, strict=True)):
        at = obs.columns == j
        rows = obs.rows[at]
        model = scale.to_model(torch.as_tensor(found.draws[name])).numpy()
        sd = marginals.sd(observation=True)[rows, j].numpy()
        mean = marginals.mixture_mean[rows, j].numpy()
        # 24 cells, 6000 draws: beyond 4.5 standard errors has probability 2e-4.
        np.testing.assert_array_less(np.abs(model.mean(0) - mean), 4.5 * sd / np.sqrt(6000))
        np.testing.assert_allclose(model.std(0), sd, rtol=0.06)
        np.testing.assert_allclose(found.measured[name], fitted.table.values[:, j])


def test_simulated_cells_are_drawn_jointly() -> None:
    """The mean over cells varies as their joint covariance says, not as independent cells."""
    fitted = fit(smooth(), plane(15, noise=0.5).select(["a"]), seed=0, explain=False)
    model = fitted.model
    X = fitted.layout(fitted.table.materials)
    joint = model.posterior(X, observation_noise=True).mvn
    within = joint.covariance_matrix.mean((-2, -1)).mean()
    between = joint.mean.mean(-1).var(unbiased=False)
    draws = posterior_predictive(fitted, n=6000, seed=1).draws["a"]
    means = fitted.scales[0].to_model(torch.as_tensor(draws)).mean(1)
    assert float(means.var()) == pytest.approx(float(within + between), rel=0.1)


def test_a_program_simulates_its_draws() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(16, 2))
    y = x @ [1.0, -0.5] + 0.3 * rng.normal(size=16)
    keys = tuple(f"{a:.3f} {b:.3f}" for a, b in x)
    table = PropertyTable(keys, "id", (Property("p0", "K"),), y[:, None])
    prior = linear(m=1, sampler=NUTS(warmup=60, draws=100, chains=1), n_draws=100)
    fitted = fit(prior, table, seed=0, explain=False)
    found = posterior_predictive(fitted, n=4000, seed=0)
    marginals = fitted.marginals(keys)
    model = fitted.scales[0].to_model(torch.as_tensor(found.draws["p0"])).numpy()
    np.testing.assert_allclose(model.std(0), marginals.sd(observation=True)[:, 0], rtol=0.1)
    assert found.problems == ()
    before = prior_predictive(prior, table, n=200, seed=0)
    assert before.draws["p0"].shape == (200, 16)
    assert before.problems == ()


def test_a_fit_of_its_own_kind_of_data_passes() -> None:
    """Twelve statistics with p < 0.01 each, mild as the data are used twice."""
    found = posterior_predictive(fit(pair(), plane(40), seed=0, explain=False), seed=0)
    assert found.problems == ()
    assert "look like what the posterior simulates" in str(found)
    assert "<table" in found._repr_html_()


def test_a_line_through_a_peak_is_found_by_skewness() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (60, 2))
    y = 5 * np.exp(-8 * (x**2).sum(1)) + 0.05 * rng.normal(size=60)
    keys = tuple(f"{a:.4f} {b:.4f}" for a, b in x)
    table = PropertyTable(keys, "id", (Property("a", "K"),), y[:, None])
    found = posterior_predictive(fit(straight(), table, seed=0, explain=False), seed=0)
    assert any("a: the skewness of the measurements" in text for text in found.problems)


def test_a_unit_slip_in_one_row_is_found() -> None:
    table = plane(40).select(["a"])
    values = table.values.copy()
    values[3] *= 1000.0
    for check in (
        posterior_predictive(
            fit(smooth(), replace(table, values=values), seed=0, explain=False), seed=0
        ),
        prior_predictive(smooth(), replace(table, values=values), seed=0),
    ):
        assert any("largest |z|" in text and "larger" in text for text in check.problems)


def test_a_prior_that_is_far_too_narrow_or_wide_conflicts() -> None:
    table = plane(40).select(["a"])
    good, node = smooth(), smooth().nodes[0]
    assert prior_predictive(good, table, seed=0).problems == ()
    term = replace(node.terms[0], weight=0.01, weight_sd=0.1)
    narrow = replace(good, nodes=(replace(node, terms=(term,), noise=0.01, noise_sd=0.1),))
    found = prior_predictive(narrow, table, seed=0)
    assert found.probabilities["a", "sd"] < 0.01
    assert "prior and data are in conflict" in " ".join(found.problems)
    term = replace(node.terms[0], weight=100.0, weight_sd=0.1)
    wide = replace(good, nodes=(replace(node, terms=(term,)),))
    assert prior_predictive(wide, table, seed=0).probabilities["a", "sd"] < 0.05


def test_prior_simulations_have_the_priors_variance() -> None:
    table, prior = plane(10).select(["a"]), smooth(noise=0.3, noise_sd=0.01)
    node = prior.nodes[0]
    term = replace(node.terms[0], weight=1.0, weight_sd=0.01)
    known = replace(prior, nodes=(replace(node, terms=(term,)),))
    found = prior_predictive(known, table, n=8000, seed=0)
    z = (found.draws["a"] - table.scales[0].loc) / table.scales[0].sd
    # 1 (kernel) + 1 (mean) + 0.09 (noise); 8000 draws of ten dependent cells.
    assert z.var() == pytest.approx(2.09, rel=0.06)
    assert layout_of(known).width == 2


def test_own_statistics() -> None:
    fitted = fit(smooth(), plane(20).select(["a"]), seed=0, explain=False)
    found = posterior_predictive(
        fitted, statistics={"range": lambda y: y.amax(-1) - y.amin(-1)}, n=50, seed=0
    )
    assert list(found.observed) == [("a", "range")]
    assert found.observed["a", "range"] == pytest.approx(np.ptp(fitted.table.values))


@pytest.mark.parametrize(
    ("n", "undefined"),
    [(1, {"sd", "skewness", "largest |z|"}), (2, {"skewness", "largest |z|"}), (3, set())],
)
def test_what_few_values_do_not_have_is_no_conflict(n: int, undefined: set[str]) -> None:
    found = prior_predictive(smooth(), plane(12).select(["a"]).subset(list(range(n))), seed=0)
    assert {statistic for _, statistic in found.undefined} == undefined
    assert set(found.probabilities) == set(found.observed) - set(found.undefined)
    assert found.problems == ()
    frame = found.to_frame().set_index("statistic")
    assert set(frame.index[frame["probability"].isna()]) == undefined
    for page in (str(found), found._repr_html_()):
        assert "nan" not in page
        assert ("Undefined for these data, so not judged" in page) == bool(undefined)


def test_equal_values_have_no_shape() -> None:
    table = plane(12).select(["a"])
    values = table.values.copy()
    values[:7] = values[0]  # more than half: their median absolute deviation is 0
    found = prior_predictive(smooth(), replace(table, values=values), seed=0)
    assert found.undefined == (("a", "largest |z|"),)


def test_own_statistics_may_be_undefined_everywhere_or_in_some_simulations() -> None:
    fitted = fit(smooth(), plane(20).select(["a"]), seed=0, explain=False)
    statistics = {
        "never": lambda y: y.sum(-1) * torch.nan,
        "log mean": lambda y: y.mean(-1).log() - 100 * (y.mean(-1) > 0),
    }
    found = posterior_predictive(fitted, statistics=statistics, n=50, seed=0)
    assert ("a", "never") in found.undefined
    some = found.replicated["a", "log mean"]
    assert len(found.defined("a", "log mean")) == np.isfinite(some).sum()
    alone = posterior_predictive(fitted, statistics={"never": statistics["never"]}, n=9, seed=0)
    assert alone.problems == ()
    assert "look like" not in str(alone)
