"""Figures take a fit, or cells that were left out, in place of arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bayesmat as bm
from bayesmat import check, plots
from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ArgumentError, DataError
from bayesmat.models.base import Fitted, fit
from bayesmat.plots.fits import hyper_of
from tests.unit.check.helpers import pair, plane
from tests.unit.plots.looks import is_png, words_of

SMILES = ("C", "CC", "CCC", "CCCC", "CCO", "CCCO", "CCCCO", "CCN")
GAP, DIPOLE = Property("gap", "eV", "log"), Property("dipole", "D")


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    values = np.array([[float(len(s)) + 0.1 * i] for i, s in enumerate(SMILES)])
    table = PropertyTable(SMILES, "smiles", (GAP,), values)
    return bm.fit(bm.Transfer("gap", fingerprints=bm.ECFP(), integrator=bm.Grid(64)), table, seed=0)


def test_parity_of_a_fit_is_that_of_its_left_out_values(fitted: Fitted) -> None:
    found = check.loo(fitted).to_frame(level=0.5)
    ends = found["50% lower"], found["50% upper"]
    drawn = plots.parity(found["measured"], found["median"], *ends, prop=GAP, level=0.5)
    assert words_of(plots.parity(fitted, level=0.5)) == words_of(drawn)
    assert words_of(plots.parity(check.loo(fitted), level=0.5)) == words_of(drawn)


@pytest.mark.parametrize(
    "name",
    ["parity_grid", "coverage", "pit_histogram", "pit_ecdf", "calibration_curve", "influence"],
)
def test_every_figure_of_predictions_takes_a_fit(fitted: Fitted, name: str) -> None:
    assert is_png(getattr(plots, name)(fitted))


def test_influence_of_held_out_cells_is_their_z(fitted: Fitted) -> None:
    cells = check.kfold(fitted.prior, fitted.table, n_folds=2, seed=0)
    drawn = plots.influence(cells.z.numpy(), labels=cells.materials, measure="z")
    assert words_of(plots.influence(cells)) == words_of(drawn)


def test_parity_of_several_properties_names_the_grid() -> None:
    values = np.arange(1.0, 17.0).reshape(8, 2)
    table = PropertyTable(SMILES, "smiles", (GAP, DIPOLE), values)
    parts = [bm.Transfer(p, fingerprints=bm.ECFP()).nodes[0] for p in ("gap", "dipole")]
    both = bm.fit(bm.PropertyGraph(tuple(parts), integrator=bm.Grid(64)), table, seed=0)
    with pytest.raises(DataError, match=r"\['gap', 'dipole'\]: use parity_grid"):
        plots.parity(both)
    assert is_png(plots.parity_grid(both))


def test_a_missing_argument_is_named_with_the_figure() -> None:
    with pytest.raises(ArgumentError, match=r"parity\(\): missing a required argument: 'median'"):
        plots.parity(np.ones(3))


@pytest.fixture(scope="module")
def two() -> Fitted:
    """Two properties, one of them log, by the default integrator."""
    return fit(replace(pair(), integrator=None), plane(24), seed=0, explain=False)


def test_parameters_and_table_are_read_off_a_fit(two: Fitted) -> None:
    assert "a: noise" in words_of(plots.prior_posterior(two))
    assert "24 rows, 2 of 2" in words_of(plots.missing_pattern(two))


def test_relevance_of_a_fit_needs_the_property(two: Fitted) -> None:
    with pytest.raises(DataError, match=r"prop is '': give the property to draw, one of"):
        plots.relevance(two)
    figure = plots.relevance(two, prop="b")
    assert "b: association, not cause" in words_of(figure)
    assert "P(matters)" in words_of(figure)


def test_of_many_parameters_those_that_moved_most(two: Fitted) -> None:
    after, before, log = hyper_of(two, 2)
    every, prior, _ = hyper_of(two, 99)
    moved = {k: abs(np.median(every[k]) - np.median(prior[k])) / prior[k].std() for k in every}
    assert set(after) == set(before) == set(sorted(moved, key=moved.get)[-2:])  # type: ignore[arg-type]
    assert set(log) <= set(after)


def test_noise_that_no_cell_informs_is_not_compared_with_its_prior() -> None:
    table = plane(24)
    stated = replace(table, stds=np.where(np.arange(2) == 0, 0.1, np.nan) + 0 * table.values)
    found = fit(replace(pair(), integrator=None), stated, seed=0, explain=False)
    for parameters in hyper_of(found, 99)[:2]:
        assert {name for name in parameters if "noise" in name} == {"b: noise"}
