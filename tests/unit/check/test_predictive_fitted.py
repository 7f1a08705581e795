"""Left-out predictions of fitted models: against brute-force refits, ArviZ and by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesmat import check
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import ArgumentError, DataError
from bayesmat.inference.grid import Grid, SMCIntegrator
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.pareto import pareto_smoothed
from bayesmat.models.base import Fitted, fit
from bayesmat.models.explain import without_units
from bayesmat.models.gaussian import condition
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.kernels import Linear, Matern52, Term
from bayesmat.models.left_out import left_out
from tests.unit import judge
from tests.unit.check.helpers import plane, smooth
from tests.unit.models.helpers import space
from tests.unit.models.programs import linear


def graph(n: int = 512, integrator: object = None) -> PropertyGraph:
    term = (Term(Matern52(), space(), "smooth", weight=1.0, weight_sd=0.5),)
    nodes = (Node("a", term, noise_sd=0.5), Node("b", term, (Edge("a"),), noise_sd=0.5))
    return PropertyGraph(nodes, integrator or Grid(n=n, n_particles=64))


def table(n: int = 14, seed: int = 0, sd: float = 0.2) -> PropertyTable:
    """Two related properties of points in the plane, one on the log scale, with holes."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 2))
    x[n // 2] = x[0]  # a replicate
    f = np.sin(x[:, 0]) + 0.5 * x[:, 1]
    y = np.stack([f, np.exp(0.5 * f)], 1)
    y[:, 0] += sd * rng.normal(size=n)
    y[:, 1] *= np.exp(0.5 * sd * rng.normal(size=n))
    y[3:6, 1] = np.nan
    keys = tuple(f"{a:.3f} {b:.3f}" for a, b in x)
    return PropertyTable(keys, "id", (Property("a", "K"), Property("b", "eV", "log")), y)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(graph(200), table(), seed=0, explain=False)


def _dense(fitted: Fitted) -> tuple[Tensor, Tensor, Tensor]:
    """Covariance with noise of all cells at every grid point, prior means, log prior weights."""
    problem, points = fitted.model.problem, fitted.model.hyper_posterior.points
    hyper = problem.priors.values(points)
    covariance = problem.covariance(hyper, len(points)) + torch.diag_embed(problem.noise(hyper))
    obs = problem.observations
    mean = problem.joint.mean(problem.phi, hyper, len(points))[:, problem.index, obs.columns]
    return covariance, mean, torch.zeros(len(points), dtype=torch.float64)


def _log_normal(y: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    return torch.distributions.MultivariateNormal(mean, covariance).log_prob(y)


@pytest.mark.parametrize("by", ["cell", "material"])
def test_on_a_grid_it_is_the_refit_of_the_grid_without_each_unit(fitted: Fitted, by: str) -> None:
    found = check.loo(fitted, by=by)
    covariance, mean, _ = _dense(fitted)
    obs = fitted.model.problem.observations
    for u in range(len(found.labels)):
        out = (found.units == u).nonzero().flatten()
        rest = (found.units != u).nonzero().flatten()
        # A refit knows neither the values that are left out nor what they do to mean and sd.
        shift, factor = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
        for j in set(obs.columns[out].tolist()):
            others = obs.y[rest][obs.columns[rest] == j]
            shift[j], factor[j] = others.mean(), others.std()
        y, d = (obs.y - shift[obs.columns]) / factor[obs.columns], factor[obs.columns]
        inner = covariance[:, rest[:, None], rest]
        cross = covariance[:, out[:, None], rest]
        gain = torch.linalg.solve(inner, cross.transpose(-1, -2)).transpose(-1, -2)
        centre = mean[:, out] + (gain @ (y[rest] - mean[:, rest])[..., None])[..., 0]
        spread = covariance[:, out[:, None], out] - gain @ cross.transpose(-1, -2)
        weights = _log_normal(y[rest], mean[:, rest], inner).softmax(0)
        density = torch.logsumexp(weights.log() + _log_normal(y[out], centre, spread), 0)
        density = density - d[out].log().sum()
        assert float(found.log_density[u]) == pytest.approx(float(density), abs=1e-6)
        at = shift[obs.columns[out]] + d[out] * (weights @ centre)
        torch.testing.assert_close(found.mean[out], at, rtol=0, atol=1e-6)
        sds = spread.diagonal(dim1=-2, dim2=-1).sqrt()
        pit = weights @ torch.special.ndtr((y[out] - centre) / sds)
        torch.testing.assert_close(found.pit[out], pit, rtol=0, atol=1e-6)


def test_it_is_the_fit_to_the_other_cells_with_their_own_scales() -> None:
    """A refit by `fit` standardises anew: an outlier does not stretch what it is judged by.

    The second property, unrelated, keeps every row among those that kernels take lengths from.
    """
    data = table(18, seed=5)
    values = data.values.copy()
    values[:, 1], values[0, 0] = np.exp(np.linspace(-1, 1, 18)), values[0, 0] + 4.0
    data = replace(data, values=values)
    line = (Term(Linear(), space(), "line"),)
    prior = PropertyGraph((Node("a", line), Node("b", line)), Grid(n=256))
    found = check.loo(fit(prior, data, seed=0, explain=False))
    for row in (0, 1, 7):
        some = values.copy()
        some[row, 0] = np.nan
        refit = fit(prior, replace(data, values=some), seed=0, explain=False)
        z = refit.scales[0].to_model(torch.as_tensor(values[row, 0]))
        posterior = refit.model.hyper_posterior
        whole = GraphModel(refit.model.problem, replace(posterior, u=posterior.points))
        cell = whole.marginals(refit.layout([data.materials[row]]))
        sd = (cell.variance[:, 0, 0] + whole.inferred_noise_sd[:, 0].square()).sqrt()
        density = torch.distributions.Normal(cell.mean[:, 0, 0], sd).log_prob(z)
        stretch = math.log(refit.scales[0].sd / found.scales[0].sd)
        expected = float(torch.logsumexp(posterior.log_weights + density, 0)) - stretch
        at = (found.rows == row) & (found.columns == 0)
        assert float(found.log_density[at]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n", [14, 18])
def test_the_report_has_the_same_figures(n: int) -> None:
    fitted = fit(graph(128), table(n), seed=0)
    assert fitted.report.loo is not None
    found = check.loo(fitted)
    torch.testing.assert_close(fitted.report.loo.log_density, found.log_density)
    assert fitted.report.loo.elpd == pytest.approx(found.elpd)


def test_a_block_of_one_cell_is_the_cell(fitted: Fitted) -> None:
    conditioned = fitted.model.conditioned
    n = conditioned.alpha.shape[1]
    alone, blocks = left_out(conditioned), left_out(conditioned, torch.arange(n))
    torch.testing.assert_close(blocks.error, alone.error)
    torch.testing.assert_close(blocks.log_density, alone.log_density)
    everything = left_out(conditioned, torch.zeros(n, dtype=torch.int64))
    expected = conditioned.log_marginal[:, None]
    torch.testing.assert_close(everything.log_density, expected, rtol=1e-6, atol=1e-6)


def test_latent_and_noise_add_up(fitted: Fitted) -> None:
    found = check.loo(fitted)
    problem = fitted.model.problem
    hyper = problem.priors.values(fitted.model.hyper_posterior.points)
    noise = problem.noise(hyper)
    inferred = bool(problem.observations.yvar.isnan().all())
    # In the space of the other cells the noise is as much larger as their sd is.
    ratio = found.noise_sds.square() / noise
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))
    assert inferred
    assert bool((found.latent_sd < found.sd).all())


def test_after_smc_it_is_arvizs_loo_of_the_same_densities() -> None:
    model = graph(integrator=SMCIntegrator(n=128, n_particles=32))
    fitted = fit(model, table(), seed=1, explain=False)
    n = fitted.model.observations.n_cells
    found = without_units(fitted.model, torch.arange(n), None)
    conditional = found.predictions.cells.log_density
    data = check.to_arviz({"none": torch.zeros(len(conditional))}, log_likelihood=conditional)
    density, pareto_k = judge.loo(data)
    np.testing.assert_allclose(found.log_density, density, atol=judge.PSIS)
    np.testing.assert_allclose(found.pareto_k, pareto_k, atol=judge.PSIS)


def test_given_hyper_parameters_nothing_is_approximate(fitted: Fitted) -> None:
    obs, X = fitted.table.observations(), fitted.layout(fitted.table.materials)
    hyper = {name: float(v.mean()) for name, v in fitted.model.hyper.items()}
    model = fitted.prior.condition_at(obs, X, hyper, layout=fitted.layout)
    found = check.loo(replace(fitted, model=model))
    assert bool(found.pareto_k.isnan().all())
    assert bool(check.loo(fitted).pareto_k.isnan().all()), "a grid's weights are exact"
    assert found.suspects == ()
    np.testing.assert_allclose(found.weights.numpy(), 1.0)


def test_replicates_predict_each_other_unless_left_out_together() -> None:
    data = table(12, sd=0.05)
    fitted = fit(graph(1024), data, seed=0, explain=False)
    twins = [i for i, m in enumerate(data.materials) if data.materials.count(m) == 2]
    assert len(twins) == 2
    cells, blocks = check.loo(fitted), check.loo(fitted, by="material")
    at = torch.tensor([r in twins for r in cells.rows.tolist()]) & (cells.columns == 0)
    assert float(blocks.latent_sd[at].mean()) > 1.5 * float(cells.latent_sd[at].mean())
    assert len(blocks.labels) == len(set(data.materials))


def test_an_outlier_is_named() -> None:
    data = table(24, seed=3, sd=0.1)
    values = data.values.copy()
    values[10, 0] += 8.0
    broken = replace(data, values=values)
    integrator = ImportanceIntegrator(n=512)
    clean = check.loo(fit(graph(integrator=integrator), data, seed=0, explain=False))
    found = check.loo(fit(graph(integrator=integrator), broken, seed=0, explain=False))
    label = f"{data.materials[10]}: a"
    assert label in found.suspects
    assert label not in clean.suspects
    assert clean.surprises == ()
    assert "such as" in str(found)


@pytest.fixture(scope="module")
def program() -> Fitted:
    """Regressions of two properties; every third row states the sd of its values."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(16, 2))
    y = np.stack([x @ [1.0, -0.5], x @ [0.3, 0.8]], 1) + 0.3 * rng.normal(size=(16, 2))
    y[2:4, 1] = np.nan
    stds = np.full_like(y, np.nan)
    stds[::3] = np.where(np.isnan(y[::3]), np.nan, 0.4)
    keys = tuple(f"{a:.3f} {b:.3f}" for a, b in x)
    properties = (Property("p0", "K"), Property("p1", "K"))
    sampler = NUTS(warmup=60, draws=200, chains=1, max_tree_depth=4)
    prior = linear(sampler=sampler, n_draws=100)
    return fit(prior, PropertyTable(keys, "id", properties, y, stds), seed=0, explain=False)


def test_a_program_agrees_with_arviz_of_its_likelihood(program: Fitted) -> None:
    obs = program.model.observations
    found = without_units(program.model, torch.arange(obs.n_cells), None)
    X = program.layout(program.table.materials)
    f = program.model.latent(X)[:, obs.rows, obs.columns]
    torch.testing.assert_close(found.predictions.mean, f)
    inferred = program.model.inferred_noise_sd[:, obs.columns]
    noise = torch.where(obs.yvar.isnan(), inferred, obs.yvar.sqrt())
    log_likelihood = torch.distributions.Normal(f, noise).log_prob(obs.y)
    torch.testing.assert_close(program.model.pointwise, log_likelihood)
    theirs = check.psis_loo(log_likelihood)
    torch.testing.assert_close(found.log_density, theirs.log_density, rtol=0, atol=1e-8)
    torch.testing.assert_close(found.pareto_k, theirs.pareto_k, rtol=0, atol=1e-8)


def test_draws_of_a_program_are_weighed_in_the_space_of_the_other_cells(program: Fitted) -> None:
    """By hand: draws given all cells, weighed by p'(all but i) / p(all), predict cell i there.

    A stated sd is a length on the property's axis, which the other cells measure anew.
    """
    found, obs, model = check.loo(program), program.model.observations, program.model
    f, sd = model.latent(model.sampled.X)[:, obs.rows, obs.columns], model.inferred_noise_sd
    sd = torch.where(obs.yvar.isnan(), sd[:, obs.columns], obs.yvar.sqrt())
    normal = torch.distributions.Normal
    before = normal(f, sd).log_prob(obs.y).sum(1)
    assert obs.yvar.isnan()[[0, 2, 20]].tolist() == [False, True, True]
    for i in (0, 2, 20):
        j = int(obs.columns[i])
        rest = (obs.columns == j) & (torch.arange(obs.n_cells) != i)
        shift, factor = obs.y[rest].mean(), obs.y[rest].std()
        y = torch.where(obs.columns == j, (obs.y - shift) / factor, obs.y)
        stated = (obs.columns == j) & ~obs.yvar.isnan()
        each = normal(f, torch.where(stated, sd / factor, sd)).log_prob(y)
        raw = each.sum(1) - each[:, i] - before
        smooth, _ = pareto_smoothed((raw - torch.logsumexp(raw, 0))[:, None])
        density = torch.logsumexp(smooth[:, 0] + each[:, i], 0) - factor.log()
        assert float(found.log_density[i]) == pytest.approx(float(density), abs=1e-8)


@pytest.mark.parametrize("kind", ["graph", "program"])
def test_stated_sds_are_the_noise_of_left_out_cells(kind: str, program: Fitted) -> None:
    """Whatever space the others make: an outlier left out does not make its stated sd smaller."""
    fitted = program
    if kind == "graph":
        data = table(14)
        stds = np.full_like(data.values, np.nan)
        stds[::2, 0] = 0.3
        values = data.values.copy()
        values[0, 0] += 5.0
        broken = replace(data, values=values, stds=stds)
        fitted = fit(graph(64), broken, seed=0, explain=False)
    found, obs = check.loo(fitted), fitted.model.observations
    known = found.noise_sds[:, ~obs.yvar.isnan()]
    torch.testing.assert_close(known, obs.yvar[~obs.yvar.isnan()].sqrt().expand_as(known))
    inferred = found.noise_sds[:, obs.yvar.isnan()]
    assert bool((inferred.std(0) > 0).all())


def test_a_program_left_out_by_material(program: Fitted) -> None:
    found = check.loo(program, by="material")
    assert len(found.labels) == 16
    first = found.units == found.units[0]
    assert int(first.sum()) == 2
    plain = without_units(program.model, found.units, None)
    joint = program.model.pointwise[:, first].sum(-1, keepdim=True)
    theirs = check.psis_loo(joint)
    unit = int(found.units[0])
    assert float(plain.log_density[unit]) == pytest.approx(float(theirs.log_density), abs=1e-8)
    assert "one material at a time" in str(found)


def test_frames_are_in_physical_units(fitted: Fitted) -> None:
    found = check.loo(fitted)
    frame = found.to_frame()
    cells = fitted.table.values[frame["row"], [("a", "b").index(p) for p in frame["property"]]]
    np.testing.assert_allclose(frame["measured"], cells, rtol=1e-10)
    b = frame[frame["property"] == "b"]
    assert bool((b["90% lower"] > 0).all())
    assert "<table" in found._repr_html_()


def test_left_out_of_two_cells_by_hand() -> None:
    covariance = torch.tensor([[[2.0, 1.0], [1.0, 2.0]]], dtype=torch.float64)
    found = left_out(condition(covariance, torch.tensor([[1.0, 0.0]], dtype=torch.float64)))
    assert found.error[0].tolist() == pytest.approx([1.0, -0.5])
    assert found.variance[0].tolist() == pytest.approx([1.5, 1.5])
    density = -0.5 * (1 / 1.5 + math.log(2 * math.pi * 1.5))
    assert float(found.log_density[0, 0]) == pytest.approx(density)


def test_fits_to_one_table_are_subtracted_cell_by_cell(fitted: Fitted) -> None:
    """Also where one relates more properties than the other, and by a scale of its own."""
    alone = fit(PropertyGraph(graph().nodes[:1], Grid(200, 64)), table(), seed=0, explain=False)
    both, one = check.loo(fitted), check.loo(alone)
    found = both - one
    cells = both.columns == 0
    gap = (both.crps[cells] - one.crps).mean() * both.scales[0].sd
    assert found["a", "crps"].value == pytest.approx(float(gap))
    assert found["a", "crps"].lower < found["a", "crps"].value < found["a", "crps"].upper
    assert "material" in str(found)
    assert (one - both)["a", "nll"].value == pytest.approx(-found["a", "nll"].value)
    assert set((both - both).estimates) > {"a", "b"}


def test_what_was_not_left_out_alike_is_not_subtracted(fitted: Fitted) -> None:
    cells, materials = check.loo(fitted), check.loo(fitted, by="material")
    with pytest.raises(DataError, match="one material was left out at a time here, one cell there"):
        materials - cells
    fewer = fit(graph(200), table().subset(range(10)), seed=0, explain=False)
    with pytest.raises(DataError, match="did not predict the same cells: 8 of"):
        cells - check.loo(fewer)
    values = table().values.copy()
    values[1, 0] += 0.3
    changed = fit(graph(200), replace(table(), values=values), seed=0, explain=False)
    with pytest.raises(DataError, match="different measured values"):
        cells.minus(check.loo(changed))
    renamed = replace(table(), materials=("9 9", *table().materials[1:]))
    with pytest.raises(DataError, match=r"same cells.*9 9"):
        cells - check.loo(fit(graph(200), renamed, seed=0, explain=False))


def test_one_row_has_no_standard_error_and_accuses_nobody() -> None:
    found = check.loo(fit(smooth(), plane(12).select(["a"]).subset([3]), seed=0, explain=False))
    assert math.isnan(found.elpd_se)
    assert "standard error undefined" in str(found)
    assert found.summary().problems == ()


def test_a_number_is_not_subtracted_from_left_out_predictions(fitted: Fitted) -> None:
    with pytest.raises(ArgumentError, match="other is 3"):
        check.loo(fitted) - 3
