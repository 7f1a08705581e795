"""A proposal for importance sampling: Student-t components, defended by the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammaincinv
from torch import Tensor

from .modes import Mode

__all__ = ["Mixture"]

DOF = 5
TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""The density :math:`q = \lambda_0 N(0, I) + \sum_j \lambda_j t_\nu(m_j, C_j C_j^\top)`.

    The first component is the prior: with it no weight :math:`p/q` exceeds the likelihood over
    :math:`\lambda_0`, wherever the other components fail to look (a defensive mixture: Hesterberg
    1995, doi:10.1080/00401706.1995.10484303).

    Attributes:
        shares: Shares of the components, the prior first, `J + 1`.
        means: Centres, `J x d`.
        factors: Lower Cholesky factors of the scales, `J x d x d`.
        dof: Degrees of freedom of the Student-t components.
    """

    shares: Tensor
    means: Tensor
    factors: Tensor
    dof: int = DOF

    @staticmethod
    def at(modes: Sequence[Mode], defence: float) -> Mixture:
        """Components at modes, by their mass but none below a tenth, and the prior."""
        mass = torch.tensor([mode.log_mass for mode in modes], dtype=torch.float64)
        share = torch.softmax(mass, 0).clamp(min=0.1)
        shares = torch.cat([torch.tensor([defence]).double(), (1 - defence) * share / share.sum()])
        return Mixture(
            shares, torch.stack([m.u for m in modes]), torch.stack([m.factor for m in modes])
        )

    @property
    def d(self) -> int:
        """Number of parameters."""
        return self.means.shape[1]

    def log_densities(self, u: Tensor) -> Tensor:
        """Log of share times density of every component, `N x (J + 1)`, differentiable."""
        d, nu = self.d, self.dof
        prior = -0.5 * u.square().sum(-1) - 0.5 * d * math.log(2 * math.pi)
        off = (u[None] - self.means[:, None]).transpose(-1, -2)
        square = torch.linalg.solve_triangular(self.factors, off, upper=False).square().sum(-2)
        log_det = torch.diagonal(self.factors, dim1=-2, dim2=-1).log().sum(-1)
        constant = (
            math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - 0.5 * d * math.log(nu * math.pi)
        )
        student = constant - log_det[:, None] - 0.5 * (nu + d) * torch.log1p(square / nu)
        return torch.cat([prior[None], student]).T + self.shares.log()

    def log_density(self, u: Tensor) -> Tensor:
        """Log q of points `N x d`, shape `N`."""
        return torch.logsumexp(self.log_densities(u), -1)

    def draw(self, n: int, seed: int) -> Tensor:
        """Points `n x d` by scrambled Sobol numbers: each is distributed as q, all evenly."""
        engine = torch.quasirandom.SobolEngine(self.d + 2, scramble=True, seed=seed)
        uniform = engine.draw(n, dtype=torch.float64).clamp(TINY, 1 - TINY)
        z = torch.special.ndtri(uniform[:, 2:])
        chi2 = 2.0 * gammaincinv(self.dof / 2, uniform[:, 1].numpy())
        t = z / torch.as_tensor(np.asarray(chi2) / self.dof).sqrt()[:, None]
        edges = torch.cumsum(self.shares, 0)
        which = torch.searchsorted(edges / edges[-1], uniform[:, 0].contiguous()).clamp(
            max=len(self.means)
        )
        j = (which - 1).clamp(min=0)
        student = self.means[j] + (self.factors[j] @ t[:, :, None])[..., 0]
        return torch.where((which == 0)[:, None], z, student)

    def adapted(self, u: Tensor, weights: Tensor, defence: float) -> Mixture:
        r"""The components moved to where the weight is: one step of expectation maximisation.

        Each component takes mean and covariance of the weighted points that it is responsible for,
        shrunk towards what it had where few points speak (Cappe et al. 2008,
        doi:10.1007/s11222-008-9059-x).

        Args:
            u: Points, `N x d`.
            weights: Normalised importance weights, `N`.
            defence: Share of the prior.
        """
        share = torch.softmax(self.log_densities(u), -1)[:, 1:] * weights[:, None]
        total, effective = share.sum(0), 1.0 / float(weights.square().sum())
        means, factors = [], []
        for j in range(len(self.means)):
            r = share[:, j] / total[j].clamp(min=1e-300)
            n = min(1.0 / float(r.square().sum().clamp(min=1e-300)), float(total[j]) * effective)
            keep = self.d / (self.d + n)
            mean = (1 - keep) * (r @ u) + keep * self.means[j]
            off = u - mean
            scale = (self.dof - 2) / self.dof
            covariance = scale * (r[:, None] * off).T @ off
            old = self.factors[j] @ self.factors[j].T
            mixed = (1 - keep) * covariance + keep * old + 1e-8 * torch.eye(self.d).double()
            means.append(mean)
            factors.append(torch.linalg.cholesky(mixed))
        shares = total.clamp(min=0.05 * float(total.max()))
        shares = torch.cat(
            [torch.tensor([defence]).double(), (1 - defence) * shares / shares.sum()]
        )
        return Mixture(shares, torch.stack(means), torch.stack(factors), self.dof)

    def widened(self, by: float, defence: float) -> Mixture:
        """With components wider by a factor and another share of the prior."""
        others = self.shares[1:] / self.shares[1:].sum()
        shares = torch.cat([torch.tensor([defence]).double(), (1 - defence) * others])
        return Mixture(shares, self.means, by * self.factors, self.dof)

    def joined(self, mode: Mode, share: float) -> Mixture:
        """With one more component at a mode."""
        return self._joined(mode.u, mode.factor, share)

    def supplemented(self, u: Tensor, weights: Tensor, share: float) -> Mixture:
        """With one more component where the heaviest point shows that too little is drawn.

        Centred there, with the covariance of the nearest points by their weights (incremental
        mixture importance sampling: Raftery and Bao 2010, doi:10.1111/j.1541-0420.2010.01399.x).

        Args:
            u: Points, `N x d`.
            weights: Normalised importance weights, `N`.
            share: Share of the new component.
        """
        centre = u[weights.argmax()]
        sd = (weights @ (u - weights @ u).square()).sqrt().clamp(min=1e-6)
        near = ((u - centre) / sd).square().sum(-1).argsort()[: max(10 * self.d, len(u) // 20)]
        w = 0.5 * weights[near] / weights[near].sum() + 0.5 / len(near)
        off = u[near] - centre
        covariance = (w[:, None] * off).T @ off + 1e-8 * torch.eye(self.d).double()
        return self._joined(centre, torch.linalg.cholesky(covariance), share)

    def _joined(self, mean: Tensor, factor: Tensor, share: float) -> Mixture:
        shares = torch.cat([(1 - share) * self.shares, torch.tensor([share]).double()])
        means = torch.cat([self.means, mean[None]])
        return Mixture(shares, means, torch.cat([self.factors, factor[None]]), self.dof)
