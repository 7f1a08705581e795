"""A prior that the data contradict, chains and points that are too few are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat import check
from bayesmat.check.doctor import SYMPTOMS, Evidence
from bayesmat.check.doctor.fit_symptoms import conflict, convergence_of_fit, influence
from bayesmat.data.table import Property
from bayesmat.inference.grid import Grid
from bayesmat.inference.report import InferenceReport, InferenceRun
from bayesmat.models.base import fit
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.kernels import Matern52, Term
from tests.unit.check.doctor.cases import (
    examined,
    verdicts,
    well_specified,
)
from tests.unit.check.helpers import plane, smooth
from tests.unit.models.helpers import space
from tests.unit.models.programs import linear


def test_a_prior_that_the_data_contradict() -> None:
    table = plane(40, noise=0.4).select(["a"])
    sure = smooth(noise=0.005, noise_sd=0.1)
    (first, *_) = examined(table, sure).about("prior")
    assert first.verdict in ("bad", "look")
    assert "into the tail of their prior: a: " in first.what
    assert " K, the prior had 90 %" in first.what
    term = (Term(Matern52(), space(), "smooth", weight=0.02, weight_sd=0.2),)
    flat = PropertyGraph((Node("a", term, mean_sd=0.01, noise=0.02, noise_sd=0.1),), Grid(n=400))
    told = " ".join(f.what for f in examined(table, flat).about("prior"))
    assert "data drawn from the prior do not look like these: the sd of a" in told
    prior, drawn = well_specified(0)
    assert verdicts(examined(drawn, prior), "prior") == {"fine"}


class Stuck:
    """A sampler whose chains stay where they started."""

    def __call__(self, model, *, seed, checkpoint=None, key=None):  # type: ignore[no-untyped-def]
        generator = torch.Generator().manual_seed(seed)
        shift = torch.tensor([0.0, 3.0]).double()[:, None, None, None]
        w = shift + 0.1 * torch.randn(2, 60, 2, 1, generator=generator, dtype=torch.float64)
        s = 0.5 + 0.01 * torch.rand(2, 60, 1, generator=generator, dtype=torch.float64)
        draws = {"w": w, "s": s}
        table = check.convergence(draws).table
        return InferenceRun(draws, InferenceReport("stuck", 0.1, table, n_chains=2, n_draws=60))


def test_chains_that_disagree() -> None:
    table = replace(plane(20).select(["a"]), properties=(Property("p0", "K"),))
    found = examined(table, linear(1, sampler=Stuck(), n_draws=60))
    (mixed,) = found.about("convergence")
    assert mixed.verdict == "bad"
    assert "R-hat exceeds" in mixed.what
    assert {finding.topic for finding in found.findings} >= set(SYMPTOMS)


def test_a_grid_of_which_few_points_count() -> None:
    """Nearly exact data: the posterior is a speck of the prior that the grid covers."""
    term = (Term(Matern52(), space(), "smooth", weight=0.05, weight_sd=2.0),)
    prior = PropertyGraph((Node("a", term, noise_sd=2.0),), Grid(n=64))
    (rough,) = examined(plane(40, noise=0.02).select(["a"]), prior).about("convergence")
    assert rough.verdict == "bad"


class Still(Stuck):
    """A sampler of which no draw differs from another."""

    def __call__(self, model, *, seed, checkpoint=None, key=None):  # type: ignore[no-untyped-def]
        run = super().__call__(model, seed=seed)
        draws = {name: v[:1, :1].expand_as(v).clone() for name, v in run.draws.items()}
        table = check.convergence(draws).table
        report = InferenceReport("still", 0.1, table, n_chains=2, n_draws=60, are_chains=True)
        return InferenceRun(draws, report)


def test_chains_that_never_move() -> None:
    table = replace(plane(20).select(["a"]), properties=(Property("p0", "K"),))
    fitted = fit(linear(1, sampler=Still(), n_draws=60), table, seed=0, explain=False)
    (found,) = convergence_of_fit(Evidence(fitted, 0))
    assert found.verdict == "bad"
    assert "All draws of w, s are equal" in found.what
    assert "nan" not in found.what


def test_a_table_of_one_row_contradicts_no_prior() -> None:
    """The skewness of one value is undefined, which is no conflict."""
    fitted = fit(smooth(), plane(12).select(["a"]).subset([3]), seed=0, explain=False)
    assert [found.verdict for found in conflict(Evidence(fitted, 0))] == ["fine"]


def test_noise_that_no_cell_informs_is_in_no_conflict_and_moved_by_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Draws of a noise that all cells state are the prior's, however they happen to lie."""
    table = plane(20).select(["a"])
    stated = replace(table, stds=np.full_like(table.values, 0.1))
    points = fit(smooth(), stated, seed=0, explain=False).model.points
    at = list(points.values).index("a: noise")
    assert points.standard is not None
    points.standard[:, at] += 9.0 + torch.arange(len(points.standard)) % 2
    monkeypatch.setattr(GraphModel, "points", points)
    told = {}
    for name, some in {"stated": stated, "inferred": table}.items():
        evidence = Evidence(fit(smooth(), some, seed=0, explain=False), 0)
        told[name] = " ".join(f.what for f in conflict(evidence) + influence(evidence))
    assert "a: noise" in told["inferred"]
    assert "noise" not in told["stated"]
