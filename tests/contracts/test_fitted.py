"""Laws of a fit, whatever its prior and however its parameters were weighed.

1. A copy, and what a worker gets and sends back, is the same fit: predictions are equal to the last
digit, and so is everything that is asked of the model later. 2. What a copy holds is as frozen as
what it was copied from. 3. So is a fit that was saved and loaded with its prior.
"""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from bayesmat import check
from bayesmat.check.arviz import to_arviz
from bayesmat.models.base import Fitted
from bayesmat.models.prediction import Prediction
from bayesmat.models.program import Program
from bayesmat.models.saved import load_fit
from tests.unit.models.fits import KINDS

WAYS: dict[str, Callable[[object], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda it: pickle.loads(pickle.dumps(it)),
}


@pytest.fixture(scope="module", params=KINDS)
def fitted(request: pytest.FixtureRequest) -> Fitted:
    return KINDS[request.param]()


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """One worker that shares nothing with this process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        yield executor


def predicted(fitted: Fitted) -> Prediction:
    """Of the first materials of the table, under their own conditions."""
    table = fitted.table
    conditions = table.condition_values[:3] if table.conditions else None
    return fitted.predict(table.materials[:3], conditions=conditions)


def predicted_there(fitted: Fitted) -> tuple[Fitted, Prediction]:
    return fitted, predicted(fitted)


def assert_same(first: Prediction, second: Prediction) -> None:
    for name in ("median", "lower", "upper", "latent_sd", "observation_sd", "domain_distance"):
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True), name


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_the_same_fit(fitted: Fitted, way: str) -> None:
    again = WAYS[way](fitted)
    assert isinstance(again, Fitted)
    assert_same(predicted(again), predicted(fitted))
    assert str(again.report) == str(fitted.report)
    assert again.prior.digest() == fitted.prior.digest()
    assert torch.equal(check.loo(again).log_density, check.loo(fitted).log_density)


def test_a_worker_gets_and_returns_the_same_fit(fitted: Fitted, pool: ProcessPoolExecutor) -> None:
    again, prediction = pool.submit(predicted_there, fitted).result()
    assert_same(prediction, predicted(fitted))
    assert_same(predicted(again), predicted(fitted))


@pytest.mark.parametrize("way", WAYS)
def test_what_users_hold_can_be_copied_and_stays_frozen(fitted: Fitted, way: str) -> None:
    marginals = fitted.model.marginals(fitted._train[:2])
    table, layout, again = (WAYS[way](it) for it in (fitted.table, fitted.layout, marginals))
    assert not table.values.flags.writeable
    assert np.array_equal(table.values, fitted.table.values, equal_nan=True)
    assert layout.blocks == fitted.layout.blocks
    with pytest.raises(TypeError):
        layout.blocks["x"] = slice(0, 1)
    assert torch.equal(again.mean, marginals.mean)
    for held in (fitted.report, check.loo(fitted), check.loo(fitted).summary()):
        assert str(WAYS[way](held)) == str(held)


@pytest.fixture(scope="module")
def loaded(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    path = tmp_path_factory.mktemp("fits") / "fit.safetensors"
    fitted.save(path)
    return load_fit(path, fitted.prior)


def test_a_loaded_fit_is_the_same_fit(fitted: Fitted, loaded: Fitted) -> None:
    assert_same(predicted(loaded), predicted(fitted))
    assert repr(loaded) == repr(fitted)
    assert str(loaded.report) == str(fitted.report)
    assert loaded.report._repr_html_() == fitted.report._repr_html_()
    assert loaded.report.inference.table.equals(fitted.report.inference.table)
    assert loaded.table.to_frame().equals(fitted.table.to_frame())
    assert loaded.table.dropped == fitted.table.dropped
    X = fitted._train[:3]
    for noise in (False, True):
        first, second = (it.model.posterior(X, observation_noise=noise) for it in (fitted, loaded))
        assert torch.equal(first.mean, second.mean)
        assert torch.equal(first.variance, second.variance)


def test_a_loaded_fit_can_be_asked_what_a_new_one_can(fitted: Fitted, loaded: Fitted) -> None:
    assert torch.equal(check.loo(loaded).log_density, check.loo(fitted).log_density)
    first, second = (to_arviz(it) for it in (fitted, loaded))
    assert first["posterior"].equals(second["posterior"])


def test_a_loaded_fit_is_updated_like_the_first(fitted: Fitted, loaded: Fitted) -> None:
    if isinstance(fitted.prior, Program):
        pytest.skip("a program has no update: it is sampled again when cells arrive")
    table = fitted.table
    labels = None if table.groups is None else table.groups[:1]
    more = table.append(table.materials[:1], table.values[:1] * 1.01, groups=labels)
    assert_same(*(predicted(it.update(more, seed=2)) for it in (fitted, loaded)))


def test_a_loaded_fit_saves_the_same_content(
    fitted: Fitted, loaded: Fitted, tmp_path: Path
) -> None:
    hashes = set()
    for name, fit in {"first": fitted, "second": loaded}.items():
        fit.save(tmp_path / name)
        with safe_open(tmp_path / name, framework="pt") as file:
            hashes.add(file.metadata()["sha256"])
    assert len(hashes) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second"}
