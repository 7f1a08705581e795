"""Every kernel is symmetric, positive semi-definite and agrees with its own diagonal."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bayesmat.errors import ModelError
from bayesmat.models.kernels import (
    ARD,
    Kernel,
    Linear,
    Matern52,
    MinMax,
    Term,
    matern52,
)
from bayesmat.sources.embedding import CompositeMap
from tests.unit.models.helpers import space

EPS = torch.finfo(torch.float64).eps
KERNELS: list[Kernel] = [MinMax(), Linear(), Matern52(), Matern52(factor=0.5, ell_sd=0.3), ARD()]


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
    if isinstance(kernel, Linear):  # a matrix product, whose order of sums is the library's
        assert torch.allclose(together[1], alone, rtol=0.0, atol=16 * EPS)
    else:
        assert torch.equal(together[1], alone)


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
    stack = CompositeMap((space(), space(1)), "both")
    assert Term(Linear(), stack, "networks").label == "linear(both)"
    assert stack.digest != CompositeMap((space(1), space()), "both").digest
    assert len(stack.inputs) == 2
    assert stack.names == ("x0", "x1", "x0")
    assert space().parts[0].digest == space().digest
    with pytest.raises(ModelError, match="needs at least one feature map"):
        CompositeMap((), "x")


@pytest.mark.parametrize("kernel", [Matern52(), Matern52(standardise=True), ARD(), MinMax()])
@pytest.mark.parametrize("size", [3, 60])
def test_equal_rows_are_exactly_equal(kernel: Kernel, size: int) -> None:
    """Descriptors of all magnitudes: a distance by |a|^2 + |b|^2 - 2ab is off by 1e-8 and more."""
    g = torch.Generator().manual_seed(2)
    phi = torch.rand(size, 290, generator=g, dtype=torch.float64)
    phi = phi * 10.0 ** torch.linspace(-6, 6, 290).double()
    phi[-1] = phi[0]
    prepared = kernel.prepare(phi)
    value = kernel.value(kernel.statistic(prepared, phi, phi), None)
    assert torch.equal(torch.diagonal(value), torch.ones(size).double())
    assert float(value[0, -1]) == 1.0
    assert torch.equal(value, value.T)


@pytest.mark.parametrize("kernel", [Matern52(), ARD(), MinMax()])
def test_rows_do_not_depend_on_their_company(kernel: Kernel) -> None:
    phi = torch.rand(80, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    prepared = kernel.prepare(phi)
    whole = kernel.statistic(prepared, phi, phi)
    for i in (0, 41, 79):
        assert torch.equal(kernel.statistic(prepared, phi[i : i + 1], phi)[0], whole[i])


def test_a_gradient_at_distance_zero_is_zero() -> None:
    kernel, phi = Matern52(), features()
    x = phi.clone().requires_grad_(True)
    value = kernel.value(kernel.statistic(kernel.prepare(phi), x, phi), None)
    (gradient,) = torch.autograd.grad(torch.diagonal(value).sum(), x)
    assert torch.equal(gradient, torch.zeros_like(phi))


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (MinMax, {"name": "foo"}),
        (MinMax, {"ell_sd": 1.0}),
        (Linear, {"ell_sd": 1.0}),
        (Linear, {"is_ard": True}),
        (Matern52, {"is_ard": True}),
        (ARD, {"is_ard": False}),
    ],
)
def test_what_a_kernel_ignores_it_does_not_take(kernel: type, options: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        kernel(**options)
    with pytest.raises(TypeError):
        MinMax("foo")  # type: ignore[call-arg]


def ard(phi: torch.Tensor, ell: torch.Tensor | None, kernel: ARD | None = None) -> torch.Tensor:
    kernel = kernel or ARD()
    return kernel.value(kernel.statistic(kernel.prepare(phi), phi, phi), ell)


def test_ard_of_any_lengthscales_is_a_covariance() -> None:
    phi = features()
    ell = torch.exp(torch.randn(5, 6, generator=torch.Generator().manual_seed(1)).double())
    gram = ard(phi, ell)
    assert gram.shape == (5, 12, 12)
    assert torch.allclose(gram, gram.transpose(-1, -2), atol=1e-12)
    assert torch.allclose(torch.diagonal(gram, dim1=-2, dim2=-1), torch.ones(5, 12).double())
    assert float(torch.linalg.eigvalsh(gram).min()) > -1e-9
    assert torch.allclose(gram[2], ard(phi, ell[2:3])[0])
    batch = torch.stack([phi, phi.flip(0)])
    kernel = ARD()
    together = kernel.value(kernel.statistic(kernel.prepare(phi), batch, batch), ell)
    assert torch.allclose(together[:, 0], gram)


def test_ard_with_equal_lengthscales_is_an_isotropic_matern() -> None:
    phi = features()
    standard = phi / phi.std(0)
    for ell in (0.5, 1.0, 3.0):
        r = math.sqrt(5) * torch.cdist(standard, standard) / (2 * math.sqrt(6) * ell)
        expected = (1 + r + r**2 / 3) * torch.exp(-r)
        assert torch.allclose(ard(phi, torch.full((1, 6), ell).double())[0], expected)
    assert torch.allclose(ard(phi, None), ard(phi, torch.ones(1, 6).double())[0])


def test_ard_ignores_a_feature_that_is_constant_or_stretched() -> None:
    phi = features()
    constant = torch.cat([phi, torch.full((12, 1), 7.0).double()], -1)
    shrunk = ARD(factor=2.0 * math.sqrt(6 / 7))
    ones = torch.ones(1, 7).double()
    tiny = ones.clone()
    tiny[0, 6] = 1e-3
    assert torch.allclose(ard(constant, ones, shrunk)[0], ard(phi, ones[:, :6])[0])
    assert torch.allclose(ard(constant, tiny, shrunk), ard(constant, ones, shrunk))
    long = torch.ones(1, 6).double()
    long[0, 2] = 1e6
    changed = phi.clone()
    changed[:, 2] = phi[:, 2].flip(0)
    kernel = ARD()
    prepared = kernel.prepare(phi)
    one, two = (kernel.value(kernel.statistic(prepared, x, x), long) for x in (phi, changed))
    assert torch.allclose(one, two, atol=1e-6)


def test_matern_has_its_derivative_where_points_coincide() -> None:
    """k = 1 - s/6 + ... for s = r^2."""
    square = torch.tensor([0.0, 1e-12, 0.5, 30.0]).double().requires_grad_()
    assert torch.autograd.gradcheck(matern52, (square[2:].detach().requires_grad_(),))
    (slope,) = torch.autograd.grad(matern52(square).sum(), square)
    assert slope[:2].tolist() == pytest.approx([-1 / 6] * 2, rel=1e-5)
    (first,) = torch.autograd.grad(matern52(square).exp().sum(), square, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("kernel", [Linear(standardise=True), Matern52(standardise=True), ARD()])
def test_standardised_features_have_no_unit(kernel: Kernel) -> None:
    generator = torch.Generator().manual_seed(3)
    phi = torch.randn(9, 4, generator=generator, dtype=torch.float64)
    units = torch.tensor([1.0, 1e4, 1e-3, 7.0], dtype=torch.float64)
    shift = torch.tensor([0.0, 1e5, 2.0, -3.0], dtype=torch.float64)

    def gram(features: Tensor) -> Tensor:
        return kernel.value(kernel.statistic(kernel.prepare(features), features, features), None)

    assert torch.allclose(gram(phi * units + shift), gram(phi), atol=1e-8)
    constant = torch.cat([phi, torch.full((9, 1), 5.0, dtype=torch.float64)], 1)
    new = constant.clone()
    new[:, -1] = 50.0
    prepared = kernel.prepare(constant)
    one = kernel.value(kernel.statistic(prepared, constant, constant), None)
    assert torch.equal(kernel.value(kernel.statistic(prepared, constant, new), None), one)
