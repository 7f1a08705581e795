"""The noise of a prediction: stated for the measurement, else by the table, else inferred."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import DataError, ModelError
from bayesmat.models.base import fit
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Linear, Term
from bayesmat.models.marginals import pooled_noise

from .helpers import space


def stated(n: int = 60, seed: int = 0) -> tuple[PropertyTable, np.ndarray, np.ndarray]:
    """A line with stated sds, 0.02 and 0.7 by turns; the truth of the rows."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    sd = np.where(np.arange(n) % 2, 0.7, 0.02)
    truth = 1.5 * x
    keys = tuple(f"{v:.6f}" for v in x)
    values = (truth + sd * rng.normal(size=n))[:, None]
    return PropertyTable(keys, "id", (Property("y", "K"),), values, sd[:, None]), truth, sd


LINE = PropertyGraph((Node("y", (Term(Linear(), space(1), "line", weight=1.0),)),))


def test_a_stated_sd_is_the_noise_of_a_new_measurement() -> None:
    """600 new measurements of either kind; coverage of 90 % +- 4 binomial errors."""
    table, *_ = stated()
    fitted = fit(LINE, table, seed=0, explain=False)
    rng = np.random.default_rng(9)
    x = rng.uniform(-2, 2, 1200)
    sd = np.where(np.arange(1200) % 2, 0.7, 0.02)
    y = 1.5 * x + sd * rng.normal(size=1200)
    keys = [f"{v:.6f}" for v in x]
    found = fitted.predict(keys, sds={"y": sd})
    inside = (found.lower[:, 0] <= y) & (y <= found.upper[:, 0])
    for which in (sd < 0.1, sd > 0.1):
        assert inside[which].mean() == pytest.approx(0.9, abs=4 * (0.09 / 600) ** 0.5)
    one, each = (fitted.predict(keys[:3], sds={"y": sds}) for sds in (0.7, [0.7, 0.7, 0.7]))
    np.testing.assert_array_equal(one.observation_sd, each.observation_sd)
    unsaid = fitted.predict(keys[:3])
    rms = float(np.sqrt(np.mean(table.stds**2)))
    np.testing.assert_allclose(unsaid.observation_sd[:, 0], rms, rtol=0.05)


def test_an_sd_that_is_stated_nowhere_is_inferred_and_a_mixture_is_pooled() -> None:
    table, *_ = stated()
    obs = table.observations()
    inferred = torch.tensor([[0.5], [0.3]]).double()
    none = replace(obs, yvar=torch.full_like(obs.yvar, torch.nan))
    torch.testing.assert_close(pooled_noise(inferred, none), inferred)
    rms = obs.yvar.mean().sqrt()
    torch.testing.assert_close(pooled_noise(inferred, obs), rms.expand(2, 1))
    half = replace(obs, yvar=torch.where(torch.arange(60) < 30, torch.nan, obs.yvar))
    expected = (0.5 * obs.yvar[30:].mean() + 0.5 * inferred.square()).sqrt()
    torch.testing.assert_close(pooled_noise(inferred, half), expected)


def test_stated_sds_of_one_property_say_nothing_of_another() -> None:
    obs = stated()[0].observations()
    both = replace(
        obs, columns=torch.arange(60) % 2, properties=("y", "z"),
        yvar=torch.where(torch.arange(60) % 2 == 0, 0.04, torch.nan).double(),
    )  # fmt: skip
    inferred = torch.tensor([[0.5, 0.3]]).double()
    expected = torch.tensor([[0.2, 0.3]]).double()
    torch.testing.assert_close(pooled_noise(inferred, both), expected)


def test_stated_sds_of_a_log_property_are_relative() -> None:
    table, *_ = stated()
    positive = replace(
        table, values=np.exp(table.values), stds=0.1 * np.exp(table.values),
        properties=(Property("y", "K", "log"),),
    )  # fmt: skip
    fitted = fit(LINE, positive, seed=0, explain=False)
    found = fitted.predict(["0.5"], sds={"y": [0.2 * float(fitted.predict(["0.5"]).median[0, 0])]})
    noise = found.observation_sd[0, 0] ** 2 - found.latent_sd[0, 0] ** 2
    assert noise**0.5 == pytest.approx(np.sqrt(np.log1p(0.2**2)), rel=1e-3)


@pytest.mark.parametrize(
    ("sds", "words"),
    [
        ({"z": [1.0]}, r"sds are given of \['z'\]"),
        ({"y": [1.0, 2.0]}, "for 1 materials"),
        ({"y": 0.0}, "one positive, finite number for all or for each"),
        ({"y": [0.0]}, "one positive, finite number"),
        ({"y": [-1.0]}, "one positive, finite number"),
    ],
)
def test_sds_that_do_not_fit_are_refused(sds: dict[str, list[float] | float], words: str) -> None:
    fitted = fit(LINE, stated()[0], seed=0, explain=False)
    with pytest.raises(ModelError, match=words):
        fitted.predict(["0.5"], sds=sds)


def test_no_material_gives_an_empty_prediction_without_a_warning() -> None:
    table, *_ = stated(8)
    fitted = fit(LINE, table, seed=0, explain=False)
    assert fitted.predict([]).median.shape == (0, 1)


def test_a_prediction_of_nothing_or_with_what_it_cannot_use_is_refused() -> None:
    table, *_ = stated(20)
    fitted = fit(LINE, table, seed=0, explain=False)
    with pytest.raises(ModelError, match=r"no property is asked for: name some of \['y'\]"):
        fitted.predict(["0.5"], [])
    with pytest.raises(ModelError, match=r"unknown properties \['z'\]: name some of \['y'\]"):
        fitted.predict(["0.5"], ["z"])
    for sds in (np.inf, [0.1, np.inf], [0.1, -1.0]):
        with pytest.raises(ModelError, match="one positive, finite number"):
            fitted.predict(["0.5", "0.6"], sds={"y": sds})
    with pytest.raises(DataError, match=r"shape \(2, 0\), got \(1, 3\)"):
        fitted.predict(["0.5", "0.6"], conditions=np.ones((1, 3)))
    empty = fitted.predict(["0.5", "0.6"], conditions=np.empty((2, 0)))
    np.testing.assert_array_equal(empty.median, fitted.predict(["0.5", "0.6"]).median)


@pytest.mark.parametrize("shape", [(1, 5), (1,), (), (2, 1, 1)])
def test_a_distance_is_of_rows_of_the_layout(shape: tuple[int, ...]) -> None:
    table, *_ = stated(20)
    fitted = fit(LINE, table, seed=0, explain=False)
    with pytest.raises(ModelError, match="X has"):
        fitted.domain_distance(torch.zeros(shape, dtype=torch.float64))
    assert fitted.domain_distance(torch.zeros(2, 1, dtype=torch.float64)).shape == (2,)
