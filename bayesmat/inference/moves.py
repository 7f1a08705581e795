r"""Moves of a population of parameter vectors: random walk, MALA and Hamiltonian Monte Carlo.

All leave ``prior(u) L(u)**beta`` invariant, up to the O(1/N) coupling through the population's
covariance, which every move uses as its metric; scales adapt from sweep to sweep.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from bayesmat._arguments import settle
from bayesmat._bounds import at_least

from .smc import Move

__all__ = ["HMC", "MALA", "MoveRule", "Points", "RandomWalk", "Target", "standard_normal"]

Target = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Maps parameter vectors `N x d` to (log prior, log likelihood), `N` each."""

Factor = Tensor


def standard_normal(log_likelihood: Callable[[Tensor], Tensor]) -> Target:
    """The target of a likelihood over u ~ N(0, I); the prior is normalised."""

    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        half = 0.5 * u.square().sum(-1)
        return -half - 0.5 * u.shape[-1] * math.log(2 * math.pi), log_likelihood(u)

    return target


@dataclass(frozen=True, eq=False)
class Points:
    """A population of parameter vectors with what moves need to know of each.

    Attributes:
        u: Parameters, `N x d`.
        log_prior: Their log prior density, `N`.
        scale: Step scale of the moves, `N` equal numbers that adapt.
        gradients: Gradients of log prior and log likelihood, `N x d` each; None for moves that
            need none.
    """

    u: Tensor
    log_prior: Tensor
    scale: Tensor
    gradients: tuple[Tensor, Tensor] | None = None

    def take(self, index: Tensor) -> Points:
        """The points at some positions."""
        gradients = self.gradients
        chosen = None if gradients is None else (gradients[0][index], gradients[1][index])
        return Points(self.u[index], self.log_prior[index], self.scale[index], chosen)

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name, for a checkpoint."""
        out = {"u": self.u, "log_prior": self.log_prior, "scale": self.scale}
        if self.gradients is not None:
            out |= {"prior_gradient": self.gradients[0], "gradient": self.gradients[1]}
        return out

    @staticmethod
    def of(tensors: dict[str, Tensor]) -> Points:
        """The inverse of `tensors`."""
        gradients = None
        if "gradient" in tensors:
            gradients = (tensors["prior_gradient"], tensors["gradient"])
        return Points(tensors["u"], tensors["log_prior"], tensors["scale"], gradients)


class MoveRule(Protocol):
    """A kind of move; ``start`` evaluates the first population, ``on`` binds it to a target."""

    @property
    def name(self) -> str:
        """For reports."""
        ...

    @property
    def cost(self) -> int:
        """Density evaluations (with gradient, where used) of one move of one particle."""
        ...

    @property
    def longest(self) -> int:
        """Moves after which a sweep ends though particles remember where they began."""
        ...

    def start(self, target: Target, u: Tensor) -> tuple[Points, Tensor]:
        """The population and its log likelihood."""
        ...

    def on(self, target: Target) -> Move[Points]:
        """The move of `tempered_smc`."""
        ...


@dataclass(frozen=True)
class RandomWalk:
    r"""Random-walk Metropolis with the population's covariance.

    The proposal is :math:`N(u, s^2 \Sigma)`, s = 2.38 / sqrt(d) times a jitter between 0.3 and 1.5,
    so that some steps suit narrow corners (Haario, Saksman and Tamminen 2001,
    doi:10.2307/3318737). Use it up to about a dozen parameters, or without gradients.
    """

    name: str = "random walk"
    cost: int = 1
    longest: int = 24

    def __post_init__(self) -> None:
        settle(self)

    def start(self, target: Target, u: Tensor) -> tuple[Points, Tensor]:
        """Evaluate without gradients."""
        with torch.no_grad():
            log_prior, log_likelihood = target(u)
        return Points(u, log_prior, torch.ones_like(log_prior)), log_likelihood

    def on(self, target: Target) -> Move[Points]:
        """Bind to a target."""

        def move(
            particles: Points, log_likelihood: Tensor, beta: float, generator: torch.Generator
        ) -> tuple[Points, Tensor, float]:
            points, u = particles, particles.u
            n, d = u.shape
            if d == 0:
                return points, log_likelihood, 1.0
            low, high = 0.3, 1.5
            jitter = low + (high - low) * torch.rand(n, 1, generator=generator, dtype=torch.float64)
            noise = torch.randn(n, d, generator=generator, dtype=torch.float64) @ metric(u).T
            proposal = u + jitter * (2.38 / math.sqrt(d)) * noise
            new, new_likelihood = self.start(target, proposal)
            log_ratio = new.log_prior - points.log_prior + beta * (new_likelihood - log_likelihood)
            return _select(points, log_likelihood, new, new_likelihood, log_ratio, generator)

        return move


@dataclass(frozen=True)
class HMC:
    r"""Hamiltonian Monte Carlo with the population's covariance as metric.

    With :math:`\Sigma = C C^\top` and momentum :math:`p \sim N(0, I)`, steps of size
    :math:`\epsilon` in :math:`v = C^{-1} u` by the leapfrog integrator; :math:`\epsilon` is
    jittered by 0.7 to 1.3 per particle and adapts to the target acceptance (Neal 2011,
    arXiv:1206.1901; for SMC: Buchholz, Chopin and Jacob 2021, doi:10.1214/20-BA1244).

    Use it from a dozen parameters up, where gradients are cheap. Not for likelihoods with jumps.

    Attributes:
        leapfrogs: Leapfrog steps per move.
        target_accept: Acceptance that the step size adapts to.
    """

    leapfrogs: int = 4
    target_accept: float = 0.75

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 1, "leapfrogs")

    @property
    def name(self) -> str:
        """For reports."""
        return f"HMC with {self.leapfrogs} steps" if self.leapfrogs > 1 else "MALA"

    @property
    def cost(self) -> int:
        """Gradients of one move."""
        return self.leapfrogs

    @property
    def longest(self) -> int:
        """Some 24 gradients."""
        return max(24 // self.leapfrogs, 4)

    def start(self, target: Target, u: Tensor) -> tuple[Points, Tensor]:
        """Evaluate with gradients; the first step size is 1.2 d^(-1/4)."""
        log_prior, log_likelihood, gradients = evaluate(target, u)
        step = torch.full_like(log_prior, 1.2 * max(u.shape[-1], 1) ** -0.25)
        return Points(u, log_prior, step, gradients), log_likelihood

    def on(self, target: Target) -> Move[Points]:
        """Bind to a target."""

        def move(
            particles: Points, log_likelihood: Tensor, beta: float, generator: torch.Generator
        ) -> tuple[Points, Tensor, float]:
            points = particles
            n, d = points.u.shape
            if d == 0:
                return points, log_likelihood, 1.0
            factor = metric(points.u)
            p = torch.randn(n, d, generator=generator, dtype=torch.float64)
            jitter = 0.7 + 0.6 * torch.rand(n, 1, generator=generator, dtype=torch.float64)
            new, new_likelihood, q = self._trajectory(
                target, points, factor, p, jitter * points.scale[:, None], beta
            )
            log_ratio = (
                new.log_prior - points.log_prior + beta * (new_likelihood - log_likelihood)
                + 0.5 * (p.square() - q.square()).sum(-1)
            )  # fmt: skip
            log_ratio = torch.nan_to_num(log_ratio, nan=-math.inf)
            moved, value, rate = _select(
                points, log_likelihood, new, new_likelihood, log_ratio, generator
            )
            scale = points.scale * math.exp(0.7 * (rate - self.target_accept))
            return replace(moved, scale=scale.clamp(1e-4, 3.0)), value, rate

        return move

    def _trajectory(
        self, target: Target, points: Points, factor: Factor, p: Tensor, step: Tensor, beta: float
    ) -> tuple[Points, Tensor, Tensor]:
        """End points, their log likelihood and their momenta."""
        u, gradients = points.u, points.gradients
        if gradients is None:
            _, _, gradients = evaluate(target, u)
        p = p + 0.5 * step * _force(gradients, factor, beta)
        log_prior, log_likelihood = points.log_prior, points.log_prior
        for i in range(self.leapfrogs):
            u = u + step * (p @ factor.T)
            log_prior, log_likelihood, gradients = evaluate(target, u)
            last = i == self.leapfrogs - 1
            p = p + (0.5 if last else 1.0) * step * _force(gradients, factor, beta)
        return Points(u, log_prior, points.scale, gradients), log_likelihood, p


def MALA(target_accept: float = 0.57) -> HMC:
    """The Metropolis-adjusted Langevin algorithm: Hamiltonian Monte Carlo of one step.

    Roberts and Tweedie 1996, doi:10.2307/3318418. Cheaper per move than `HMC`, and shorter-sighted.
    """
    return HMC(leapfrogs=1, target_accept=target_accept)


def evaluate(target: Target, u: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Log prior, log likelihood and the gradients of both; a NaN gradient becomes 0."""
    u = u.detach().requires_grad_(True)
    with torch.enable_grad():
        log_prior, log_likelihood = target(u)
        gradients = (_gradient(log_prior, u), _gradient(log_likelihood, u))
    return log_prior.detach(), log_likelihood.detach(), gradients


def _gradient(value: Tensor, u: Tensor) -> Tensor:
    """Gradient of the finite entries; 0 where it is NaN or the value does not depend on u."""
    total = torch.where(torch.isfinite(value), value, 0.0).sum()
    if not total.requires_grad:
        return torch.zeros_like(u)
    (found,) = torch.autograd.grad(total, u, retain_graph=True, allow_unused=True)
    return torch.zeros_like(u) if found is None else torch.nan_to_num(found)


def memory(before: Tensor, after: Tensor) -> float:
    """Largest correlation, over the d parameters, of particles `N x d` with where they were."""
    if before.shape[1] == 0:
        return 0.0
    a, b = before - before.mean(0), after - after.mean(0)
    scale = (a.square().sum(0) * b.square().sum(0)).sqrt()
    return float(((a * b).sum(0) / scale.clamp(min=1e-300)).max())


def metric(u: Tensor) -> Factor:
    """Cholesky factor of the population's covariance, 5 % of it towards its diagonal, `d x d`."""
    n = len(u)
    centred = u - u.mean(0)
    covariance = centred.T @ centred / n
    diagonal = torch.diagonal(covariance)
    covariance = covariance + torch.diag(0.05 * diagonal + 1e-8)
    return torch.linalg.cholesky(covariance)


def _force(gradients: tuple[Tensor, Tensor], factor: Factor, beta: float) -> Tensor:
    return (gradients[0] + beta * gradients[1]) @ factor


def _select(
    old: Points,
    old_likelihood: Tensor,
    new: Points,
    new_likelihood: Tensor,
    log_ratio: Tensor,
    generator: torch.Generator,
) -> tuple[Points, Tensor, float]:
    """Metropolis: the new point with probability min(1, exp(log_ratio))."""
    coin = torch.rand(len(log_ratio), generator=generator, dtype=torch.float64)
    accept = torch.log(coin) < log_ratio
    column = accept[:, None]
    gradients = None
    if old.gradients is not None and new.gradients is not None:
        gradients = (
            torch.where(column, new.gradients[0], old.gradients[0]),
            torch.where(column, new.gradients[1], old.gradients[1]),
        )
    moved = Points(
        torch.where(column, new.u, old.u),
        torch.where(accept, new.log_prior, old.log_prior),
        old.scale,
        gradients,
    )
    value = torch.where(accept, new_likelihood, old_likelihood)
    return moved, value, float(accept.double().mean())
