"""Laws of a fit, whatever its prior and however its parameters were weighed.

1. A copy, and what a worker gets and sends back, is the same fit: predictions are equal to the last
digit, and so is everything that is asked of the model later. 2. What a copy holds is as frozen as
what it was copied from.
"""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

from bayesmat import check
from bayesmat.models.base import Fitted
from bayesmat.models.prediction import Prediction
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
