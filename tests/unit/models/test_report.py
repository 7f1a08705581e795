"""What a fit report says of noise: the figure that predictions use, and where it comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.data.table import Property, PropertyTable
from bayesmat.inference.laplace import Laplace
from bayesmat.models.base import fit
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Linear, Term
from bayesmat.models.model import Prior

from .helpers import space
from .programs import linear

TERM = Term(Linear(), space(), "line")
GRAPH = PropertyGraph((Node("p0", (TERM,)),))
PROGRAM = linear(1, sampler=Laplace(draws=50), n_draws=50)
PRIORS = pytest.mark.parametrize("prior", [GRAPH, PROGRAM], ids=["graph", "program"])


def line(sds: np.ndarray, scale: str = "linear") -> PropertyTable:
    """A line of sd about 4 K from 300 K, sds stated; its exponential where the scale is log."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, len(sds))
    f = 4 * x + 0.4 * rng.normal(size=len(sds))
    y = 300 + f if scale == "linear" else np.exp(f)
    stds = sds if scale == "linear" else sds * y
    keys, prop = tuple(f"{v:.6f} 1" for v in x), Property("p0", "K", scale)
    return PropertyTable(keys, "id", (prop,), y[:, None], stds[:, None])


def words(prior: Prior, table: PropertyTable) -> str:
    """What the report says of noise, after checking the figure against that of predictions."""
    fitted = fit(prior, table, seed=0, explain=False)
    assert f"p0: {fitted.report.noise['p0']}." in fitted.report.lines
    torch.testing.assert_close(fitted.report.noises["p0"].sd, fitted.model.noise_sd[:, 0])
    return fitted.report.noise["p0"]


@PRIORS
def test_stated_noise_is_called_so_in_the_unit_of_the_property(prior: Prior) -> None:
    same = words(prior, line(np.full(12, 0.01)))
    assert same == "measurement noise as the table states it, 0.01 K"
    turns = words(prior, line(np.where(np.arange(12) % 2, 0.07, 0.01)))
    assert turns.endswith("it, 0.05 K (root mean square of 0.01 to 0.07)")
    assert words(prior, line(np.full(12, 0.01), "log")).endswith(" 0.01 relative")


@PRIORS
def test_partly_stated_noise_is_told_apart(prior: Prior) -> None:
    half = line(np.where(np.arange(12) < 4, 0.01, np.nan))
    told = words(prior, half)
    assert "over all: 4 of 12 values state theirs, 0.01 K, and for the others" in told
    fitted = fit(prior, half, seed=0, explain=False)
    figures = fitted.model.noise_sd[:, 0] * fitted.scales[0].sd
    assert told.startswith(f"measurement noise {float(figures.quantile(0.5)):.3g} [")
    inferred = fitted.model.inferred_noise_sd[:, 0] * fitted.scales[0].sd
    assert f"it is {float(inferred.quantile(0.5)):.3g} [" in told


@PRIORS
def test_noise_that_nothing_states_is_inferred(prior: Prior) -> None:
    told = words(prior, line(np.full(12, np.nan)))
    assert told.startswith("measurement noise (or what no feature sees) ")


def test_a_property_without_values_has_the_noise_of_its_prior() -> None:
    table = line(np.full(12, np.nan))
    both = replace(
        table, properties=(Property("p0", "K"), Property("p1", "eV")),
        values=np.hstack([table.values, np.nan * table.values]), stds=np.full((12, 2), np.nan),
    )  # fmt: skip
    fitted = fit(replace(GRAPH, nodes=(*GRAPH.nodes, Node("p1", (TERM,)))), both, seed=0)
    assert fitted.report.noise["p1"].startswith("no value informs the noise, for which")
    assert fitted.model.uninformed == {"p1: noise"}


def test_an_update_tells_the_noise_anew() -> None:
    table = line(np.where(np.arange(12) < 4, 0.01, np.nan))
    first = fit(GRAPH, table.subset(range(4)), seed=0, explain=False)
    assert "as the table states it" in first.report.noise["p0"]
    assert "4 of 12 values" in first.update(table, seed=1).report.noise["p0"]


def test_the_share_of_noise_is_that_of_the_cells_as_they_are() -> None:
    """Stated sds of a hundredth of the property's sd: a ten-thousandth of its variance."""
    found = fit(GRAPH, line(np.full(12, 0.04)), seed=0, explain=False)
    assert float(found.report.shares["p0"]["noise"].max()) < 1e-3
    assert found.model.uninformed == {"p0: noise"}
    free = fit(GRAPH, line(np.full(12, np.nan)), seed=0, explain=False)
    assert free.model.uninformed == frozenset()
