"""Posteriors in closed form that inference tests share."""

from __future__ import annotations

import math

import pyro
import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

A = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -0.7], [0.3, 0.0, 1.0], [1.0, 1.0, 1.0]]).double()
Y = torch.tensor([1.2, -0.4, 0.8, 1.9]).double()
NOISE = 0.3


def conjugate() -> None:
    """u ~ N(0, I), y = A u + noise, as a program."""
    u = pyro.sample("u", dist.Normal(0, 1).expand([3]).to_event(1))
    pyro.sample("y", dist.Normal(A @ u, NOISE).to_event(1), obs=Y)


def conjugate_truth() -> tuple[float, Tensor, Tensor]:
    """Log evidence, posterior mean and sd."""
    cover = A @ A.T + NOISE**2 * torch.eye(4).double()
    marginal = MultivariateNormal(torch.zeros(4).double(), cover)
    covariance = torch.linalg.inv(torch.eye(3).double() + A.T @ A / NOISE**2)
    sd = torch.diagonal(covariance).sqrt()
    return float(marginal.log_prob(Y)), covariance @ A.T @ Y / NOISE**2, sd


class TwoModes:
    r"""u ~ N(0, 2^2 I) in two dimensions, L = 0.3 N(u | -a, s^2) + 0.7 N(u | a, s^2)."""

    a, s, prior = torch.tensor([2.5, 1.0]).double(), 0.4, 2.0

    def __call__(self, u: Tensor) -> tuple[Tensor, Tensor]:
        log_prior = Normal(0.0, self.prior).log_prob(u).sum(-1)
        low = math.log(0.3) + Normal(-self.a, self.s).log_prob(u).sum(-1)
        high = math.log(0.7) + Normal(self.a, self.s).log_prob(u).sum(-1)
        return log_prior, torch.logaddexp(low, high)

    def draws(self, n: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return self.prior * torch.randn(n, 2, generator=generator, dtype=torch.float64)

    @property
    def log_evidence(self) -> float:
        """The modes are placed alike, so that the prior weighs them 0.3 : 0.7."""
        sd = math.hypot(self.s, self.prior)
        return float(Normal(0.0, sd).log_prob(self.a).sum())


class Curved:
    """x ~ N(0, 1), y | x ~ N(x^2, 0.5^2): a banana."""

    d = 2

    def log_density(self, u: Tensor) -> Tensor:
        x, y = u.unbind(-1)
        return Normal(0.0, 1.0).log_prob(x) + Normal(x.square(), 0.5).log_prob(y)

    def draws(self, z: Tensor) -> Tensor:
        return torch.stack([z[:, 0], z[:, 0].square() + 0.5 * z[:, 1]], -1)

    def standard(self, u: Tensor) -> Tensor:
        x, y = u.unbind(-1)
        return torch.stack([x, (y - x.square()) / 0.5], -1)


class Correlated:
    """A Gaussian in three dimensions with unequal scales and strong correlations."""

    d = 3

    factor = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.3, 0.0], [-3.0, 2.0, 5.0]]).double()
    mean = torch.tensor([1.0, -2.0, 10.0]).double()

    def log_density(self, u: Tensor) -> Tensor:
        return MultivariateNormal(self.mean, scale_tril=self.factor).log_prob(u)

    def draws(self, z: Tensor) -> Tensor:
        return self.mean + z @ self.factor.T

    def standard(self, u: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(self.factor, (u - self.mean).T, upper=False).T
