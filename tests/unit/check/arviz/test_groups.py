"""Fits in ArviZ's container: every group, labelled, in units, and agreeing with our own checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat import check
from bayesmat.check import to_arviz
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import InferenceError
from bayesmat.inference.grid import SMCIntegrator
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.population import SMC
from bayesmat.models.base import Fitted, fit
from bayesmat.models.explain import without_units
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import ARD, Linear, Term
from tests.unit import judge
from tests.unit.models.helpers import space
from tests.unit.models.programs import linear


def table() -> PropertyTable:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(9, 2))
    values = np.stack([np.exp(2 * x[:, 0]), 300 + 50 * x.sum(1)], -1)
    values *= 1 + 0.02 * rng.normal(size=values.shape)
    values[[1, 4], 0] = np.nan
    values[7, 1] = np.nan
    properties = (Property("p0", "eV", "log"), Property("p1", "K"))
    return PropertyTable(tuple(f"{a:.3f} {b:.3f}" for a, b in x), "id", properties, values)


@pytest.fixture(scope="module")
def graph() -> Fitted:
    terms = (Term(ARD(), space(), "descriptors"), Term(Linear(), space(), "line"))
    nodes = (Node("p0", terms), Node("p1", terms[1:], (Edge("p0"),)))
    smc = SMCIntegrator(n=128, n_particles=32, final_sweeps=2)
    return fit(PropertyGraph(nodes, smc), table(), seed=0, explain=False)


@pytest.fixture(scope="module")
def program() -> Fitted:
    sampler = NUTS(warmup=10, draws=50, chains=2, max_tree_depth=2)
    return fit(linear(2, 2, sampler, n_draws=60), table(), seed=0)


CELLS = 15
GROUPS = {
    "posterior", "prior", "posterior_predictive", "prior_predictive", "observed_data",
    "log_likelihood",
}  # fmt: skip


def groups_of(data: object) -> set[str]:
    names = data.groups() if not judge.IS_ONE else [g.lstrip("/") for g in data.groups]  # type: ignore[attr-defined]
    return {name for name in names if name}


def test_hyper_parameters_are_variables_with_labels(graph: Fitted) -> None:
    data = to_arviz(graph)
    assert groups_of(data) == GROUPS
    posterior, hyper = data["posterior"], graph.model.complete().draws
    assert posterior.sizes["draw"] == len(graph.model.hyper_posterior.points) == 128
    assert set(posterior.data_vars) == {"noise", "weight", "lengthscale", "rho"}
    assert posterior["noise"].dims == ("chain", "draw", "property")
    np.testing.assert_array_equal(posterior["noise"].sel(property="p1")[0], hyper["p1: noise"])
    weight = posterior["weight"].sel(term="p1: linear(coordinates)")[0]
    np.testing.assert_array_equal(weight, hyper["p1: w linear(coordinates)"])
    assert set(posterior["network"].values) == {"coordinates"}
    assert posterior["term_property"].values.tolist() == ["p0", "p0", "p1"]
    assert posterior["group"].values.tolist() == ["descriptors", "line", "line"]
    ell = posterior["lengthscale"]
    assert ell["feature"].values.tolist() == ["p0: x0", "p0: x1"]
    np.testing.assert_array_equal(ell.sel(feature="p0: x1")[0], hyper["p0: ell x1"])
    assert posterior["rho"]["edge"].values.tolist() == ["p0 -> p1"]
    np.testing.assert_array_equal(posterior["rho"][0, :, 0], hyper["p1: rho p0"])


@pytest.mark.parametrize("kind", ["graph", "program"])
def test_noise_says_whether_cells_state_theirs(kind: str, request: pytest.FixtureRequest) -> None:
    fitted: Fitted = request.getfixturevalue(kind)
    assert to_arviz(fitted)["posterior"]["noise_from"].values.tolist() == ["inferred"] * 2
    stds = np.where(np.isnan(table().values), np.nan, [0.1, 2.0])
    stds[0, 1] = np.nan
    told = fit(fitted.prior, replace(table(), stds=stds), seed=0, explain=False)
    found = to_arviz(told.model)["posterior"]["noise_from"]
    assert found.dims == ("property",)
    assert found.values.tolist() == ["stated", "stated and inferred"]


@pytest.mark.parametrize("kind", ["graph", "program"])
def test_cells_are_labelled_and_in_units(kind: str, request: pytest.FixtureRequest) -> None:
    fitted: Fitted = request.getfixturevalue(kind)
    data = to_arviz(fitted, seed=1)
    assert groups_of(data) - {"sample_stats"} == GROUPS
    seen = data["observed_data"]["y"]
    assert seen.dims == ("cell",)
    assert seen.sizes["cell"] == CELLS
    values = fitted.table.values
    for j, prop in enumerate(fitted.table.properties):
        of_one = seen.values[seen["property"].values == prop.name]
        np.testing.assert_allclose(of_one, values[~np.isnan(values[:, j]), j])
        units = seen["unit"].values[seen["property"].values == prop.name]
        assert set(units) == {prop.unit}
    rows = [fitted.table.materials.index(m) for m in seen["material"].values]
    names = [("p0", "p1").index(p) for p in seen["property"].values]
    np.testing.assert_allclose(seen, values[rows, names])
    for group in ("posterior_predictive", "prior_predictive", "log_likelihood"):
        assert data[group]["y"].dims == ("chain", "draw", "cell")
        assert data[group]["material"].values.tolist() == seen["material"].values.tolist()
    simulated = data["posterior_predictive"]["y"]
    for dim in ("chain", "draw"):
        assert simulated.sizes[dim] == dict(data["posterior"].sizes)[dim]
    hot = simulated.values[..., seen["property"].values == "p1"]
    assert 300 < hot.mean() < 420
    assert (simulated.values[..., seen["property"].values == "p0"] > 0).all()


def test_replicates_of_a_graph_have_its_predictive_moments(graph: Fitted) -> None:
    """Mean of the replicates near the smoothed values; the bound is 5 standard errors."""
    draws = np.concatenate(
        [to_arviz(graph, seed=s)["posterior_predictive"]["y"].values[0] for s in range(40)]
    )
    model, obs = graph.model, graph.table.observations(graph.scales)
    noise = model.problem.noise(model.hyper)
    smooth = (obs.y - noise * model.conditioned.alpha).mean(0)
    hot = obs.columns == 1
    z = (torch.as_tensor(draws[:, hot.numpy()]) - graph.scales[1].loc) / graph.scales[1].sd
    error = (z.mean(0) - smooth[hot]) / (z.std(0) / len(draws) ** 0.5)
    assert float(error.abs().max()) < 5


def test_arvizs_loo_of_a_graph_is_ours(graph: Fitted) -> None:
    """Ours uses every particle of the run, ArviZ the equal-weight ones that the model keeps."""
    density, _ = judge.loo(to_arviz(graph))
    assert density.sum() == pytest.approx(check.loo(graph).elpd, abs=1.0)


def test_arvizs_loo_of_a_program_is_ours(program: Fitted) -> None:
    """In the space of all cells, which is the one that a log likelihood knows."""
    density, pareto_k = judge.loo(to_arviz(program))
    model = program.model.complete()
    found = without_units(model, torch.arange(model.observations.n_cells), None)
    np.testing.assert_allclose(density, found.log_density, atol=judge.PSIS)
    np.testing.assert_allclose(pareto_k, found.pareto_k, atol=judge.PSIS)


def test_every_draw_of_a_program_is_there_and_chains_are_kept_apart(program: Fitted) -> None:
    data = to_arviz(program)
    posterior, run = data["posterior"], program.model.run
    assert len(program.model.noise_sd) == 60
    assert (posterior.sizes["chain"], posterior.sizes["draw"]) == (2, 50)
    np.testing.assert_array_equal(posterior["w"].values, run.draws["w"].numpy())
    assert data["posterior_predictive"]["y"].shape[:2] == (2, 50)
    assert data["log_likelihood"]["y"].shape[:2] == (2, 50)
    assert data["sample_stats"]["diverging"].dtype == bool
    np.testing.assert_array_equal(data["sample_stats"]["energy"].values, run.stats["energy"])
    w = posterior["w"].values
    sizes = [judge.ess(w[:, :, i, j], "bulk") for i in (0, 1) for j in (0, 1)]
    table = run.report.table.filter(like="w", axis=0)
    np.testing.assert_allclose(sorted(sizes), sorted(table["ess_bulk"]), rtol=1e-6)


def test_the_user_names_the_dimensions_of_sites(program: Fitted) -> None:
    data = to_arviz(
        program, dims={"w": ("descriptor", "property")}, coords={"descriptor": ("x0", "x1")}
    )
    for group in ("posterior", "prior"):
        picked = data[group]["w"].sel(descriptor="x1", property="p0")
        assert picked.dims == ("chain", "draw")


def test_prior_draws_are_those_of_the_prior(graph: Fitted, program: Fitted) -> None:
    prior = to_arviz(graph, seed=3)["prior"]
    X = graph.layout(graph.table.materials)
    rows = torch.unique(graph.table.observations().rows)
    draws = graph.prior.sample(X[rows], 128, layout=graph.layout, seed=3)
    np.testing.assert_array_equal(prior["noise"][0], draws.noise_sd)
    again = to_arviz(graph, seed=3)
    np.testing.assert_array_equal(prior["weight"].values, again["prior"]["weight"].values)
    w = to_arviz(program, seed=3)["prior"]["w"].values
    assert w.shape == (1, 100, 2, 2)
    assert abs(w.mean()) < 5 / np.sqrt(w.size)


def test_models_runs_and_hyper_posteriors_are_taken_too(graph: Fitted, program: Fitted) -> None:
    assert groups_of(to_arviz(graph.model)) == {"posterior"}
    assert groups_of(to_arviz(program.model)) == {"posterior", "sample_stats"}
    run = to_arviz(program.model.run)
    assert run["posterior"]["w"].shape == (2, 50, 2, 2)
    assert run["sample_stats"]["diverging"].shape == (2, 50)
    assert to_arviz(graph.model.hyper_posterior)["posterior"]["u"].shape[1] == 32
    population = fit(linear(2, 2, SMC(n=16, sweeps=1, final_sweeps=1), n_draws=16), table(), seed=0)
    data = to_arviz(population)
    assert "sample_stats" not in groups_of(data)
    assert data["posterior"]["w"].shape == (1, 16, 2, 2)
    of_report = to_arviz(graph.report)["posterior"]
    assert of_report["p0: noise"].shape == (1, 32)
    assert "p1: w linear(coordinates)" in of_report
    assert "p0: w ARD Matern-5_2(coordinates)" in of_report  # trees allow no slash in names


def test_arvizs_summary_reads_a_fit(graph: Fitted) -> None:
    summary = judge.arviz.summary(to_arviz(graph), var_names=["noise"], kind="stats")
    assert any("p1" in str(name) for name in summary.index)


def test_a_site_called_noise_is_not_overwritten(program: Fitted) -> None:
    sampled = program.model.sampled
    model = type(program.model)(
        ("p0", "p1"),
        program.model._evaluate,
        replace(sampled, draws={"noise": sampled.draws["s"] + 1}),
    )
    assert torch.equal(model.labelled().values["noise"], sampled.draws["s"] + 1)


def test_what_a_fit_brings_itself_is_not_given_again(graph: Fitted) -> None:
    with pytest.raises(InferenceError, match="are for bare draws by name"):
        to_arviz(graph, chains=True)
    with pytest.raises(InferenceError, match="one label each"):
        to_arviz(graph, coords={"property": ("only one",)})
