"""Rank statistics, and a sampler that is wrong on purpose; false-alarm rates are stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesmat.check.sbc import rank_p_values, sbc
from bayesmat.data.observations import Observations
from bayesmat.errors import InferenceError
from bayesmat.features.base import Layout
from bayesmat.inference.grid import Grid
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.kernels import Linear, Term
from tests.unit.models.helpers import observations, space

N = 6
X = torch.linspace(-1, 1, N, dtype=torch.float64)[:, None].repeat(1, 2)
CELLS = [(i, 0) for i in range(N)]
GRAPH = PropertyGraph((Node("p0", (Term(Linear(), space(2), "line"),)),), Grid(256, 40))


def template() -> Observations:
    return observations(CELLS, torch.zeros(N, dtype=torch.float64), N, 1)


@dataclass(frozen=True)
class Overconfident(PropertyGraph):
    """Conditions as if the noise were a fifth of what it is."""

    def condition(
        self,
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> GraphModel:
        model = super().condition(observations, X, layout=layout, seed=seed)
        name = "p0: noise"
        i = model.problem.priors.names.index(name)
        shifted = model.hyper_posterior.u.clone()
        shifted[:, i] -= 1.6
        return GraphModel(model.problem, replace(model.hyper_posterior, u=shifted))


def test_uniform_ranks_have_uniform_p_values() -> None:
    rng = np.random.default_rng(0)
    ranks = [rng.integers(0, 32, 100) for _ in range(400)]
    p = np.array(rank_p_values(ranks, 31, seed=1, n_replicates=4000))
    for level in (0.05, 0.2, 0.5):  # 4 standard errors: false-alarm rate 2e-4 in all
        assert abs((p <= level).mean() - level) < 4 * (level * (1 - level) / 400) ** 0.5 + 0.01


@pytest.mark.parametrize("kind", ["narrow", "wide", "biased"])
def test_uneven_ranks_are_found(kind: str) -> None:
    u = np.random.default_rng(0).uniform(size=200)
    z = {"narrow": np.sin(np.pi * (u - 0.5)) / 2 + 0.5, "wide": 0.15 + 0.7 * u, "biased": u**1.6}
    ranks = np.floor(32 * z[kind]).astype(int).clip(0, 31)
    assert rank_p_values([ranks], 31, seed=0, n_replicates=5000)[0] < 1e-3


def test_an_exact_sampler_passes() -> None:
    """Family-wise false-alarm rate 0.01, for this seed fixed once."""
    found = sbc(GRAPH, X, template(), n_simulations=60, n_draws=19, seed=3)
    assert found.failures == ()
    assert {"p0: noise", "p0: f of row 0", "log likelihood"} <= set(found.ranks)
    assert all(len(r) == 60 and r.min() >= 0 and r.max() <= 19 for r in found.ranks.values())
    assert "all ranks are uniform" in str(found)
    assert "<table" in found._repr_html_()


def test_an_overconfident_sampler_is_found() -> None:
    broken = Overconfident(GRAPH.nodes, GRAPH.integrator)
    found = sbc(broken, X, template(), n_simulations=60, n_draws=19, seed=3)
    assert "p0: noise" in found.failures
    assert "does not find the posterior of" in str(found)


def test_rows_without_a_cell_are_refused() -> None:
    with pytest.raises(InferenceError, match=r"Rows \[6\] have no measured cell"):
        sbc(GRAPH, torch.cat([X, X[:1]]), replace(template(), n_rows=7), seed=0)
