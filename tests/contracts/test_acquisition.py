"""BoTorch's contract, kept by every acquisition function; a new one is added to MADE."""

from __future__ import annotations

import pytest
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.optim import optimize_acqf
from torch import Tensor

from bayesmat import explore
from bayesmat.explore import AtLeast, Within
from bayesmat.models.base import Fitted
from tests.unit.models.helpers import fitted_waves

MADE = (explore.RegionProbability, explore.ExpectedDistance, explore.SpacierValue)
GOALS = [Within("p0", 0.3, 0.5), AtLeast("p1", 0.2)]
BOX = torch.tensor([[-2.0, -2.0], [2.0, 2.0]], dtype=torch.float64)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fitted_waves(16)


@pytest.fixture(params=MADE, ids=lambda made: made.__name__)
def acquisition(request: pytest.FixtureRequest, fitted: Fitted) -> AcquisitionFunction:
    made: AcquisitionFunction = request.param.for_goals(fitted, GOALS)
    return made


def points(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 4 * torch.rand(*shape, 2, generator=generator, dtype=torch.float64) - 2


def test_every_acquisition_function_is_public_and_held_to_these_laws() -> None:
    public = {
        thing
        for thing in (getattr(explore, name) for name in explore.__all__)
        if isinstance(thing, type) and issubclass(thing, AcquisitionFunction)
    }
    assert public == set(MADE)


@pytest.mark.parametrize("batch_shape", [(), (1,), (5,), (2, 3)])
def test_values_have_the_batch_shape(
    acquisition: AcquisitionFunction, batch_shape: tuple[int, ...]
) -> None:
    X = points(*batch_shape, 1)
    value = acquisition(X)
    assert value.shape == (batch_shape or (1,))
    singly = torch.stack([acquisition(x[None])[0] for x in X.reshape(-1, 1, 2)])
    torch.testing.assert_close(value.reshape(-1), singly)


def test_more_than_one_point_at_a_time_is_refused(acquisition: AcquisitionFunction) -> None:
    with pytest.raises(AssertionError, match="q=1"):
        acquisition(points(3, 2))


def test_gradients_are_those_of_the_values(acquisition: AcquisitionFunction) -> None:
    X = points(3, 1).requires_grad_(True)
    assert torch.autograd.gradcheck(acquisition, (X,), eps=1e-5, atol=1e-4, rtol=1e-3)


def test_botorch_optimises_it(acquisition: AcquisitionFunction) -> None:
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        best, value = optimize_acqf(
            acquisition, BOX, q=1, num_restarts=4, raw_samples=64, options={"maxiter": 50}
        )
    assert best.shape == (1, 2)
    assert bool(((best >= BOX[0]) & (best <= BOX[1])).all())
    with torch.no_grad():
        assert float(value) >= float(acquisition(points(256, 1)).max()) - 1e-6
