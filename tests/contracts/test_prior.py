"""The laws of every prior, and of what only some can do. A new one joins by being in PRIORS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.errors import ModelError
from bayesmat.inference.grid import Grid
from bayesmat.models.descriptors import DescriptorGP
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.kernels import Linear, Term
from bayesmat.models.model import GenerativePrior, Prior, PropertyModel, QuickPrior, Reducible
from bayesmat.models.transfer import Transfer
from bayesmat.sources.embedding import CompositeMap, FeatureMap
from tests.contracts.page import page
from tests.contracts.randomness import untouched
from tests.unit.models.helpers import Coordinates, axes, chain_graph, observations, space
from tests.unit.models.programs import linear

N = 8
SMALL = Grid(n=64, n_particles=8)


@dataclass(frozen=True)
class Case:
    make: Callable[[], Prior]
    others: tuple[Callable[[], Prior], ...]  # other posteriors: must have other digests
    can: frozenset[type] = frozenset()


def chain(m: int = 2) -> PropertyGraph:
    return PropertyGraph(chain_graph(m).nodes, SMALL)


def transfer(property: str = "p0", d: int = 2, integrator: Grid = SMALL) -> PropertyGraph:
    points = Coordinates(d)
    return Transfer(property, fingerprints=points, descriptors=points, integrator=integrator)


def quicker(node: int) -> Prior:
    """The chain with one setting of one node changed."""
    nodes = list(chain().nodes)
    nodes[node] = replace(nodes[node], mean_sd=0.8)
    return PropertyGraph(tuple(nodes), SMALL)


def with_another_term() -> Prior:
    first, second = chain().nodes
    return PropertyGraph((replace(first, terms=(Term(Linear(), space(), "x"),)), second), SMALL)


def ridge(property: str = "p0", d: int = 2, noise: float = 0.3) -> Prior:
    made: Prior = page()["Ridge"](property, FeatureMap((Coordinates(d),)), noise)
    return made


GRAPH = frozenset({GenerativePrior, Reducible, QuickPrior})
PRIORS = {
    "graph": Case(
        chain, (lambda: chain(3), lambda: quicker(0), lambda: quicker(1), with_another_term), GRAPH
    ),
    "transfer": Case(
        transfer,
        (
            lambda: transfer("p1"),
            lambda: transfer(d=3),
            lambda: transfer(integrator=Grid(n=32, n_particles=8)),
        ),
        GRAPH,
    ),
    "descriptors": Case(
        lambda: DescriptorGP("p0", Coordinates(2), integrator=SMALL),
        (
            lambda: DescriptorGP("p1", Coordinates(2), integrator=SMALL),
            lambda: DescriptorGP("p0", Coordinates(3), integrator=SMALL),
        ),
        GRAPH,
    ),
    "program": Case(
        lambda: linear(2),
        (lambda: linear(1), lambda: linear(2, 3), lambda: linear(2, n_draws=12)),
        frozenset({GenerativePrior}),
    ),
    "the page's": Case(ridge, (lambda: ridge("p1"), lambda: ridge(d=3), lambda: ridge(noise=0.4))),
}


def cases_that(kind: type) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [n for n, case in PRIORS.items() if kind in case.can])


@pytest.fixture(params=PRIORS)
def case(request: pytest.FixtureRequest) -> Case:
    return PRIORS[request.param]


def rows() -> Tensor:
    return torch.rand(N, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def cells(prior: Prior) -> Observations:
    """Every property of every row but the last, whose first alone is measured."""
    m, X = len(prior.properties), rows()
    where = [(i, j) for i in range(N) for j in range(m) if j == 0 or i < N - 1]
    y = torch.stack([torch.sin(3 * X[i, 0]) + (1 + j) * X[i, 1] - 1 for i, j in where])
    return observations(where, y, N, m)


def conditioned(prior: Prior, seed: int = 0) -> PropertyModel:
    return prior.condition(cells(prior), rows(), layout=axes(), seed=seed)


def answers(model: PropertyModel) -> tuple[Tensor, Tensor]:
    marginals = model.marginals(rows() + 0.1)
    return marginals.mean, marginals.variance


def test_it_names_distinct_properties_and_the_columns_it_needs(case: Case) -> None:
    prior = case.make()
    assert type(prior.properties) is tuple
    assert len(set(prior.properties)) == len(prior.properties) > 0
    assert type(prior.features) is tuple
    assert all(isinstance(f, FeatureMap | CompositeMap) for f in prior.features)
    assert {i.id for f in prior.features for i in f.inputs} == {Coordinates(2).id}


def test_the_digest_is_that_of_its_content(case: Case) -> None:
    prior = case.make()
    before = prior.digest()
    conditioned(prior)
    assert type(before) is str
    assert prior.digest() == before == case.make().digest()
    digests = [before, *(make().digest() for make in case.others)]
    assert len(set(digests)) == len(digests)


def test_conditioning_gives_a_model_and_changes_nothing(case: Case) -> None:
    prior = case.make()
    told, X = cells(prior), rows()
    y = told.y.clone()
    model = prior.condition(told, X, layout=axes(), seed=0)
    assert isinstance(model, PropertyModel)
    assert model.properties == prior.properties
    assert model.observations.n_cells == told.n_cells
    assert torch.equal(told.y, y)
    assert torch.equal(X, rows())


def test_the_seed_decides_with_a_checkpoint_or_without(case: Case, tmp_path: Path) -> None:
    prior, path = case.make(), tmp_path / "run"
    with untouched():
        first = answers(conditioned(prior, 3))
    for checkpoint in (None, path, str(path)):
        again = prior.condition(cells(prior), rows(), layout=axes(), seed=3, checkpoint=checkpoint)
        assert all(torch.equal(a, b) for a, b in zip(first, answers(again), strict=True))


def test_what_it_can_do_is_known(case: Case) -> None:
    found = {k for k in (GenerativePrior, Reducible, QuickPrior) if isinstance(case.make(), k)}
    assert found == case.can


@cases_that(GenerativePrior)
def test_draws_of_a_generative_prior_fit_together(name: str) -> None:
    prior, n = PRIORS[name].make(), 5
    told, m = cells(prior), len(prior.properties)
    with untouched():
        draws = prior.sample(rows(), n, layout=axes(), seed=1)
    assert draws.f.shape == (n, N, m)
    assert draws.noise_sd.shape == (n, m)
    assert (draws.noise_sd > 0).all()
    assert all(len(values) == n for values in draws.parameters.values())
    simulated = draws.measurements(told, seed=2)
    assert simulated.shape == (n, told.n_cells)
    assert torch.isfinite(simulated).all()
    likely = prior.log_likelihood(draws.parameters, told, rows(), layout=axes())
    assert likely.shape == (n,)
    assert torch.isfinite(likely).all()
    assert torch.equal(prior.sample(rows(), n, layout=axes(), seed=1).f, draws.f)
    assert not torch.equal(prior.sample(rows(), n, layout=axes(), seed=2).f, draws.f)


@cases_that(Reducible)
def test_a_reducible_prior_does_without_each_of_its_groups(name: str) -> None:
    prior = PRIORS[name].make()
    assert len(set(prior.groups)) == len(prior.groups) > 0
    for group in prior.groups:
        less = prior.without(group)
        if less is None:
            assert prior.groups == (group,)
            continue
        assert less.properties == prior.properties
        assert less.digest() != prior.digest()
        assert set(less.groups) == set(prior.groups) - {group}
    with pytest.raises(ModelError, match="'no such group'"):
        prior.without("no such group")


@cases_that(QuickPrior)
def test_a_quick_prior_is_about_the_same(name: str) -> None:
    prior = PRIORS[name].make()
    quick = prior.quick()
    assert quick.properties == prior.properties
    assert [f.digest for f in quick.features] == [f.digest for f in prior.features]
    assert quick.quick().digest() == quick.digest()
