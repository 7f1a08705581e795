"""Relevance: closed forms against brute force, and answers known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesmat.check import Relevance, relevance
from bayesmat.check.relevance.exchange import Block, _Rows, blocks_of_features, total_effects
from bayesmat.check.relevance.shares import drawn_parts, shares_of
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import DataError, ModelError
from bayesmat.features import CheapDescriptors, Descriptors2D
from bayesmat.models.base import Fitted, fit
from bayesmat.models.computed import Computed
from bayesmat.models.descriptors import DescriptorGP
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.kernels import ARD, Linear, Matern52, Term
from bayesmat.sources.embedding import CompositeMap, FeatureMap
from tests.unit.models.helpers import Coordinates, space
from tests.unit.models.programs import linear


@dataclass(frozen=True)
class Columns:
    """Some of the coordinates of a point."""

    first: int
    last: int

    @property
    def id(self) -> str:
        return f"columns({self.first},{self.last})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.first, self.last))

    def __call__(self, materials: Sequence[str]) -> Tensor:
        rows = [[float(v) for v in m.split()[self.first : self.last]] for m in materials]
        width = self.last - self.first
        return torch.tensor(rows, dtype=torch.float64).reshape(len(materials), width)


def points(x: np.ndarray, *columns: np.ndarray) -> PropertyTable:
    keys = tuple(" ".join(f"{v:.4f}" for v in row) for row in x)
    properties = tuple(Property(f"p{i}", "K") for i in range(len(columns)))
    return PropertyTable(keys, "id", properties, np.stack(columns, 1))


def three_of_ten(n: int = 70) -> PropertyTable:
    """Total effects over the variance: sin(2x) 0.35, 0.8 x 0.47, 0.5 x 0.18; noise 0.007."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 10)).round(4)
    y = np.sin(2 * x[:, 0]) + 0.8 * x[:, 1] + 0.5 * x[:, 2] + 0.1 * rng.normal(size=n)
    return points(x, y)


@pytest.fixture(scope="module")
def ten() -> Fitted:
    prior = DescriptorGP("p0", Coordinates(10))
    return fit(prior, three_of_ten(), seed=0, explain=False)


@pytest.fixture(scope="module")
def found(ten: Fitted) -> Relevance:
    return relevance(ten, by="feature")


def test_the_descriptors_that_matter_are_found(found: Relevance) -> None:
    included = found.inclusion["p0"]
    assert all(included[f"x{i}"] > 0.95 for i in range(3))
    assert all(included[f"x{i}"] < 0.3 for i in range(3, 10))
    before = found.prior_inclusion["p0"]
    assert all(0.3 < p < 0.9 for p in before.values())
    medians = {name: float(np.median(v)) for name, v in found.shares["p0"].items()}
    # 240 pairs of 70 rows: a sampling error of about 0.07 in each.
    assert medians["x0"] == pytest.approx(0.35, abs=0.15)
    assert medians["x1"] == pytest.approx(0.47, abs=0.15)
    assert medians["x2"] == pytest.approx(0.18, abs=0.1)


def test_what_it_says_in_words_and_in_a_frame(found: Relevance) -> None:
    frame = found.to_frame()
    assert set(frame["feature"][:3]) == {"x0", "x1", "x2"}
    assert (frame["5%"] <= frame["median"]).all()
    assert (frame["median"] <= frame["95%"]).all()
    assert "association, not cause" in str(found)
    assert "p0: matters: x" in str(found)
    assert "<table" in found._repr_html_()
    assert repr(found) == "Relevance(by='feature', properties=['p0'])"


def test_identical_descriptors_share_one_effect() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 3)).round(4)
    x[:, 1] = x[:, 0]
    table = points(x, np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=50))
    prior = DescriptorGP("p0", Coordinates(3))
    twins = relevance(fit(prior, table, seed=0, explain=False), by="feature")
    (note,) = twins.notes
    assert "x0 and x1 (+1.00)" in note
    one, two = twins.shares["p0"]["x0"], twins.shares["p0"]["x1"]
    assert np.corrcoef(one, two)[0, 1] < 0  # what one has the other lacks
    assert float(np.median(one + two)) > 0.2
    assert min(np.quantile(one, 0.05), np.quantile(two, 0.05)) < 0.25 * np.median(one + two)
    assert twins.inclusion["p0"]["x2"] < 0.3


def fixed(prior: PropertyGraph, table: PropertyTable, u: Tensor) -> GraphModel:
    """The graph conditioned at given points of hyper-parameter space."""
    fitted = fit(prior, table, seed=0, explain=False)
    model = fitted.model
    assert isinstance(model, GraphModel)
    return GraphModel(model.problem, type(model.hyper_posterior).point(u))


def test_total_effects_are_those_of_drawn_functions() -> None:
    """Closed form against functions drawn from BoTorch's joint posterior at the same pairs."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(12, 2)).round(4)
    table = points(x, x[:, 0] + 0.3 * np.sin(x[:, 1]) + 0.2 * rng.normal(size=12))
    prior = DescriptorGP("p0", Coordinates(2))
    u = torch.tensor([[0.2, -0.5, 0.3, 0.4]], dtype=torch.float64)
    model = fixed(prior, table, u)
    problem, repeated = model.problem, u.expand(1000, -1)
    blocks = blocks_of_features(problem.joint.nodes[0].terms)
    found = total_effects(
        problem, problem.priors.values(repeated), problem.conditioned(repeated), 0, blocks, seed=5
    )
    rows = _Rows.of(problem, 0, 5)
    X = rows.phi.terms[0][0][rows.first]
    for j in range(2):
        changed = X.clone()
        changed[:, j] = rows.phi.terms[0][0][rows.second][:, j]
        posterior = model.posterior(torch.cat([X, changed])[None])
        mean, covariance = posterior.mean.reshape(-1), posterior.distribution.covariance_matrix
        n = len(X)
        difference = torch.cat([torch.eye(n), -torch.eye(n)], 1).double()
        spread = difference @ covariance.reshape(2 * n, 2 * n) @ difference.T
        centre = difference @ mean
        expected = 0.5 * float((centre.square() + spread.diagonal()).mean())
        draws = found[f"x{j}"]
        assert float(draws.mean()) == pytest.approx(expected, rel=0.05)
        # The spread is read off the first pairs and so a little larger than of all of them.
        sd = 0.5 * float((2 * spread.square().sum() + 4 * centre @ spread @ centre).sqrt()) / n
        assert sd * 0.8 < float(draws.std()) < sd * 1.6


def test_prior_effects_are_those_of_the_kernel(ten: Fitted) -> None:
    """Under the prior E[(f - f')^2] / 2 = w^2 (1 - k), averaged over the pairs."""
    model = ten.model
    assert isinstance(model, GraphModel)
    problem, u = model.problem, torch.zeros(1, len(model.problem.priors.names)).double()
    block = Block("x1", {0: slice(1, 2)})
    found = total_effects(problem, problem.priors.values(u), None, 0, [block], seed=0)
    rows = _Rows.of(problem, 0, 0)
    one, two = rows.taken(None).terms[0][0], rows.taken(block).terms[0][0]
    scale = problem.joint.nodes[0].prepared[0].scale
    r = (5.0 * ((one - two) / scale).square().sum(-1)).sqrt()
    k = (1 + r + r.square() / 3) * torch.exp(-r)
    assert float(found["x1"]) == pytest.approx(float((1 - k).mean()), rel=1e-6)


def chain(rho: float, n: int = 40) -> PropertyTable:
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (n, 2)).round(4)
    first = np.sin(2 * x[:, 0]) + 0.05 * rng.normal(size=n)
    own = np.cos(2 * x[:, 1])
    second = rho * first + (1 - 0.7 * rho) * own + 0.05 * rng.normal(size=n)
    return points(x, first, second)


@pytest.mark.parametrize("rho", [0.0, 1.0])
def test_a_parent_matters_if_the_child_follows_it(rho: float) -> None:
    term = (Term(ARD(factor=0.5, ell_sd=0.5), space(), "smooth", weight=1.0, weight_sd=0.5),)
    nodes = (Node("p0", term), Node("p1", term, (Edge("p0", mean=0.5, sd=0.5),)))
    fitted = fit(PropertyGraph(nodes), chain(rho), seed=0, explain=False)
    found = relevance(fitted, by="node")
    assert set(found.shares["p1"]) == {"p0", "own features", "noise"}
    assert set(found.shares["p0"]) == {"own features", "noise"}
    share = float(np.median(found.shares["p1"]["p0"]))
    assert share < 0.05 if rho == 0 else share > 0.5
    if rho == 1:
        assert found.inclusion["p1"]["p0"] > 0.95
    totals = sum(found.shares["p1"].values())
    np.testing.assert_allclose(totals, 1.0, atol=1e-9)


def test_a_useless_source_is_told_from_a_useful_one() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 6)).round(4)
    table = points(x, x[:, 0] - 0.7 * x[:, 1] + 0.1 * rng.normal(size=60))
    stack = CompositeMap(
        (FeatureMap((Columns(0, 2),), label="useful"), FeatureMap((Columns(2, 6),), label="noise")),
        "sources",
    )
    terms = (
        Term(Linear(), stack, "networks"),
        Term(ARD(), FeatureMap((Columns(2, 6),), label="other"), "descriptors"),
    )
    fitted = fit(PropertyGraph((Node("p0", terms),)), table, seed=0, explain=False)
    found = relevance(fitted, by="source")
    useful, *others = found.shares["p0"]
    assert useful == "useful"
    assert others == ["noise"]  # the same features under two labels are one source
    assert found.inclusion["p0"]["useful"] > 0.95
    assert found.inclusion["p0"]["noise"] < 0.5
    assert np.median(found.shares["p0"]["noise"]) < 0.05
    groups = relevance(fitted, by="group")
    assert set(groups.shares["p0"]) == {"networks", "descriptors", "noise"}
    assert np.median(groups.shares["p0"]["networks"]) > 0.8


def test_drawn_parts_have_the_posterior_of_the_graph() -> None:
    """Moments of the summed parts against those of the exact posterior, with cells missing."""
    table = chain(1.0, 9)
    values = table.values.copy()
    values[2:5, 1] = np.nan
    values[0, 0] = np.nan
    table = PropertyTable(table.materials, "id", table.properties, values)
    term = (Term(Matern52(), space(), "smooth"), Term(Linear(), space(), "line"))
    prior = PropertyGraph((Node("p0", term), Node("p1", term, (Edge("p0"),))))
    fitted = fit(prior, table, seed=0, explain=False)
    model = fitted.model
    assert isinstance(model, GraphModel)
    u = model.hyper_posterior.u[:1].expand(6000, -1)
    problem = model.problem
    hyper, conditioned = problem.priors.values(u), problem.conditioned(u)
    parts = drawn_parts(problem, hyper, conditioned, n_sets=6000, seed=0)
    one = GraphModel(problem, type(model.hyper_posterior).point(u[:1]))
    exact = one.marginals(fitted.layout(table.materials))
    for p in range(2):
        drawn, sd = parts.latent(p), exact.variance[0, :, p].sqrt()
        error = (drawn.mean(0) - exact.mean[0, :, p]) / (sd / 6000**0.5)
        assert float(error.abs().max()) < 4.5  # 18 tests at 4.5 sd: false alarm 1e-4
        np.testing.assert_allclose(drawn.std(0), sd, rtol=0.06)
    names = {**dict.fromkeys(parts.own[1], "own")}
    shares = shares_of(problem, parts, hyper, 1, names)
    torch.testing.assert_close(sum(shares.values()), torch.ones(6000).double())


def test_noise_is_what_the_table_states() -> None:
    """Sds of a hundredth of the property's: a ten-thousandth of its variance, before data too."""
    x = np.random.default_rng(3).normal(size=(30, 2)).round(4)
    table = points(x, 10 * x[:, 0])
    table = replace(table, stds=np.full_like(table.values, 0.1))
    fitted = fit(DescriptorGP("p0", Coordinates(2)), table, seed=0, explain=False)
    found = relevance(fitted, by="group")
    assert found.shares["p0"]["noise"].max() < 1e-3
    assert np.median(found.prior_shares["p0"]["noise"]) < 1e-3
    assert relevance(fitted, by="feature").shares["p0"]["x0"].min() > 0.8


def test_a_computed_parent_is_a_part() -> None:
    alkenes = [f"C=C{'C=C' * i}{tail}" for i in range(1, 6) for tail in ("", "C", "CC", "O")]
    c = np.array([8.0 / (1 + s.count("=")) for s in alkenes])
    rng = np.random.default_rng(5)
    values = c * np.exp(0.05 * rng.normal(size=len(c)))
    table = PropertyTable(
        tuple(alkenes), "smiles", (Property("gap", "eV", "log"),), values[:, None]
    )
    features = FeatureMap((CheapDescriptors(),))
    node = Node("gap", (Term(Linear(), features, "descriptors"),), (), Computed("gap_huckel"))
    fitted = fit(PropertyGraph((node,)), table, seed=0, explain=False)
    by_node, by_group = relevance(fitted, by="node"), relevance(fitted, by="group")
    assert set(by_node.shares["gap"]) == {"gap_huckel", "own features", "noise"}
    assert set(by_group.shares["gap"]) == {"parent", "descriptors", "noise"}
    assert by_node.inclusion["gap"]["gap_huckel"] > 0.95


def test_what_has_no_relevance_is_said() -> None:
    table = points(np.random.default_rng(0).normal(size=(12, 2)).round(3), np.arange(12.0))
    smooth = PropertyGraph((Node("p0", (Term(Matern52(), space(), "smooth"),)),))
    fitted = fit(smooth, table, seed=0, explain=False)
    with pytest.raises(ModelError, match="use the ARD kernel on named"):
        relevance(fitted, by="feature")
    with pytest.raises(DataError, match="by is 'colour'"):
        relevance(fitted, by="colour")  # type: ignore[arg-type]
    program = fit(linear(1), table, seed=0, explain=False)
    with pytest.raises(ModelError, match="reads the terms of a property graph"):
        relevance(program)


def test_descriptor_gp_refuses_what_it_cannot_learn() -> None:
    with pytest.raises(ModelError, match="has 200 columns: a lengthscale for each"):
        DescriptorGP("Tb", Descriptors2D())
    parents = [Computed("gap_huckel"), Computed("gap_huckel")]
    with pytest.raises(ModelError, match="a node takes one"):
        DescriptorGP("Tb", CheapDescriptors(), parents)
    prior = DescriptorGP("Tb", CheapDescriptors(), parents[:1])
    assert prior.nodes[0].computed == parents[0]
