"""Every kernel is symmetric, positive semi-definite and agrees with its own diagonal."""

from __future__ import annotations

import math

import pytest
import torch

from bayesmat.features.molecule import ECFP
from bayesmat.models.kernels import FeatureStack, Kernel, Linear, Matern52, MinMax, Term
from tests.unit.models.helpers import space

KERNELS: list[Kernel] = [MinMax(), Linear(), Matern52(), Matern52(factor=0.5, ell_sd=0.3)]


def features(n: int = 12) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.poisson(torch.full((n, 6), 1.5, dtype=torch.float64), generator=g)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_gram_matrices_are_covariances(kernel: Kernel) -> None:
    phi = features()
    prepared = kernel.prepare(phi)
    gram = kernel.value(kernel.statistic(prepared, phi, phi), None)
    assert torch.allclose(gram, gram.T, atol=1e-12)
    assert float(torch.linalg.eigvalsh(gram).min()) > -1e-9
    assert torch.allclose(torch.diagonal(gram), kernel.diagonal(prepared, phi), atol=1e-9)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_batches_equal_loops(kernel: Kernel) -> None:
    phi = features()
    prepared = kernel.prepare(phi)
    batch = torch.stack([phi[:4], phi[4:8]])
    together = kernel.statistic(prepared, batch, batch)
    alone = kernel.statistic(prepared, phi[4:8], phi[4:8])
    assert torch.allclose(together[1], alone, atol=1e-9)


def test_minmax_of_counts_by_hand() -> None:
    a, b = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([[1.0, 3.0, 1.0]])
    kernel = MinMax()
    assert float(kernel.statistic(kernel.prepare(a), a, b)) == pytest.approx(2 / 6)


def test_matern_at_one_lengthscale() -> None:
    phi = torch.tensor([[0.0], [1.0]]).double()
    kernel = Matern52(factor=1.0)
    value = kernel.value(kernel.statistic(kernel.prepare(phi), phi, phi), None)
    r = math.sqrt(5)
    assert float(value[0, 1]) == pytest.approx((1 + r + r * r / 3) * math.exp(-r))


def test_linear_has_unit_mean_training_variance() -> None:
    phi = features()
    kernel = Linear()
    assert float(kernel.diagonal(kernel.prepare(phi), phi).mean()) == pytest.approx(1.0)


def test_features_without_spread_do_not_divide_by_zero() -> None:
    phi = torch.ones(5, 3).double()
    for kernel in (Linear(), Matern52()):
        gram = kernel.value(kernel.statistic(kernel.prepare(phi), phi, phi), None)
        assert torch.isfinite(gram).all()


def test_terms_and_stacks_name_themselves() -> None:
    stack = FeatureStack((space(), space(1)), "both")
    assert Term(Linear(), stack, "networks").label == "linear(both)"
    assert stack.digest != FeatureStack((space(1), space()), "both").digest
    assert len(stack.inputs) == 2
    assert Term(MinMax(), FeatureStack((), "x"), "g").kernel.ell_sd == 0
    assert ECFP().id.startswith("ecfp")
